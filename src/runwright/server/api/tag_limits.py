"""`/concurrency_limits`: how many task runs with a tag may run at once.

The limit of a tag is the named limit `tag:<tag>`: both interfaces show, and hold to, the same.
"""

from typing import Any

from litestar import Router, delete, get, post
from litestar.params import JSONBody

from runwright.api.concurrency import (
    LimitInBrief,
    Page,
    TagLimit,
    TagLimitCreate,
    TagReset,
    TagSlots,
    brief,
)
from runwright.server.injected import Asker, PathId, PathName, Wired
from runwright.server.problems import Missing
from runwright.server.use_cases.take_slots import free_for_task_run, take_for_task_run
from runwright.storage.concurrency import (
    TAG,
    add_limit,
    change_limit,
    limit_named,
    limit_of,
    limits_page,
    remove_limit,
    tags_to_wire,
)
from runwright.storage.engine import Transaction


@post("/", status_code=200)
async def create(data: JSONBody[TagLimitCreate], wiring: Wired) -> TagLimit:
    """Make the limit of a tag, or change the one it has."""
    name = f"{TAG}{data.tag}"

    def use_case(tx: Transaction) -> TagLimit:
        row = limit_named(tx, name)
        if row is None:
            add_limit(
                tx, wiring.new_id(), name=name, slot_limit=data.concurrency_limit, active=True,
                slot_decay_per_second=0.0, occupied=0.0,
            )  # fmt: skip
        else:
            change_limit(tx, row, {"slot_limit": data.concurrency_limit})
        return tags_to_wire(tx, [limit_named(tx, name)])[0]

    return await wiring.storage.write(use_case)


@post("/filter", status_code=200)
async def filtered(data: JSONBody[Page], wiring: Wired) -> list[TagLimit]:
    """Limits of tags, by tag."""

    def query(tx: Transaction) -> list[TagLimit]:
        return tags_to_wire(tx, limits_page(tx, data.limit, data.offset, of_tags=True))

    return await wiring.storage.read(query)


@get("/{limit_id:uuid}")
async def read(limit_id: PathId, wiring: Wired) -> TagLimit:
    """One limit of a tag."""
    return await wiring.storage.read(lambda tx: tags_to_wire(tx, [_of_id(tx, limit_id)])[0])


@get("/tag/{tag:str}")
async def read_of_tag(tag: PathName, wiring: Wired) -> TagLimit:
    """The limit of a tag."""
    return await wiring.storage.read(lambda tx: tags_to_wire(tx, [_of_tag(tx, tag)])[0])


@delete("/{limit_id:uuid}", status_code=200)
async def remove(limit_id: PathId, wiring: Wired) -> None:
    """Forget a limit."""
    await wiring.storage.write(lambda tx: remove_limit(tx, _of_id(tx, limit_id)))


@delete("/tag/{tag:str}", status_code=200)
async def remove_of_tag(tag: PathName, wiring: Wired) -> None:
    """Forget the limit of a tag."""
    await wiring.storage.write(lambda tx: remove_limit(tx, _of_tag(tx, tag)))


@post("/tag/{tag:str}/reset", status_code=200)
async def reset(tag: PathName, data: JSONBody[TagReset], wiring: Wired, principal: Asker) -> None:
    """Take all slots back, and give them to the task runs that are named."""

    def use_case(tx: Transaction) -> None:
        change_limit(tx, _of_tag(tx, tag), {"occupied": 0.0})
        for task_run_id in data.slot_override or []:
            take_for_task_run(tx, [tag], task_run_id, principal, wiring.new_id)

    await wiring.storage.write(use_case)


@post("/increment", status_code=200)
async def occupy(data: JSONBody[TagSlots], wiring: Wired, principal: Asker) -> list[LimitInBrief]:
    """Give the task run a slot of each of its tags, or 423 and none."""
    rows = await wiring.storage.write(
        lambda tx: take_for_task_run(tx, data.names, data.task_run_id, principal, wiring.new_id)
    )
    return [brief(row) for row in rows]


@post("/decrement", status_code=200)
async def free(data: JSONBody[TagSlots], wiring: Wired, principal: Asker) -> list[LimitInBrief]:
    """Take the task run's slots of these tags back."""
    rows = await wiring.storage.write(
        lambda tx: free_for_task_run(tx, data.names, data.task_run_id, principal)
    )
    return [brief(row) for row in rows]


def _of_tag(tx: Transaction, tag: str) -> Any:
    row = limit_named(tx, f"{TAG}{tag}")
    if row is None:
        raise Missing(f"The tag {tag!r} has no concurrency limit.")
    return row


def _of_id(tx: Transaction, limit_id: PathId) -> Any:
    row = limit_of(tx, str(limit_id))
    if row is None or not row.name.startswith(TAG):
        raise Missing(f"There is no concurrency limit {limit_id} of a tag.")
    return row


router = Router(
    path="/concurrency_limits",
    route_handlers=[
        create, filtered, read, read_of_tag, remove, remove_of_tag, reset, occupy, free,
    ],
)  # fmt: skip
