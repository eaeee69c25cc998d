"""`/work_pools`, and the types of workers there are."""

import math
from typing import Any

from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.filters import WorkPoolFilters, WorkPoolQuery
from runwright.api.work_pools import (
    DueRun,
    DueRunsOfPool,
    QueueSlots,
    SlotsQuery,
    WorkPool,
    WorkPoolCreate,
    WorkPoolSlots,
    WorkPoolUpdate,
)
from runwright.server.injected import Asker, PathName, Wired
from runwright.server.job_templates import WORKER_TYPES
from runwright.server.pages import many
from runwright.server.problems import Missing
from runwright.server.use_cases.find_pool import no_queue, pool_of_name
from runwright.server.use_cases.own_pool import refuse_other_pools
from runwright.server.use_cases.save_pool import change_pool, create_pool, delete_pool
from runwright.storage.due_runs import due_runs_of_queues, mark_queues_polled, slot_holders
from runwright.storage.engine import Transaction
from runwright.storage.queries import count, limit_of
from runwright.storage.tables import flow_run
from runwright.storage.work_pools import WORK_POOLS, queues_of


@post("/", status_code=201)
async def create(data: JSONBody[WorkPoolCreate], wiring: Wired) -> WorkPool:
    """Make a pool with its default queue; 409 when there is one of that name."""
    return await wiring.storage.write(lambda tx: create_pool(tx, data, wiring.new_id))


@get("/{name:str}")
async def read(name: PathName, wiring: Wired, principal: Asker) -> WorkPool:
    """One pool. READY while a worker of it is alive."""

    def query(tx: Transaction) -> WorkPool:
        pool = pool_of_name(tx, name)
        refuse_other_pools(principal, pool.id, pool.name)
        return pool

    return await wiring.storage.read(query)


@patch("/{name:str}", status_code=204)
async def change(name: PathName, data: JSONBody[WorkPoolUpdate], wiring: Wired) -> None:
    """Change a pool; pausing it keeps its runs from starting."""
    await wiring.storage.write(lambda tx: change_pool(tx, name, data))


@delete("/{name:str}", status_code=204)
async def remove(name: PathName, wiring: Wired) -> None:
    """Delete a pool, its queues and workers; its runs and deployments stay without one."""
    await wiring.storage.write(lambda tx: delete_pool(tx, name))


@post("/filter", status_code=200)
async def filtered(data: JSONBody[WorkPoolQuery], wiring: Wired) -> Response[list[WorkPool]]:
    """Pools that meet the filters, by name."""
    return await many(wiring, WORK_POOLS, data)


@post("/count", status_code=200)
async def counted(data: JSONBody[WorkPoolFilters], wiring: Wired) -> int:
    """How many pools meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, WORK_POOLS, data))


@post("/{name:str}/get_scheduled_flow_runs", status_code=200)
async def get_scheduled_flow_runs(
    name: PathName, data: JSONBody[DueRunsOfPool], wiring: Wired
) -> list[DueRun]:
    """Runs that a worker of the pool may propose PENDING for, most urgent first."""

    def query(tx: Transaction) -> tuple[list[DueRun], list[Any]]:
        pool = pool_of_name(tx, name)
        queues = queues_of(tx, pool.id)
        for wanted in data.work_queue_names:
            if all(queue.name != wanted for queue in queues):
                raise no_queue(tx, pool.id, name, wanted)
        if data.work_queue_names:
            queues = [queue for queue in queues if queue.name in data.work_queue_names]
        found = due_runs_of_queues(
            tx,
            pool,
            queues,
            before=data.scheduled_before or tx.now,
            after=data.scheduled_after,
            limit=limit_of(data.limit),
        )
        return found, [queue.id for queue in queues]

    found, polled = await wiring.storage.read(query)
    await wiring.storage.write(lambda tx: mark_queues_polled(tx, polled))
    return found


@post("/{name:str}/concurrency_status", status_code=200)
async def concurrency_status(
    name: PathName, data: JSONBody[SlotsQuery], wiring: Wired
) -> WorkPoolSlots:
    """The slots in use of a pool and of a page of its queues, and who holds them."""

    def query(tx: Transaction) -> WorkPoolSlots:
        pool = pool_of_name(tx, name)
        queues = queues_of(tx, pool.id)
        limit = data.limit or limit_of(None)
        some = queues[(data.page - 1) * limit : data.page * limit]
        return WorkPoolSlots(
            active_slots=pool.active_slots or 0,
            concurrency_limit=pool.concurrency_limit,
            count=len(queues),
            limit=limit,
            page=data.page,
            pages=math.ceil(len(queues) / limit),
            queues=[
                QueueSlots(
                    queue_id=queue.id,
                    queue_name=queue.name,
                    active_slots=queue.active_slots or 0,
                    concurrency_limit=queue.concurrency_limit,
                    flow_run_count=queue.active_slots,
                    flow_runs=slot_holders(
                        tx, flow_run.c.work_queue_id == queue.id, data.flow_run_limit
                    ),
                )
                for queue in some
            ],
        )

    return await wiring.storage.read(query)


@get("/views/{view:str}")
async def view(view: PathName) -> dict[str, Any]:
    """What forms and command lines show of the types of workers."""
    if view != "aggregate-worker-metadata":
        raise Missing(f"There is no view {view!r}. There is: aggregate-worker-metadata.")
    return {"runwright": WORKER_TYPES}


pools = Router(
    path="/work_pools",
    route_handlers=[
        create,
        read,
        change,
        remove,
        filtered,
        counted,
        get_scheduled_flow_runs,
        concurrency_status,
    ],
)
router = Router(path="/", route_handlers=[pools, Router("/collections", route_handlers=[view])])
