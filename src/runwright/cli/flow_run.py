"""`runwright flow-run`."""

import time
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from runwright.api.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    IdIs,
    Query,
    StateIs,
    StateTypeIs,
    TagsAre,
    TextIs,
    TimeIs,
    WorkPoolFilter,
)
from runwright.api.flow_runs import FlowRun
from runwright.api.states import StateType
from runwright.cli import lookup
from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.render import Column, Output, acted, note, say, show, show_one, span, when
from runwright.cli.session import Caller, session
from runwright.cli.values import duration, instant
from runwright.cli.watching import LogTail, follow
from runwright.client.calls import deployments, flow_runs, flows
from runwright.clock import SystemClock
from runwright.core.states import TERMINAL
from runwright.core.waiting import Reason
from runwright.errors import ConfigurationError, Unauthorized

app = App(name="flow-run", help="Flow runs: list, follow, cancel, run again.")
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], negative="")]

#: This machine's clock, and that of the server.
_CLOCKS_MAY_DIFFER = timedelta(minutes=1)
#: Completed attempts that are looked at.
_MOST_REPAIRS = 200
_COLUMNS = [
    Column("NAME", lambda r: r.name),
    Column("ATTEMPT", lambda r: r.attempt),
    Column("POOL", lambda r: r.work_pool_name),
    Column("WHEN", lambda r: when(r.start_time or r.expected_start_time)),
    Column("TOOK", lambda r: span(r.estimated_run_time) if r.start_time else ""),
    Column("ID", lambda r: r.id),
]


@app.command(name="ls")
def ls(  # noqa: PLR0913  # filters, by name
    *,
    flow: list[str] | None = None,
    deployment: str | None = None,
    pool: list[str] | None = None,
    state: list[StateType] | None = None,
    tag: list[str] | None = None,
    since: str | None = None,
    upcoming: bool = False,
    limit: int = 20,
    output: Output = "table",
) -> None:
    """List flow runs that are due or were, the latest first.

    A failed run says which later attempt completed.

    Parameters
    ----------
    flow
        Only runs of flows of these names.
    deployment
        Only runs of this deployment: `flow/name` or its id.
    pool
        Only runs of these work pools.
    state
        Only runs in states of these types.
    tag
        Only runs with all of these tags.
    since
        Only runs that were due since then: 90s, 5m, 2h, 1d ago, or 2026-01-31T09:00.
    upcoming
        Runs that are due later too; so does --state SCHEDULED.
    """
    is_all = upcoming or StateType.SCHEDULED in (state or ())
    expected = TimeIs(
        after_=None if since is None else _since(since),
        before_=None if is_all else SystemClock().now() + _CLOCKS_MAY_DIFFER,
    )
    with session() as caller:
        of = lookup.deployment(caller, deployment) if deployment else None
        where = Query(
            flows=FlowFilter(name=TextIs(any_=flow)) if flow else None,
            flow_runs=FlowRunFilter(
                state=StateIs(type=StateTypeIs(any_=state)) if state else None,
                tags=TagsAre(all_=tag) if tag else None,
                expected_start_time=expected,
            ),
            deployments=DeploymentFilter(id=IdIs(any_=[of.id])) if of else None,
            work_pools=WorkPoolFilter(name=TextIs(any_=pool)) if pool else None,
            sort="EXPECTED_START_TIME_DESC",
            limit=limit,
        )
        found = caller.call(flow_runs.find(where))
        columns = _columns(caller, found) if output == "table" else []
    show(found, columns, output, name=lambda r: str(r.id))


def _columns(caller: Caller, found: list[FlowRun]) -> list[Column]:
    """The columns of a table of runs, with the names that the runs themselves do not have."""
    name, *others = _COLUMNS
    ids = list({run.flow_id for run in found})
    of_flows = {each.id: each.name for each in caller.call(flows.find(ids=ids))} if ids else {}
    ids = list({run.deployment_id for run in found if run.deployment_id})
    try:
        deployed = caller.call(deployments.find(ids=ids)) if ids else []
    except Unauthorized:  # a key that reads runs and no deployments still lists them
        deployed = []
    of_deployments = {each.id: each.name for each in deployed}
    repairs = _repairs(caller, found)
    return [
        Column("FLOW", lambda r: of_flows.get(r.flow_id)),
        Column("DEPLOYMENT", lambda r: of_deployments.get(r.deployment_id)),
        name,
        Column("STATE", lambda r: _state_text(r, repairs)),
        *others,
    ]


def _repairs(caller: Caller, found: list[FlowRun]) -> dict[UUID, int]:
    """For the first run of each lineage: the number of its last completed attempt."""
    roots = list({run.root_run_id for run in found if _has_failed(run) and run.root_run_id})
    if not roots:
        return {}
    completed = FlowRunFilter(
        root_run_id=IdIs(any_=roots), state=StateIs(type=StateTypeIs(any_=[StateType.COMPLETED]))
    )
    repairs: dict[UUID, int] = {}
    for run in caller.call(flow_runs.find(Query(flow_runs=completed, limit=_MOST_REPAIRS))):
        if run.root_run_id is not None:
            repairs[run.root_run_id] = max(run.attempt, repairs.get(run.root_run_id, 0))
    return repairs


def _state_text(run: FlowRun, repairs: dict[UUID, int]) -> str:
    repaired_by = repairs.get(run.root_run_id, 0) if run.root_run_id and _has_failed(run) else 0
    told = f", repaired by attempt {repaired_by}" if repaired_by > run.attempt else ""
    return f"{run.state_name}{told}"


def _has_failed(run: FlowRun) -> bool:
    return run.state_type in (StateType.FAILED, StateType.CRASHED)


def _since(text: str) -> datetime:
    try:
        return instant(text, "--since")
    except ConfigurationError:
        return SystemClock().now() - duration(text, "--since")


@app.command
def inspect(run: str, /, *, output: Output = "table") -> None:
    """Show everything about a flow run, how its process ended too."""
    with session() as caller:
        found = lookup.flow_run(caller, run)
    show_one(found, output, name=str(found.id))


@app.command
def why(run: str, /, *, output: Output = "table") -> None:
    """Say why a flow run is not running, and what to do about it."""
    with session() as caller:
        found = lookup.flow_run(caller, run)
        waiting = caller.call(flow_runs.waiting(found.id))
    if output == "table":
        for reason in waiting.reasons:
            _explain(reason)
    else:
        show_one(waiting, output, name=",".join(each.code for each in waiting.reasons))


@app.command
def logs(
    run: str,
    /,
    *,
    follow_it: Annotated[bool, Parameter(name=["--follow", "-f"], negative="")] = False,
    output: Output = "table",
) -> None:
    """Print the log of a flow run; as JSON or name, one record or message a line.

    Parameters
    ----------
    follow_it
        Go on until the run has ended.
    """
    with session(follows=follow_it) as caller:
        found = lookup.flow_run(caller, run)
        tail = LogTail(caller, found.id, output)
        tail.print_new()
        while follow_it and found.state_type not in TERMINAL:
            time.sleep(0.3)  # noqa: TID251  # a person watches
            found = caller.call(flow_runs.read(found.id))
            tail.print_new()


@app.command(name="watch")
def watch_run(run: str, /, *, output: Output = "table") -> int:
    """Follow a run and the attempts that replace it; exit with its outcome.

    0 completed, 10 failed, 11 crashed, 12 cancelled.
    """
    with session(follows=True) as caller:
        return follow(caller, lookup.flow_run(caller, run), output)


@app.command
def cancel(run: str, /, *, output: Output = "table") -> int:
    """Ask a flow run to end. Exit 4 when it had ended already."""
    with session() as caller:
        found = lookup.flow_run(caller, run)
        if found.state_type in TERMINAL:
            note(f"{found.name} has ended already: it is {found.state_name}.")
            return Exit.REFUSED
        caller.call(flow_runs.cancel(found.id))
        found = caller.call(flow_runs.read(found.id))
    _tell(output, f"{found.name} is {found.state_name}", found)
    return Exit.OK


@app.command
def retry(
    run: str,
    /,
    *,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    watch_it: Annotated[bool, Parameter(name=["--watch"], negative="")] = False,
    output: Output = "table",
) -> int:
    """Run again what has ended: a new run from the beginning, which finds results already kept.

    Parameters
    ----------
    fresh
        Begin a lineage of its own: results of earlier attempts are not used.
    """
    with session(follows=watch_it) as caller:
        found = lookup.flow_run(caller, run)
        successor = caller.call(flow_runs.rerun(found.id, fresh=fresh))
        if not watch_it or output == "table":
            told = f"attempt {successor.attempt} of {found.name} is {successor.id}"
            _tell(output, told, successor)
        return follow(caller, successor, output) if watch_it else Exit.OK


@app.command
def delete(run: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Delete a flow run with its task runs and logs. A living process of it is ended."""
    with session() as caller:
        found = lookup.flow_run(caller, run)
        if not confirm(f"Delete {found.name} ({found.id})?", yes=yes):
            return Exit.ERROR
        caller.call(flow_runs.remove(found.id))
    acted("deleted", found.name, output)
    return Exit.OK


def _explain(reason: Reason) -> None:
    due = f" Due {when(reason.until)}." if reason.until else ""
    heard = f" Last heard {when(reason.last_heard_at)}." if reason.last_heard_at else ""
    say(reason.text + due + heard)
    if reason.holders:
        rest = reason.holder_count - len(reason.holders)
        names = ", ".join(f"{each.name} ({each.id})" for each in reason.holders)
        say(f"  The slots have: {names}" + (f", and {rest} more." if rest > 0 else "."))
    if reason.advice:
        say(f"  {reason.advice}" + (f" {reason.command}" if reason.command else ""))


def _tell(output: str, sentence: str, run: object) -> None:
    if output == "table":
        say(sentence)
    else:
        show_one(run, output, name=str(getattr(run, "id", "")))
