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

    #: Done; or the watched run completed.
    OK = 0
    #: Anything else; standard error says what.
    ERROR = 1
    #: There is no such command or option, or a value is missing.
    USAGE = 2
    #: There is no such pool, deployment, run, profile, ...
    NOT_FOUND = 3
    #: The server understood and refused: it exists already, a parameter does not fit, ...
    REFUSED = 4
    #: No server is configured or running, or it does not answer.
    UNREACHABLE = 5
    #: The key is missing, wrong, revoked, or lacks the scope.
    UNAUTHORIZED = 6
    #: The watched run failed.
    RUN_FAILED = 10
    #: The watched run and its attempts crashed.
    RUN_CRASHED = 11
    #: The watched run was cancelled.
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
