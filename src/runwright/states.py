"""States of runs, and what makes them."""

from runwright.core.states import StateDetails, StateName, StateType
from runwright.sdk.states import (
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    State,
    get_state_exception,
    raise_state_exception,
)

__all__ = [
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "Paused",
    "Pending",
    "Running",
    "Scheduled",
    "State",
    "StateDetails",
    "StateName",
    "StateType",
    "get_state_exception",
    "raise_state_exception",
]
