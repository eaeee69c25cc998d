"""Named concurrency limits. Slots are rows that die with their lease; only a rate is a counter.

Whoever takes slots locks the limits in the order of their names, then counts, then inserts: a
statement sees what was committed before it began, so the count is taken after the locks are held.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from runwright.api.concurrency import Holder, Limit, TagLimit
from runwright.core.ids import NewId
from runwright.storage.engine import Transaction
from runwright.storage.queries import MAX_LIMIT
from runwright.storage.tables import concurrency_limit, concurrency_slot

TAG = "tag:"
_l, _s = concurrency_limit.c, concurrency_slot.c


class NoSlot(Exception):  # an answer, not an accident
    """A limit has no room; nothing was taken. Worth asking again after `seconds`."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"The concurrency limit {name!r} has no free slot.")
        self.seconds = seconds


def limit_named(tx: Transaction, name: str) -> Any:
    """The limit's row, or None."""
    return tx.execute(select(concurrency_limit).where(_l.name == name)).first()


def limit_of(tx: Transaction, id_or_name: str) -> Any:
    """The limit with this id, else with this name; None where there is neither."""
    try:
        found = tx.execute(select(concurrency_limit).where(_l.id == UUID(id_or_name))).first()
    except ValueError:
        found = None
    return found or limit_named(tx, id_or_name)


def limits_page(
    tx: Transaction, limit: int | None, offset: int | None, *, of_tags: bool
) -> Sequence[Any]:
    """Rows of limits by name; of tags only, or without those."""
    tagged = _l.name.startswith(TAG, autoescape=True)
    statement = select(concurrency_limit).where(tagged if of_tags else _l.id.is_not(None))
    return tx.execute(
        statement.order_by(_l.name).limit(MAX_LIMIT if limit is None else limit).offset(offset)
    ).all()


def add_limit(tx: Transaction, limit_id: UUID, **values: Any) -> None:
    """Make a limit."""
    now = tx.now
    stamp = {"id": limit_id, "created": now, "updated": now, "occupied_at": now}
    tx.execute(insert(concurrency_limit).values(**stamp, **values))


def change_limit(tx: Transaction, row: Any, values: dict[str, Any]) -> None:
    """Change a limit; `occupied` frees all its slots first."""
    if "occupied" in values:
        tx.execute(delete(concurrency_slot).where(_s.limit_id == row.id))
        values = {**values, "occupied_at": tx.now}
    changed = update(concurrency_limit).where(_l.id == row.id).values(**values, updated=tx.now)
    tx.execute(changed)


def remove_limit(tx: Transaction, row: Any) -> None:
    """Forget a limit and who has its slots."""
    tx.execute(delete(concurrency_limit).where(_l.id == row.id))


def locked(tx: Transaction, names: Sequence[str]) -> Sequence[Any]:
    """The active limits of these names, locked against others who take slots."""
    statement = (
        select(concurrency_limit)
        .where(_l.name.in_(list(names)), _l.active.is_(True))
        .order_by(_l.name)
        .with_for_update()
    )
    return tx.execute(statement).all()


def take(tx: Transaction, rows: Sequence[Any], slots: int) -> None:
    """Make sure that every one of the locked limits has so many slots left.

    Raises:
        NoSlot: one has not.
    """
    used = occupied(tx, rows)
    for row in rows:
        beyond = used[row.id] + slots - row.slot_limit
        if beyond > 0:
            decay = row.slot_decay_per_second
            raise NoSlot(row.name, beyond / decay if decay else 1.0)


def occupy(tx: Transaction, rows: Sequence[Any], slots: int) -> None:
    """Count slots that belong to no lease, or come back by themselves."""
    for row in rows:
        _count(tx, row, _decayed(row, tx.now) + slots)


def give_back(tx: Transaction, rows: Sequence[Any], slots: int) -> None:
    """Count fewer of them."""
    for row in rows:
        _count(tx, row, max(0.0, _decayed(row, tx.now) - slots))


def lease_slots(  # noqa: PLR0913  # a row has so many columns
    tx: Transaction,
    limit_ids: Sequence[UUID | None],
    *,
    lease_id: UUID,
    slots: int,
    holder: Holder | None,
    taken_by: str,
    expires_at: datetime | None,
    new_id: NewId,
) -> None:
    """Note slots of a lease, one row a limit; a lease of no limit has one row too."""
    rows = [
        {
            "id": new_id(),
            "limit_id": each,
            "lease_id": lease_id,
            "slots": slots,
            "holder": None if holder is None else msgspec.to_builtins(holder),
            "taken_by": taken_by,
            "expires_at": expires_at,
        }
        for each in (limit_ids or [None])
    ]
    tx.execute(insert(concurrency_slot), rows)


def renew_lease(tx: Transaction, lease_id: UUID, until: datetime, by: str | None) -> bool:
    """Whether the lease was still there, and lasts until then now. `by`: see `end_lease`."""
    alive = (
        _s.lease_id == lease_id,
        or_(_s.expires_at.is_(None), _s.expires_at > tx.now),
        *_of(by),
    )
    return tx.execute(update(concurrency_slot).where(*alive).values(expires_at=until)).rowcount > 0


def end_lease(
    tx: Transaction, lease_id: UUID, limit_ids: Sequence[UUID] | None = None, *, by: str | None
) -> bool:
    """Give the slots of a lease back; of these limits, or of all.

    `by` gives back only slots that it took; None those of anybody. Whether no slots are left that
    are somebody else's.
    """
    these = [_s.lease_id == lease_id]
    if limit_ids is not None:
        these.append(_s.limit_id.in_(list(limit_ids)))
    given_back = tx.execute(delete(concurrency_slot).where(*these, *_of(by))).rowcount
    return bool(given_back) or by is None or not tx.execute(select(_s.id).where(*these)).first()


def _of(by: str | None) -> list[ColumnElement[bool]]:
    """The slots that somebody took. Of older ones that is not known: those of leases are anybody's
    who knows the lease, until they lapse.
    """
    if by is None:
        return []
    return [or_(_s.taken_by == by, and_(_s.taken_by.is_(None), _s.expires_at.is_not(None)))]


def occupied(tx: Transaction, rows: Sequence[Any]) -> dict[UUID, float]:
    """How many slots of each limit are occupied now."""
    leased = tx.execute(
        select(_s.limit_id, func.sum(_s.slots).label("used"))
        .where(
            _s.limit_id.in_([row.id for row in rows]),
            or_(_s.expires_at.is_(None), _s.expires_at > tx.now),
        )
        .group_by(_s.limit_id)
    ).all()
    of_leases = {row.limit_id: float(row.used) for row in leased}
    return {row.id: _decayed(row, tx.now) + of_leases.get(row.id, 0.0) for row in rows}


def to_wire(tx: Transaction, rows: Sequence[Any]) -> list[Limit]:
    """Limits as clients see them."""
    used = occupied(tx, rows)
    return [
        Limit(
            id=row.id,
            created=row.created,
            updated=row.updated,
            name=row.name,
            limit=row.slot_limit,
            active=row.active,
            active_slots=round(used[row.id] + 0.499),
            slot_decay_per_second=row.slot_decay_per_second,
        )
        for row in rows
    ]


def tags_to_wire(tx: Transaction, rows: Sequence[Any]) -> list[TagLimit]:
    """Limits of tags as clients see them, with the task runs that have the slots."""
    taken = tx.execute(
        select(_s.limit_id, _s.holder).where(
            _s.limit_id.in_([row.id for row in rows]),
            or_(_s.expires_at.is_(None), _s.expires_at > tx.now),
        )
    ).all()
    return [
        TagLimit(
            id=row.id,
            created=row.created,
            updated=row.updated,
            tag=row.name.removeprefix(TAG),
            concurrency_limit=row.slot_limit,
            active_slots=[
                UUID(each.holder["id"]) for each in taken if each.limit_id == row.id and each.holder
            ],
        )
        for row in rows
    ]


def _decayed(row: Any, now: datetime) -> float:
    seconds = max(timedelta(), now - row.occupied_at).total_seconds()
    return max(0.0, row.occupied - row.slot_decay_per_second * seconds)


def _count(tx: Transaction, row: Any, count: float) -> None:
    values = {"occupied": count, "occupied_at": tx.now}
    tx.execute(update(concurrency_limit).where(_l.id == row.id).values(**values))
