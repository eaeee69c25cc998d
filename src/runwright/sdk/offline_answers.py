"""Answers requests that need no control plane, because nobody has defined what they ask for.

Without a server only commands write to the home's database. Where it has no such limit or variable,
the answer is known, and no server has to be started for it.
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from uuid import UUID

import msgspec

from runwright.api.concurrency import LeasedIncrement, PlainIncrement
from runwright.sdk.channel import Told

if TYPE_CHECKING:
    from runwright.settings import Settings

#: The lease of no slots: there is nothing to renew or to release.
NO_LEASE = UUID(int=0)

_SQLITE = "sqlite:///"
_VARIABLE = "/variables/name/"
_INCREMENTS: dict[str, type[LeasedIncrement | PlainIncrement]] = {
    "/v2/concurrency_limits/increment-with-lease": LeasedIncrement,
    "/v2/concurrency_limits/increment": PlainIncrement,
}
#: Seconds to wait for a command that holds the database.
_PATIENCE_S = 2.0


def offline_answer(settings: "Settings", method: str, path: str, body: Any) -> Told | None:
    """What a server would answer; None where only a server can know.

    Call it only where no server is configured and none runs.
    """
    if method == "POST" and path in _INCREMENTS:
        return _increment(settings, path, body)
    if method == "GET" and path.startswith(_VARIABLE):
        name = unquote(path.removeprefix(_VARIABLE))
        if _defined(settings, "variable", [name]):
            return None
        return Told(404, {"code": "not_found", "detail": f"There is no variable {name!r}."})
    return None


def _increment(settings: "Settings", path: str, body: Any) -> Told | None:
    try:
        wanted = msgspec.convert(body, _INCREMENTS[path], strict=False)
    except msgspec.ValidationError:
        return None  # a server says what is wrong with it
    if _defined(settings, "concurrency_limit", wanted.names):
        return None
    if isinstance(wanted, LeasedIncrement):
        return Told(200, {"lease_id": str(NO_LEASE), "limits": []})
    return Told(200, [])


def _defined(settings: "Settings", table: str, names: list[str]) -> bool:
    """Whether one of the names may be defined."""
    url = settings.database_url or ""
    if not url.startswith(_SQLITE):
        return True
    file = Path(url.removeprefix(_SQLITE))
    if not file.exists():
        return False
    places = ", ".join("?" * len(names))
    query = f"SELECT 1 FROM {table} WHERE name IN ({places}) LIMIT 1"  # noqa: S608  # our own
    try:
        address = f"file:{quote(str(file.absolute()))}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)) as opened:
            return opened.execute(query, names).fetchone() is not None
    except sqlite3.Error:
        return True
