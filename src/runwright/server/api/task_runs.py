"""`/task_runs`."""

from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET
from sqlalchemy import delete as delete_from
from sqlalchemy import update

from runwright.api.filters import Filters, PageQuery, Query
from runwright.api.flow_runs import HistoryInterval
from runwright.api.states import OrchestrationResult, SetState
from runwright.api.task_runs import (
    StateCount,
    TaskRun,
    TaskRunCreate,
    TaskRunPage,
    TaskRunUpdate,
)
from runwright.server.api.flow_run_reads import HistoryQuery
from runwright.server.injected import Asker, PathId, Wired
from runwright.server.keys import creator
from runwright.server.pages import many, one, one_page
from runwright.server.problems import Missing
from runwright.server.use_cases.move_task_run import create_task_run, move_task_run
from runwright.storage.engine import Transaction
from runwright.storage.histories import history
from runwright.storage.queries import count, read_one
from runwright.storage.tables import task_run
from runwright.storage.task_runs import TASK_RUNS, count_by_state, dependents


@post("/", status_code=201)
async def create(data: JSONBody[TaskRunCreate], wiring: Wired) -> Response[TaskRun]:
    """A new task run (201), or the one that this call made before (200)."""

    def use_case(tx: Transaction) -> tuple[TaskRun | None, bool]:
        made = create_task_run(tx, data, wiring.policy)
        return read_one(tx, TASK_RUNS, made.id), made.is_new

    made, is_new = await wiring.storage.write(use_case)
    if made is None:
        raise Missing("The task run was deleted meanwhile.")
    return Response(made, status_code=201 if is_new else 200)


@post("/{run_id:uuid}/set_state", status_code=201)
async def set_state(
    run_id: PathId, data: JSONBody[SetState], wiring: Wired, principal: Asker
) -> Response[OrchestrationResult]:
    """Propose a state: 201 when it is recorded, 200 when something else was decided."""
    by = creator(principal)
    result = await wiring.storage.write(
        lambda tx: move_task_run(tx, run_id, data, wiring.policy, by=by)
    )
    return Response(result, status_code=201 if result.status == "ACCEPT" else 200)


@get("/{run_id:uuid}")
async def read(run_id: PathId, wiring: Wired) -> Response[TaskRun]:
    """One task run."""
    found = await one(wiring, TASK_RUNS, run_id)
    if found is None:
        raise Missing(f"There is no task run {run_id}.")
    return found


@post("/filter", status_code=200)
async def filtered(data: JSONBody[Query], wiring: Wired) -> Response[list[TaskRun]]:
    """Task runs that meet the filters."""
    return await many(wiring, TASK_RUNS, data)


@post("/count", status_code=200)
async def counted(data: JSONBody[Filters], wiring: Wired) -> int:
    """How many task runs meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, TASK_RUNS, data))


@post("/count_by_state", status_code=200)
async def counted_by_state(data: JSONBody[Filters], wiring: Wired) -> list[StateCount]:
    """How many task runs meet the filters, by their state. Ours alone."""
    return await wiring.storage.read(lambda tx: count_by_state(tx, data))


@get("/{run_id:uuid}/dependents")
async def read_dependents(run_id: PathId, wiring: Wired) -> list[TaskRun]:
    """The task runs that took the result of this one, 200 at most. Ours alone."""

    def query(tx: Transaction) -> list[TaskRun]:
        found = read_one(tx, TASK_RUNS, run_id)
        if found is None:
            raise Missing(f"There is no task run {run_id}.")
        return dependents(tx, found)

    return await wiring.storage.read(query)


@post("/paginate", status_code=200)
async def paginated(data: JSONBody[PageQuery], wiring: Wired) -> Response[TaskRunPage]:
    """One page of the task runs that meet the filters."""
    return await one_page(wiring, TASK_RUNS, data, TaskRunPage)


@post("/history", status_code=200)
async def read_history(data: JSONBody[HistoryQuery], wiring: Wired) -> list[HistoryInterval]:
    """How many task runs were expected in each interval, by the state they are in now."""
    step = data.interval()
    start, end = data.history_start, data.history_end
    return await wiring.storage.read(
        lambda tx: history(tx, task_run, data, start=start, end=end, step=step)
    )


@patch("/{run_id:uuid}", status_code=204)
async def change(run_id: PathId, data: JSONBody[TaskRunUpdate], wiring: Wired) -> None:
    """Rename a task run."""
    values = {} if data.name is UNSET else {"name": data.name}
    changed = await wiring.storage.write(
        lambda tx: (
            tx.execute(
                update(task_run).where(task_run.c.id == run_id).values(updated=tx.now, **values)
            ).rowcount
        )
    )
    if not changed:
        raise Missing(f"There is no task run {run_id}.")


@delete("/{run_id:uuid}")
async def remove(run_id: PathId, wiring: Wired) -> None:
    """Delete a task run and its history."""
    gone = await wiring.storage.write(
        lambda tx: tx.execute(delete_from(task_run).where(task_run.c.id == run_id)).rowcount
    )
    if not gone:
        raise Missing(f"There is no task run {run_id}.")


router = Router(
    path="/task_runs",
    route_handlers=[
        create,
        set_state,
        read,
        filtered,
        counted,
        counted_by_state,
        read_dependents,
        paginated,
        read_history,
        change,
        remove,
    ],
)
