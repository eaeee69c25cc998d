"""Refusals of the server, as the errors that users meet."""

import msgspec

from runwright.errors import (
    AlreadyExists,
    ApiProblem,
    LeaseLost,
    NotFound,
    Unauthorized,
    Unprocessable,
)

FIRST_REFUSAL = 400
#: The server asks to be asked again.
TRY_AGAIN = frozenset({408, 429, 502, 503})

_KINDS: dict[int, type[ApiProblem]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: AlreadyExists,
    422: Unprocessable,
}
_LEASE_LOST = "lease_lost"


def refusal(method: str, path: str, status: int, content: bytes) -> ApiProblem:
    """The refusal as an error, with the server's own words where it had any."""
    try:
        body = msgspec.json.decode(content)
    except msgspec.DecodeError:
        body = None
    fields = body if isinstance(body, dict) else {}
    code = str(fields.get("code") or "error")
    detail = fields.get("detail") or fields.get("exception_message") or f"HTTP {status}"
    kind = LeaseLost if code == _LEASE_LOST else _KINDS.get(status, ApiProblem)
    if kind is Unauthorized and status == 401:  # noqa: PLR2004  # HTTP's own number
        detail = f"{detail} Give the key as RUNWRIGHT_API_KEY, or `config set api_key=...`."
    return kind(f"{detail} ({method} {path}, {status})", status=status, code=code)
