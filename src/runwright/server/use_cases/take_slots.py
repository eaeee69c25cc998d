"""Occupies slots of concurrency limits and gives them back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from runwright.api.concurrency import Holder, Increment, Lease, LeasedIncrement, brief
from runwright.core.ids import NewId
from runwright.server.problems import Problem, Unprocessable
from runwright.storage.concurrency import (
    TAG,
    NoSlot,
    end_lease,
    lease_slots,
    locked,
    occupy,
    renew_lease,
    take,
)
from runwright.storage.engine import Transaction

_LOCKED, _GONE = 423, 410


class NoFreeSlot(Problem):
    """All slots are taken: ask again after `Retry-After` seconds."""

    status = _LOCKED
    code = "no_free_slot"

    def __init__(self, cause: NoSlot) -> None:
        super().__init__(f"{cause} Ask again in {cause.seconds:.3g} s.")
        self.headers = {"Retry-After": f"{cause.seconds:.3g}"}


def increment(tx: Transaction, wanted: Increment) -> Sequence[Any]:
    """Occupy slots until they are given back by `decrement`; the limits that were held to.

    Names that are no active limit hold nobody.

    Raises:
        NoFreeSlot: one of the limits has not so many left; nothing was occupied.
        Unprocessable: there can never be so many, or a rate is asked of what has none.
    """
    rows = _taken(tx, wanted)
    occupy(tx, rows, wanted.slots)
    return rows


def increment_with_lease(tx: Transaction, wanted: LeasedIncrement, new_id: NewId) -> Lease:
    """Occupy slots for as long as the lease is renewed. Those of a rate come back by themselves.

    Raises:
        NoFreeSlot, Unprocessable: as `increment`.
    """
    rows = _taken(tx, wanted)
    rates = [row for row in rows if row.slot_decay_per_second]
    occupy(tx, rates, wanted.slots)
    lease_id = new_id()
    lease_slots(
        tx,
        [row.id for row in rows if not row.slot_decay_per_second],
        lease_id=lease_id,
        slots=wanted.slots,
        holder=wanted.holder,
        expires_at=tx.now + timedelta(seconds=wanted.lease_duration),
        new_id=new_id,
    )
    return Lease(lease_id=lease_id, limits=[brief(row) for row in rows])


def renew(tx: Transaction, lease_id: UUID, seconds: float) -> None:
    """Have the lease last so many seconds from now on.

    Raises:
        Problem: 410, it lapsed or was given back.
    """
    if not renew_lease(tx, lease_id, tx.now + timedelta(seconds=seconds)):
        raise Problem(
            f"The lease {lease_id} has lapsed or was given back, and its slots with it. Ask for "
            "slots again.",
            code="lease_gone",
            status=_GONE,
        )


def take_for_task_run(
    tx: Transaction, tags: Sequence[str], task_run_id: UUID, new_id: NewId
) -> Sequence[Any]:
    """Occupy a slot of each tag until the task run gives it back; those it has stay its own.

    Raises:
        NoFreeSlot: a tag has none left.
    """
    rows = locked(tx, [f"{TAG}{tag}" for tag in tags])
    end_lease(tx, task_run_id, [row.id for row in rows])
    _take(tx, rows, 1)
    if rows:
        lease_slots(
            tx,
            [row.id for row in rows],
            lease_id=task_run_id,
            slots=1,
            holder=Holder(type="task_run", id=task_run_id),
            expires_at=None,
            new_id=new_id,
        )
    return rows


def _taken(tx: Transaction, wanted: Increment) -> Sequence[Any]:
    rows = locked(tx, wanted.names)
    for row in rows:
        if wanted.slots > row.slot_limit:
            raise Unprocessable(
                f"{wanted.slots} slots of the concurrency limit {row.name!r} are asked for, which "
                f"has {row.slot_limit} in all.",
                field="slots",
            )
        if wanted.mode == "rate_limit" and not row.slot_decay_per_second:
            raise Unprocessable(
                f"The concurrency limit {row.name!r} has no slot_decay_per_second, so it cannot "
                "limit a rate. Give it one.",
                field="mode",
            )
    _take(tx, rows, wanted.slots)
    return rows


def _take(tx: Transaction, rows: Sequence[Any], slots: int) -> None:
    try:
        take(tx, rows, slots)
    except NoSlot as cause:
        raise NoFreeSlot(cause) from None
