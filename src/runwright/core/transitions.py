"""A transition that somebody proposes, and the decisions that may answer it."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from runwright.core.states import State, StateType


class Slot(StrEnum):
    """What a claim finds where its pool, queue or deployment has a limit or is paused."""

    FREE = "free"
    #: None is free: the run goes back to the queue.
    ENQUEUE = "enqueue"
    #: None is free, and the deployment wants such runs cancelled.
    CANCEL_NEW = "cancel_new"
    #: Nothing is handed out at present.
    PAUSED = "paused"
    #: The run that called it was stopped.
    ORPHANED = "orphaned"


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules may know about the run. Read in the transaction that records the move."""

    retries: int = 0
    retries_used: int = 0
    retry_delay: timedelta | None = None
    has_deployment: bool = False
    #: A process holds the run now: its lease is set, expired or not.
    has_lease: bool = False
    #: Somebody asked for its cancellation and it has not ended yet.
    cancel_wanted: bool = False
    pause_keys: frozenset[str] = frozenset()
    last_transition_id: UUID | None = None
    next_scheduled_start_time: datetime | None = None
    #: A subflow runs in its parent's process and cannot leave it.
    is_subflow: bool = False
    slot: Slot = Slot.FREE
    #: Whose limit, pause or end it is, as in "the deployment".
    slot_of: str = "the deployment"
    #: How long a run without a slot waits before it is offered again.
    slot_patience: timedelta = timedelta(seconds=30)
    #: The state of the flow run around a task run, where there is one.
    enclosing_state: StateType | None = None


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """`proposed` after `current` (None for a run that has no state yet), at `now`."""

    current: State | None
    proposed: State
    now: datetime
    run: RunFacts
    force: bool = False


class Accept(msgspec.Struct, frozen=True, tag="accept"):
    """Record the proposed state, or `state` where a rule completed it."""

    state: State | None = None


class Replace(msgspec.Struct, frozen=True, tag="replace"):
    """Record `state` in its place, and tell the proposer why."""

    state: State
    reason: str
    #: The replacement spends one of the run's retries.
    spends_retry: bool = False


class Reject(msgspec.Struct, frozen=True, tag="reject"):
    """Record nothing; the proposer goes on from the run's present state."""

    reason: str


class Abort(msgspec.Struct, frozen=True, tag="abort"):
    """Record nothing; the proposer must stop."""

    reason: str


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """Record nothing; propose again after `delay`."""

    delay: timedelta
    reason: str


Decision = Accept | Replace | Reject | Abort | Wait

__all__ = [
    "Abort",
    "Accept",
    "Decision",
    "Reject",
    "Replace",
    "RunFacts",
    "Slot",
    "State",
    "StateType",
    "Transition",
    "Wait",
]
