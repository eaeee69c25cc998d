"""Refusals: what endpoints raise, and how each becomes an answer.

    Problem
    ├── Missing            404 not_found
    ├── Unprocessable      422 unprocessable
    ├── Conflict           409 conflict
    ├── Denied             401 unauthorized, 403 forbidden
    ├── Busy               503 busy, with Retry-After
    │   └── Overloaded     429 overloaded
    └── NoSpace            507 storage_full

The body is `{"code", "detail", "exception_message"}`; that of a 422 has `exception_detail` and
`request_body` too, as the peer's clients expect.
"""

import errno
import logging
from typing import Any

import msgspec

from runwright.errors import ApiProblem
from runwright.server.scopes import SCOPES

log = logging.getLogger("runwright.server")

_LONGEST_PATH = 200
#: The first segments of the API's routes.
_RESOURCES = frozenset(path.split("/")[1] for _, path in SCOPES)


class Problem(Exception):
    """A refusal with its status, a stable code, and a sentence for people."""

    status = 400
    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.headers: dict[str, str] = {}


class Missing(Problem):
    """There is no such thing."""

    status = 404
    code = "not_found"


class Unprocessable(Problem):
    """The request was read and makes no sense."""

    status = 422
    code = "unprocessable"

    def __init__(self, detail: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.field = field


class Conflict(Problem):
    """It does not fit with what is there."""

    status = 409
    code = "conflict"


class Denied(Problem):
    """No valid key (401), or one without the scope (403)."""

    status = 401
    code = "unauthorized"

    def __init__(self, detail: str, *, status: int = 401, code: str | None = None) -> None:
        super().__init__(detail, status=status, code=code or _DENIALS[status])
        if status == 401:  # noqa: PLR2004
            self.headers = {"WWW-Authenticate": 'Bearer realm="runwright"'}


_DENIALS = {401: "unauthorized", 403: "forbidden"}


class Busy(Problem):
    """Overloaded or without its database for now: ask again."""

    status = 503
    code = "busy"

    def __init__(self, detail: str = "Service Unavailable", *, retry_after: float = 1) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after)}


class Overloaded(Busy):
    """More requests than can be answered in time: nothing of this one was done."""

    status = 429
    code = "overloaded"


class NoSpace(Problem):
    """The database's disk is full."""

    status = 507
    code = "storage_full"


def no_route(method: str, path: str) -> Missing:
    """No route has this path. Names the path under /api where that is what was meant."""
    shown = path[:_LONGEST_PATH]
    told = f"There is nothing at {method} {shown}."
    if path.startswith("/api/"):
        return Missing(f"{told} /openapi.json lists the routes.")
    if path.strip("/").partition("/")[0] in _RESOURCES:
        return Missing(
            f"{told} The API is under /api: ask for /api{shown}. "
            "RUNWRIGHT_API_URL must end with /api."
        )
    return Missing(f"{told} The API is under /api.")


def problem_of(error: BaseException) -> Problem | None:
    """The refusal that an error of a lower layer stands for; None for a bug."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ApiProblem):
        return Problem(str(error), code=error.code, status=error.status or 400)
    if isinstance(error, msgspec.MsgspecError):
        return Unprocessable(str(error))
    if isinstance(error, RecursionError | OverflowError | UnicodeError):
        return Unprocessable("A value in the request is too large, too deep or not valid text.")
    return _storage_problem(error) or _coded_problem(error)


def _coded_problem(error: BaseException) -> Problem | None:
    """Errors of core, storage and use cases say their own code and, where they know it, status."""
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    if isinstance(code, str) and isinstance(status, int):
        problem = Problem(str(error), code=code, status=status)
        if status == Busy.status:
            problem.headers = {"Retry-After": "1"}
        return problem
    return None


def _storage_problem(error: BaseException) -> Problem | None:
    text = str(error)
    if "database or disk is full" in text or getattr(error, "errno", None) == errno.ENOSPC:
        return NoSpace(
            "The disk of the control plane's database is full; nothing was changed. "
            "Free some space there: the server goes on by itself."
        )
    refused = getattr(error, "orig", None) or error
    # SQLAlchemy's face of asyncpg has few classes of its own; what it was is the cause.
    kinds = (type(refused), type(refused.__cause__))
    names = {each.__name__ for kind in kinds for each in kind.__mro__}
    if names & _UNFIT or "pattern too complex" in text or "blob too big" in text:
        return Unprocessable("A value in the request cannot be stored or is too large to compare.")
    if names & _AWAY:
        log.warning("database: %s", text)
        return Busy()
    if any(name == "IntegrityError" or name.endswith("ViolationError") for name in names):
        return Conflict("The change does not fit with what is stored.")
    return None


_AWAY = {"OperationalError", "InterfaceError", "ConnectionRefusedError", "TimeoutError"}
#: What the databases call a value that they have no room for.
_UNFIT = {
    "DataError",
    "CharacterNotInRepertoireError",
    "UntranslatableCharacterError",
    "DatetimeFieldOverflowError",
    "NumericValueOutOfRangeError",
    "ProgramLimitExceededError",
    "StringDataRightTruncationError",
}


def body_of(problem: Problem, request_body: Any = None) -> dict[str, Any]:
    """The JSON of a refusal."""
    message = problem.detail
    body: dict[str, Any] = {
        "code": problem.code,
        "detail": message,
        "exception_message": message,
    }
    if problem.status == 422:  # noqa: PLR2004
        location = ["body"] if not getattr(problem, "field", None) else ["body", problem.field]  # type: ignore[attr-defined]
        body |= {
            "exception_message": "Invalid request received.",
            "exception_detail": [{"loc": location, "msg": message, "type": "value_error"}],
            "request_body": request_body,
        }
    return body
