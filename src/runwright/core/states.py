"""States of flow runs and task runs: the types, the names in use, and the value itself."""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from runwright.core.instants import Instant


class StateType(StrEnum):
    """What a state means to the orchestrator. A state's name may say more; its type decides."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"


TERMINAL = frozenset(
    {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED}
)
#: States in which a process of the run may be alive. (SCHEDULED too, while it awaits an
#: in-process retry: there the lease tells.)
ACTIVE = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
#: A run that is being stopped, or was, takes the runs that it called with it.
STOPS_CHILDREN = frozenset({StateType.CANCELLING, StateType.CANCELLED, StateType.CRASHED})


class StateName:
    """The names the orchestrator itself gives. Users may use names of their own."""

    SCHEDULED = "Scheduled"
    LATE = "Late"
    AWAITING_RETRY = "AwaitingRetry"
    AWAITING_CONCURRENCY_SLOT = "AwaitingConcurrencySlot"
    RESUMING = "Resuming"
    PENDING = "Pending"
    SUBMITTING = "Submitting"
    RUNNING = "Running"
    RETRYING = "Retrying"
    PAUSED = "Paused"
    SUSPENDED = "Suspended"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    COMPLETED = "Completed"
    CACHED = "Cached"
    ROLLED_BACK = "RolledBack"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    NOT_READY = "NotReady"
    CRASHED = "Crashed"


class StateDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What belongs to a state beside its type, name and message."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: Instant | None = None
    cache_key: str | None = None
    cache_expiration: Instant | None = None
    deferred: bool | None = None
    untrackable_result: bool = False
    pause_timeout: Instant | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None


NO_DETAILS = StateDetails()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One state of one run, at one instant. `data` refers to a result; it never holds one."""

    id: UUID
    type: StateType
    name: str
    timestamp: Instant
    message: str | None = None
    state_details: StateDetails = NO_DETAILS
    data: Any = None

    @property
    def is_terminal(self) -> bool:
        """The run has ended; only a rerun can follow."""
        return self.type in TERMINAL
