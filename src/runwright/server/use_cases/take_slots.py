"""Occupies slots of concurrency limits and gives them back.

Slots are given back by whoever took them, or by a principal that may write limits.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from runwright.api.concurrency import Holder, Increment, Lease, LeasedIncrement, brief
from runwright.core.ids import NewId
from runwright.server.keys import Principal
from runwright.server.problems import Denied, Problem, Unprocessable
from runwright.server.use_cases.own_runs import refuse_foreign_tasks
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
_WRITE = "limits:write"


class NoFreeSlot(Problem):
    """All slots are taken: ask again after `Retry-After` seconds."""

    status = _LOCKED
    code = "no_free_slot"

    def __init__(self, cause: NoSlot) -> None:
        super().__init__(f"{cause} Ask again in {cause.seconds:.3g} s.")
        self.headers = {"Retry-After": f"{cause.seconds:.3g}"}


def taker(principal: Principal) -> str:
    """What is kept of who took a slot."""
    if principal.flow_run_id is not None:
        return f"execution:{principal.flow_run_id}"
    return "local" if principal.key_id is None else f"key:{principal.key_id}"


def _whose(principal: Principal) -> str | None:
    """Whose slots the principal may give back and renew; None: anybody's."""
    return None if _WRITE in principal.scopes else taker(principal)


def increment(tx: Transaction, wanted: Increment, principal: Principal) -> Sequence[Any]:
    """Occupy slots until they are given back by `decrement`; the limits that were held to.

    Nothing is kept of who took them, so nobody takes them who may not write limits, but for those
    that come back by themselves. Names that are no active limit hold nobody.

    Raises:
        Denied: 403, the slots of one of the limits do not come back by themselves.
        NoFreeSlot: one of the limits has not so many left; nothing was occupied.
        Unprocessable: there can never be so many, or a rate is asked of what has none.
    """
    rows = _taken(tx, wanted)
    stay = [row.name for row in rows if not row.slot_decay_per_second]
    if stay and _WRITE not in principal.scopes:
        raise Denied(
            f"Slots of {', '.join(map(repr, stay))} would stay taken: take them with a lease, at "
            f"increment-with-lease. Without a lease that needs the scope {_WRITE}.",
            status=403,
        )
    occupy(tx, rows, wanted.slots)
    return rows


def increment_with_lease(
    tx: Transaction, wanted: LeasedIncrement, principal: Principal, new_id: NewId
) -> Lease:
    """Occupy slots for as long as the lease is renewed. Those of a rate come back by themselves.

    Raises:
        NoFreeSlot, Unprocessable: as `increment`.
    """
    _refuse_foreign_holder(tx, wanted.holder, principal)
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
        taken_by=taker(principal),
        expires_at=tx.now + timedelta(seconds=wanted.lease_duration),
        new_id=new_id,
    )
    return Lease(lease_id=lease_id, limits=[brief(row) for row in rows])


def renew(tx: Transaction, lease_id: UUID, seconds: float, principal: Principal) -> None:
    """Have the lease last so many seconds from now on.

    Raises:
        Problem: 410, it lapsed or was given back, or is somebody else's.
    """
    until = tx.now + timedelta(seconds=seconds)
    if not renew_lease(tx, lease_id, until, _whose(principal)):
        raise Problem(
            f"The lease {lease_id} has lapsed or was given back, and its slots with it. Ask for "
            "slots again.",
            code="lease_gone",
            status=_GONE,
        )


def give_lease_back(tx: Transaction, lease_id: UUID, principal: Principal) -> None:
    """Free the slots of a lease; one that is gone is no error.

    Raises:
        Denied: 403, somebody else took them.
    """
    if not end_lease(tx, lease_id, by=_whose(principal)):
        raise _not_yours(f"the lease {lease_id}")


def take_for_task_run(
    tx: Transaction, tags: Sequence[str], task_run_id: UUID, principal: Principal, new_id: NewId
) -> Sequence[Any]:
    """Occupy a slot of each tag until the task run gives it back; those it has stay its own.

    Raises:
        Denied: 403, somebody else took slots for this task run, or an execution asks: it takes
            slots with a lease, which lapses when it dies.
        NoFreeSlot: a tag has none left.
    """
    if principal.flow_run_id is not None:
        raise Denied("An execution takes slots with a lease, at increment-with-lease.", status=403)
    rows = free_for_task_run(tx, tags, task_run_id, principal)
    _take(tx, rows, 1)
    if rows:
        lease_slots(
            tx,
            [row.id for row in rows],
            lease_id=task_run_id,
            slots=1,
            holder=Holder(type="task_run", id=task_run_id),
            taken_by=taker(principal),
            expires_at=None,
            new_id=new_id,
        )
    return rows


def free_for_task_run(
    tx: Transaction, tags: Sequence[str], task_run_id: UUID, principal: Principal
) -> Sequence[Any]:
    """Free the task run's slots of these tags; the limits of the tags, locked.

    Raises:
        Denied: 403, somebody else took them.
    """
    rows = locked(tx, [f"{TAG}{tag}" for tag in tags])
    if not end_lease(tx, task_run_id, [row.id for row in rows], by=_whose(principal)):
        raise _not_yours(f"task run {task_run_id}")
    return rows


def _refuse_foreign_holder(tx: Transaction, holder: Holder | None, principal: Principal) -> None:
    """An execution says of its own runs alone that they hold a slot."""
    if holder is not None and holder.type == "task_run":
        refuse_foreign_tasks(tx, principal, [holder.id])


def _not_yours(what: str) -> Denied:
    return Denied(
        f"The slots of {what} were taken by somebody else: whoever took them, or a key with the "
        f"scope {_WRITE}, gives them back.",
        status=403,
    )


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
