"""`runwright work-queue`."""

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from runwright.api.work_queues import WorkQueueCreate, WorkQueueUpdate
from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, note, show, show_one
from runwright.cli.session import session
from runwright.client.calls import work_pools

app = App(name="work-queue", help="Queues of a pool: priorities and limits.")
Pool = Annotated[str, Parameter(name=["--pool", "-p"])]


@app.command(name="ls")
def ls(*, pool: Pool, output: Output = "table") -> None:
    """List the queues of a pool; 1 is the highest priority."""
    with session() as caller:
        found = caller.call(work_pools.queues(pool))
    columns = [
        Column("NAME", lambda q: q.name),
        Column("PRIORITY", lambda q: q.priority),
        Column("STATUS", lambda q: q.status),
        Column("SLOTS", lambda q: f"{q.active_slots or 0}/{q.concurrency_limit or 'unlimited'}"),
        Column("ID", lambda q: q.id),
    ]
    show(found, columns, output, name=lambda q: q.name)


@app.command
def create(  # the fields of a queue, by name
    name: str,
    /,
    *,
    pool: Pool,
    priority: int | None = None,
    concurrency_limit: int | None = None,
    description: str | None = None,
    output: Output = "table",
) -> None:
    """Create a queue in a pool."""
    queue = WorkQueueCreate(
        name=name,
        priority=priority,
        concurrency_limit=concurrency_limit,
        description=description,
    )
    with session() as caller:
        made = caller.call(work_pools.create_queue(pool, queue))
    if output == "table":
        note(f"created queue {made.name} of {pool}, priority {made.priority}")
    else:
        show_one(made, output, name=made.name)


@app.command
def inspect(name: str, /, *, pool: Pool, output: Output = "table") -> None:
    """Show everything about a queue."""
    with session() as caller:
        found = caller.call(work_pools.queue(pool, name))
    show_one(found, output, name=found.name)


@app.command
def pause(name: str, /, *, pool: Pool, output: Output = "table") -> None:
    """Hand out no more runs of this queue."""
    with session() as caller:
        caller.call(work_pools.update_queue(pool, name, WorkQueueUpdate(is_paused=True)))
    acted("paused", name, output)


@app.command
def resume(name: str, /, *, pool: Pool, output: Output = "table") -> None:
    """Undo `pause`."""
    with session() as caller:
        caller.call(work_pools.update_queue(pool, name, WorkQueueUpdate(is_paused=False)))
    acted("resumed", name, output)


@app.command
def update(  # noqa: PLR0913  # the fields of a queue, by name
    name: str,
    /,
    *,
    pool: Pool,
    priority: int | None = None,
    concurrency_limit: int | None = None,
    no_concurrency_limit: bool = False,
    description: str | None = None,
    output: Output = "table",
) -> None:
    """Change what is given; the rest stays."""
    limit = msgspec.UNSET if concurrency_limit is None else concurrency_limit
    change = WorkQueueUpdate(
        priority=msgspec.UNSET if priority is None else priority,
        concurrency_limit=None if no_concurrency_limit else limit,
        description=msgspec.UNSET if description is None else description,
    )
    with session() as caller:
        caller.call(work_pools.update_queue(pool, name, change))
    acted("updated", name, output)


@app.command
def delete(name: str, /, *, pool: Pool, yes: Yes = False, output: Output = "table") -> int:
    """Delete a queue."""
    if not confirm(f"Delete queue {name} of {pool}?", yes=yes):
        return Exit.ERROR
    with session() as caller:
        caller.call(work_pools.remove_queue(pool, name))
    acted("deleted", name, output)
    return Exit.OK
