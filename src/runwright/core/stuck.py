"""Runs that have stood still for longer than they should: what is told of each."""

from datetime import datetime, timedelta

import msgspec

from runwright.core.states import StateName, StateType

#: After its lease has lapsed, the reaper needs seconds.
LAPSED_FOR = timedelta(minutes=1)
#: From a claim to the start, the pulling of an image included.
PENDING_FOR = timedelta(minutes=10)
#: Past the instant at which it was to be tried again.
OVERDUE_FOR = timedelta(minutes=5)
#: On top of the grace that a cancelled process is given.
CANCELLING_FOR = timedelta(minutes=1)
#: Runs that were to go on by themselves. One that never began is Late instead.
GO_ON = (StateName.AWAITING_RETRY, StateName.AWAITING_CONCURRENCY_SLOT, StateName.RESUMING)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a run stands, and since when."""

    state_type: StateType
    state_name: str
    since: datetime
    due_at: datetime | None = None
    lease_expires_at: datetime | None = None
    worker_name: str | None = None


def why_stuck(run: Standing, now: datetime, cancel_grace: timedelta) -> str | None:
    """Why it counts as stuck; None where it does not."""
    by = f" {run.worker_name!r}" if run.worker_name else ""
    if run.lease_expires_at is not None and run.lease_expires_at < now - LAPSED_FOR:
        return f"Its worker{by} is not heard of any more, and nothing has ended it yet."
    waits = run.state_type is StateType.SCHEDULED and run.state_name in GO_ON
    if waits and run.due_at is not None and run.due_at < now - OVERDUE_FOR:
        return "It was to go on by itself, and nobody has taken it."
    if run.state_type is StateType.CANCELLING and run.since < now - cancel_grace - CANCELLING_FOR:
        return f"It was cancelled, and its worker{by} has not ended it."
    if run.state_type is StateType.PENDING and run.since < now - PENDING_FOR:
        return f"A worker{by} has taken it, and has not started it."
    return None
