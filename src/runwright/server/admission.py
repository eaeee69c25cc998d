"""Overload is refused, not suffered: so many requests at a time, and lanes for who asks.

Past its capacity a server that takes everything makes everybody wait until all of them give up.
Requests of people and programs are therefore refused with 429 while too many are under way; clients
come again after the pause that they are told. Workers' polls and what executions report are never
refused: they are few, and a lease that is not renewed in time would end a healthy run.

A request is under way while the server works on it, not while its body is still coming. Who has
shown no valid key lately is a stranger; strangers have a lane of their own, so that they cannot
keep out anybody with a key.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from runwright.server.intake import Intake
from runwright.server.problems import Overloaded, body_of
from runwright.server.scopes import ANYONE, SCOPES

#: Requests under way. With 1,000 answers a second the last of them waits for an eighth of one; a
#: poll or a renewal, which goes in behind them, as well.
MOST = 128
MOST_STRANGERS = 32
_VITAL = re.compile(
    r"/api/(flow_runs/[^/]+/(journal|exit|infrastructure|release)"
    r"|work_pools/[^/]+/workers/([^/]+/sync|heartbeat)"
    r"|v2/concurrency_limits/leases/[^/]+/renew"
    r"|health|ready|ui/changes)/?"
)
#: What anybody may call.
_OPEN = frozenset(f"/api{path}" for (_, path), needs in SCOPES.items() if needs == ANYONE)
#: How long, in seconds, and for how many keys it is kept that they are valid.
_KNOWN_FOR, _MOST_KNOWN = 60.0, 10_000
_NOBODY = b""
_OURSELVES = b"ourselves"

_REFUSAL = (
    "The control plane has more requests under way than it can answer in time. Nothing of this "
    "one was done: send it again after the pause in Retry-After."
)


class _Lane:
    """Places for requests under way. `most` None: they are counted by nobody."""

    __slots__ = ("most", "under_way")

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.under_way = 0

    def is_full(self) -> bool:
        return self.most is not None and self.under_way >= self.most


class _Known:
    """Who has shown a valid key lately, by the header that has it."""

    def __init__(self) -> None:
        self._headers: dict[bytes, None] = {}
        self._since: float | None = None

    def note(self, header: bytes) -> None:
        self._headers[header] = None

    def has(self, header: bytes) -> bool:
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        if now - self._since > _KNOWN_FOR or len(self._headers) > _MOST_KNOWN:
            self._headers.clear()
            self._since = now
        return header in self._headers


class Admission:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any, most: int = MOST, most_strangers: int = MOST_STRANGERS) -> None:
        self._behind = behind
        self._people = _Lane(most)
        self._strangers = _Lane(most_strangers)
        self._vital = _Lane(None)
        self.known = _Known()
        self.intake = Intake()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._behind(scope, receive, send)
            return
        who, declared = _head(scope)
        lane = self._lane_of(scope["path"], who)
        if lane.is_full():
            await _refuse(send)
            return
        visit = _Visit(self, scope["path"], who, declared, lane, receive)
        lane.under_way += 1
        try:
            await self._behind(scope, visit.receive, send)
        finally:
            visit.leave()
            if "runwright.access" in scope:  # one that sends no body has shown its key too
                self.known.note(who)

    def _lane_of(self, path: str, who: bytes) -> _Lane:
        if _VITAL.fullmatch(path) is not None:
            return self._vital
        return self._people if who is _OURSELVES or self.known.has(who) else self._strangers

    def is_vital(self, lane: _Lane) -> bool:
        return lane is self._vital

    def lane_of_the_valid(self, lane: _Lane) -> _Lane:
        """Where a request goes on that was let through to its body."""
        return self._people if lane is self._strangers else lane


class _Visit:
    """One request: in its lane, but while its body is coming."""

    __slots__ = ("_admission", "_declared", "_is_in", "_is_read", "_lane", "_path", "_receive",
                 "_who")  # fmt: skip

    def __init__(  # all that is known of a request
        self, admission: Admission, path: str, who: bytes, declared: int, lane: _Lane, receive: Any
    ) -> None:
        self._admission = admission
        self._path = path
        self._who = who
        self._declared = declared
        self._lane = lane
        self._receive = receive
        self._is_in = True
        self._is_read = False

    async def receive(self) -> Any:
        """The whole body; after that, whatever else happens to the connection."""
        if self._is_read:
            return await self._receive()
        self._is_read = True
        self.leave()
        is_open = self._path.rstrip("/") in _OPEN
        if not is_open:  # its key was found to be good before anything asks for its body
            self._admission.known.note(self._who)
            self._lane = self._admission.lane_of_the_valid(self._lane)
        body = await self._admission.intake.read(
            self._receive,
            self._path,
            self._declared,
            is_stranger=is_open,
            is_vital=self._admission.is_vital(self._lane),
        )
        if self._lane.is_full():
            raise Overloaded(_REFUSAL)
        self._lane.under_way += 1
        self._is_in = True
        return {"type": "http.request", "body": body, "more_body": False}

    def leave(self) -> None:
        if self._is_in:
            self._is_in = False
            self._lane.under_way -= 1


def _head(scope: Mapping[str, Any]) -> tuple[bytes, int]:
    """The header that says who it is, and how long the body is said to be."""
    who, declared = _NOBODY, 0
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    for name, value in headers:
        if name == b"content-length":
            declared = int(value) if value.isdigit() and len(value) < 20 else 0  # noqa: PLR2004
        elif name == b"authorization" or (name == b"cookie" and not who):
            who = value
    return (_OURSELVES if scope.get("runwright.principal") is not None else who), declared


async def _refuse(send: Any) -> None:
    problem = Overloaded(_REFUSAL)
    content = msgspec.json.encode(body_of(problem))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
