"""`/v2/concurrency_limits`: named limits and their slots."""

from typing import Any
from uuid import UUID

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from runwright.api.concurrency import (
    Decrement,
    Lease,
    LeasedIncrement,
    LeaseEnd,
    LeaseRenewal,
    Limit,
    LimitCreate,
    LimitInBrief,
    LimitUpdate,
    Page,
    PlainIncrement,
    brief,
)
from runwright.server.injected import Asker, PathId, PathName, Wired
from runwright.server.problems import Conflict, Missing, Unprocessable
from runwright.server.use_cases.take_slots import (
    give_lease_back,
    increment,
    increment_with_lease,
    renew,
)
from runwright.storage.concurrency import (
    add_limit,
    change_limit,
    give_back,
    limit_named,
    limit_of,
    limits_page,
    locked,
    remove_limit,
    to_wire,
)
from runwright.storage.engine import Transaction

_COLUMNS = {
    "name": "name",
    "limit": "slot_limit",
    "active": "active",
    "active_slots": "occupied",
    "slot_decay_per_second": "slot_decay_per_second",
}


@post("/", status_code=201)
async def create(data: JSONBody[LimitCreate], wiring: Wired) -> Limit:
    """Make a limit."""
    limit_id = wiring.new_id()

    def use_case(tx: Transaction) -> Limit:
        if limit_named(tx, data.name) is not None:
            raise Conflict(f"There is a concurrency limit named {data.name!r} already.")
        add_limit(
            tx,
            limit_id,
            name=data.name,
            slot_limit=data.limit,
            active=data.active,
            slot_decay_per_second=data.slot_decay_per_second,
            occupied=float(data.active_slots),
        )
        return to_wire(tx, [limit_of(tx, str(limit_id))])[0]

    return await wiring.storage.write(use_case)


@get("/{id_or_name:str}")
async def read(id_or_name: PathName, wiring: Wired) -> Limit:
    """One limit, by id or name."""

    def query(tx: Transaction) -> Limit:
        return to_wire(tx, [_there(tx, id_or_name)])[0]

    return await wiring.storage.read(query)


@post("/filter", status_code=200)
async def filtered(data: JSONBody[Page], wiring: Wired) -> list[Limit]:
    """Limits by name."""

    def query(tx: Transaction) -> list[Limit]:
        return to_wire(tx, limits_page(tx, data.limit, data.offset, of_tags=False))

    return await wiring.storage.read(query)


@patch("/{id_or_name:str}", status_code=204)
async def change(id_or_name: PathName, data: JSONBody[LimitUpdate], wiring: Wired) -> None:
    """Change a limit. Slots that are occupied beyond a lower limit stay so until given back."""
    given = {name: getattr(data, name) for name in _COLUMNS}
    values: dict[str, Any] = {
        _COLUMNS[name]: value for name, value in given.items() if value is not UNSET
    }
    if None in values.values():
        raise Unprocessable("A property of a concurrency limit cannot be null.")

    def use_case(tx: Transaction) -> None:
        row = _there(tx, id_or_name)
        if values.get("name", row.name) != row.name and limit_named(tx, values["name"]):
            raise Conflict(f"There is a concurrency limit named {values['name']!r} already.")
        change_limit(tx, row, values)

    await wiring.storage.write(use_case)


@delete("/{id_or_name:str}", status_code=204)
async def remove(id_or_name: PathName, wiring: Wired) -> None:
    """Forget a limit: nobody is held by it any more."""
    await wiring.storage.write(lambda tx: remove_limit(tx, _there(tx, id_or_name)))


@post("/increment", status_code=200)
async def occupy(
    data: JSONBody[PlainIncrement], wiring: Wired, principal: Asker
) -> list[LimitInBrief]:
    """Occupy slots of all the limits, or 423 and of none."""
    rows = await wiring.storage.write(lambda tx: increment(tx, data, principal))
    return [brief(row) for row in rows]


@post("/decrement", status_code=200)
async def free(data: JSONBody[Decrement], wiring: Wired) -> list[LimitInBrief]:
    """Give back what `increment` occupied."""

    def use_case(tx: Transaction) -> list[LimitInBrief]:
        rows = locked(tx, data.names)
        give_back(tx, rows, data.slots)
        return [brief(row) for row in rows]

    return await wiring.storage.write(use_case)


@post("/increment-with-lease", status_code=200)
async def occupy_with_lease(
    data: JSONBody[LeasedIncrement], wiring: Wired, principal: Asker
) -> Lease:
    """Occupy slots of all the limits until the lease lapses, or 423 and of none."""
    return await wiring.storage.write(
        lambda tx: increment_with_lease(tx, data, principal, wiring.new_id)
    )


@post("/decrement-with-lease", status_code=204)
async def free_lease(data: JSONBody[LeaseEnd], wiring: Wired, principal: Asker) -> None:
    """Give a lease back with its slots."""
    await wiring.storage.write(lambda tx: give_lease_back(tx, data.lease_id, principal))


@post("/leases/{lease_id:uuid}/renew", status_code=204)
async def renew_lease(
    lease_id: PathId, data: JSONBody[LeaseRenewal], wiring: Wired, principal: Asker
) -> None:
    """Have a lease last longer; 410 where it is gone."""
    await wiring.storage.write(lambda tx: renew(tx, lease_id, data.lease_duration, principal))


def _there(tx: Transaction, id_or_name: FromPath[str] | UUID) -> Any:
    row = limit_of(tx, str(id_or_name))
    if row is None:
        raise Missing(f"There is no concurrency limit {str(id_or_name)!r}.")
    return row


router = Router(
    path="/v2/concurrency_limits",
    route_handlers=[
        create, read, filtered, change, remove, occupy, free, occupy_with_lease, free_lease,
        renew_lease,
    ],
)  # fmt: skip
