"""`runwright work-pool`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from runwright.api.filters import FlowRunFilter, Query, StateIs, StateTypeIs, TextIs, WorkPoolFilter
from runwright.api.states import StateType
from runwright.api.work_pools import WorkPoolCreate, WorkPoolUpdate
from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, note, show, show_one, when
from runwright.cli.session import Caller, session
from runwright.client.calls import flow_runs, work_pools
from runwright.errors import ConfigurationError, NotFound

app = App(name="work-pool", help="Work pools: which workers run what.")

_COLUMNS = [
    Column("NAME", lambda p: p.name),
    Column("TYPE", lambda p: p.type),
    Column("STATUS", lambda p: p.status),
    Column("SLOTS", lambda p: f"{p.active_slots or 0}/{_limit(p.concurrency_limit)}"),
    Column("ID", lambda p: p.id),
]


def _limit(limit: int | None) -> str:
    return "unlimited" if limit is None else str(limit)


def change_pool(caller: Caller, name: str, change: WorkPoolUpdate) -> None:
    """Update a pool; an unknown one is told with those there are."""
    try:
        caller.call(work_pools.update(name, change))
    except NotFound as error:
        raise unknown_pool(caller, name) from error


def unknown_pool(caller: Caller, name: str) -> NotFound:
    """The error for a pool that does not exist; it names those that do."""
    known = sorted(pool.name for pool in caller.call(work_pools.find()))
    listed = f"Pools: {', '.join(known)}." if known else "There are none yet."
    return NotFound(
        f"There is no work pool {name!r}. {listed} "
        f"Create it with `runwright work-pool create {name}`.",
        status=404,
        code="work_pool_not_found",
    )


@app.command
def create(  # noqa: PLR0913  # the fields of a pool, by name
    name: str,
    /,
    *,
    type: str = "process",  # noqa: A002  # the word of the field
    description: str | None = None,
    concurrency_limit: int | None = None,
    base_job_template: Path | None = None,
    paused: bool = False,
    output: Output = "table",
) -> None:
    """Create a work pool.

    Parameters
    ----------
    type
        What its workers launch: process.
    base_job_template
        A JSON file with `job_configuration` and `variables`. Default: that of the type.
    """
    pool = WorkPoolCreate(
        name=name,
        type=type,
        description=description,
        concurrency_limit=concurrency_limit,
        base_job_template=_read_template(base_job_template),
        is_paused=paused,
    )
    with session() as caller:
        made = caller.call(work_pools.create(pool))
    if output == "table":
        note(f"created work pool {made.name}; start a worker: runwright worker start --pool {name}")
    else:
        show_one(made, output, name=made.name)


def _read_template(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{path} is no job template: {error}.") from error


@app.command(name="ls")
def ls(*, output: Output = "table") -> None:
    """List work pools."""
    with session() as caller:
        found = caller.call(work_pools.find())
    show(found, _COLUMNS, output, name=lambda p: p.name)


@app.command
def inspect(name: str, /, *, output: Output = "table") -> None:
    """Show everything about a work pool."""
    with session() as caller:
        try:
            found = caller.call(work_pools.read(name))
        except NotFound as error:
            raise unknown_pool(caller, name) from error
    show_one(found, output, name=found.name)


@app.command
def pause(name: str, /, *, output: Output = "table") -> None:
    """Hand out no more runs of this pool. What runs goes on."""
    with session() as caller:
        change_pool(caller, name, WorkPoolUpdate(is_paused=True))
    acted("paused", name, output)


@app.command
def resume(name: str, /, *, output: Output = "table") -> None:
    """Undo `pause`."""
    with session() as caller:
        change_pool(caller, name, WorkPoolUpdate(is_paused=False))
    acted("resumed", name, output)


@app.command
def update(
    name: str,
    /,
    *,
    description: str | None = None,
    concurrency_limit: int | None = None,
    base_job_template: Path | None = None,
    output: Output = "table",
) -> None:
    """Change what is given; the rest stays."""
    change = WorkPoolUpdate(
        description=msgspec.UNSET if description is None else description,
        concurrency_limit=msgspec.UNSET if concurrency_limit is None else concurrency_limit,
        base_job_template=(
            msgspec.UNSET if base_job_template is None else _read_template(base_job_template)
        ),
    )
    with session() as caller:
        change_pool(caller, name, change)
    acted("updated", name, output)


@app.command
def set_concurrency_limit(name: str, limit: int, /, *, output: Output = "table") -> None:
    """Let at most `limit` runs of this pool run at once."""
    with session() as caller:
        change_pool(caller, name, WorkPoolUpdate(concurrency_limit=limit))
    acted(f"at most {limit} at once:", name, output)


@app.command
def clear_concurrency_limit(name: str, /, *, output: Output = "table") -> None:
    """Take the limit away."""
    with session() as caller:
        change_pool(caller, name, WorkPoolUpdate(concurrency_limit=None))
    acted("no limit of its own:", name, output)


@app.command
def delete(name: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Delete a pool with its queues. Its deployments stay, without a pool."""
    with session() as caller:
        if not confirm(f"Delete work pool {name}?", yes=yes):
            return Exit.ERROR
        try:
            caller.call(work_pools.remove(name))
        except NotFound as error:
            raise unknown_pool(caller, name) from error
    acted("deleted", name, output)
    return Exit.OK


@app.command
def preview(name: str, /, *, limit: int = 20, output: Output = "table") -> None:
    """Show the runs that this pool's workers will be offered, the earliest first."""
    where = Query(
        flow_runs=FlowRunFilter(state=StateIs(type=StateTypeIs(any_=[StateType.SCHEDULED]))),
        work_pools=WorkPoolFilter(name=TextIs(any_=[name])),
        sort="EXPECTED_START_TIME_ASC",
        limit=limit,
    )
    with session() as caller:
        try:
            caller.call(work_pools.read(name))
        except NotFound as error:
            raise unknown_pool(caller, name) from error
        found = caller.call(flow_runs.find(where))
    now = datetime.now(UTC)  # noqa: TID251  # what is printed is meant for this moment
    columns = [
        Column("NAME", lambda r: r.name),
        Column("DUE", lambda r: when(r.expected_start_time, now)),
        Column("QUEUE", lambda r: r.work_queue_name),
        Column("STATE", lambda r: r.state_name),
        Column("ID", lambda r: r.id),
    ]
    show(found, columns, output, name=lambda r: str(r.id))
