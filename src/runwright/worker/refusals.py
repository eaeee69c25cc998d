"""What a refusal of the control plane means for an execution."""

from enum import Enum

import msgspec


class Refusal(Enum):
    """Why nothing came of a request about an execution."""

    #: The run belongs to another execution now, has ended, or is gone.
    LEASE_LOST = "lease_lost"
    #: The request itself is at fault; repeating it cannot help.
    BAD_REQUEST = "bad_request"
    #: The control plane is not able to answer now.
    TRY_LATER = "try_later"
    #: It has been away for longer than this execution is to wait.
    AWAY_TOO_LONG = "away_too_long"


class _Problem(msgspec.Struct):
    code: str = ""


def refusal_of(status: int, body: bytes) -> Refusal:
    """Read a status other than 2xx.

    An execution's credential dies with its claim, and its run may be deleted: 401, 403, 404 and
    410 are ends of an execution, not errors.
    """
    if status in {401, 403, 404, 410}:
        return Refusal.LEASE_LOST
    if status == 409:  # noqa: PLR2004
        return Refusal.LEASE_LOST if problem_code(body) == "lease_lost" else Refusal.TRY_LATER
    if status in {400, 413, 422}:
        return Refusal.BAD_REQUEST
    return Refusal.TRY_LATER


def problem_code(body: bytes) -> str:
    """The stable code in the body of a problem; empty when there is none."""
    try:
        return msgspec.json.decode(body, type=_Problem).code
    except msgspec.DecodeError:
        return ""
