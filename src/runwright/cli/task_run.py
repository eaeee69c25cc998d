"""`runwright task-run`."""

from uuid import UUID

from cyclopts import App

from runwright.api.filters import IdIs, Query, StateIs, StateTypeIs, TaskRunFilter
from runwright.api.states import StateType
from runwright.cli import lookup
from runwright.cli.render import Column, Output, show, show_one, span, when
from runwright.cli.session import session
from runwright.client.calls import task_runs

app = App(name="task-run", help="Task runs.")


@app.command(name="ls")
def ls(
    *,
    flow_run: str | None = None,
    state: list[StateType] | None = None,
    limit: int = 50,
    output: Output = "table",
) -> None:
    """List task runs, the latest first.

    Parameters
    ----------
    flow_run
        Only those of this flow run: its id or name.
    state
        Only those in states of these types.
    """
    with session() as caller:
        run = lookup.flow_run(caller, flow_run) if flow_run else None
        where = TaskRunFilter(
            flow_run_id=IdIs(any_=[run.id]) if run else None,
            state=StateIs(type=StateTypeIs(any_=state)) if state else None,
        )
        body = Query(task_runs=where, sort="EXPECTED_START_TIME_DESC", limit=limit)
        found = caller.call(task_runs.find(body))
    columns = [
        Column("NAME", lambda t: t.name),
        Column("STATE", lambda t: t.state_name),
        Column("STARTED", lambda t: when(t.start_time)),
        Column("TOOK", lambda t: span(t.total_run_time) if t.start_time else ""),
        Column("RUNS", lambda t: t.run_count),
        Column("ID", lambda t: t.id),
    ]
    show(found, columns, output, name=lambda t: str(t.id))


@app.command
def inspect(task_run_id: UUID, /, *, output: Output = "table") -> None:
    """Show everything about a task run."""
    with session() as caller:
        found = caller.call(task_runs.read(task_run_id))
    show_one(found, output, name=str(found.id))
