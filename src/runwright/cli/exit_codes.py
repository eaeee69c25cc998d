"""What the exit status of every command means."""

from enum import IntEnum

from runwright.api.states import StateType
from runwright.errors import (
    AlreadyExists,
    ApiProblem,
    NotFound,
    ServerUnreachable,
    Unauthorized,
    Unprocessable,
)


class Exit(IntEnum):
    """Exit statuses. Those from 10 on are outcomes of a watched run."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5
    UNAUTHORIZED = 6
    RUN_FAILED = 10
    RUN_CRASHED = 11
    RUN_CANCELLED = 12


_OF_ERRORS: tuple[tuple[type[Exception], Exit], ...] = (
    (ServerUnreachable, Exit.UNREACHABLE),
    (NotFound, Exit.NOT_FOUND),
    (Unauthorized, Exit.UNAUTHORIZED),
    (Unprocessable, Exit.REFUSED),
    (AlreadyExists, Exit.REFUSED),
    (ApiProblem, Exit.REFUSED),
)
_OF_OUTCOMES = {
    StateType.COMPLETED: Exit.OK,
    StateType.FAILED: Exit.RUN_FAILED,
    StateType.CRASHED: Exit.RUN_CRASHED,
    StateType.CANCELLED: Exit.RUN_CANCELLED,
}


def of_error(error: Exception) -> Exit:
    """The status for an error that ends a command."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), Exit.ERROR)


def of_outcome(state: StateType | None) -> Exit:
    """The status for the end of a watched run."""
    return Exit.ERROR if state is None else _OF_OUTCOMES.get(state, Exit.ERROR)
