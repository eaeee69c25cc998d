"""Overload is refused, not suffered: so many requests at a time, and lanes for who asks.

Past its capacity a server that takes everything makes everybody wait until all of them give up.
Requests of people and programs are therefore refused with 429 while too many are under way; clients
come again after the pause that they are told. Workers' polls and what executions report are never
refused, once their key is known: they are few, and a lease that is not renewed in time would end a
healthy run.

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
#: Of these, not even those of strangers: no key is looked up for them, or they last.
_NEVER_REFUSED = re.compile(r"/api/(health|ready|ui/changes)/?")
#: What anybody may call.
_OPEN = frozenset(
    f"/api{path.rstrip('/')}{end}"
    for (_, path), needs in SCOPES.items()
    if needs == ANYONE
    for end in ("", "/")
)
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
    """Who has shown a valid key lately, by the header that has it.

    Whoever goes on showing it is never forgotten: what was noted is kept for one turn more.
    """

    def __init__(self) -> None:
        self._headers: set[bytes] = set()
        self._before: set[bytes] = set()
        self._turn: asyncio.TimerHandle | None = None

    def note(self, header: bytes) -> None:
        if header in self._headers or header in (_NOBODY, _OURSELVES):
            return
        if len(self._headers) >= _MOST_KNOWN:
            self._before, self._headers = self._headers, set()
        self._headers.add(header)
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_later(_KNOWN_FOR, self._forget)

    def has(self, header: bytes) -> bool:
        return header in self._headers or header in self._before

    def _forget(self) -> None:
        self._before, self._headers = self._headers, set()
        self._turn = None
        if self._before:
            self._turn = asyncio.get_running_loop().call_later(_KNOWN_FOR, self._forget)


class Admission:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any, most: int = MOST, most_strangers: int = MOST_STRANGERS) -> None:
        self._behind = behind
        self._people = _Lane(most)
        self._strangers = _Lane(most_strangers)
        self.vital = _Lane(None)
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
            # One that sends no body has shown its key too; one that is known goes on being known.
            if "runwright.access" in scope:
                self.known.note(who)

    def _lane_of(self, path: str, who: bytes) -> _Lane:
        if who is _OURSELVES or self.known.has(who):
            return self.lane_of_the_valid(path)
        return self._strangers if _NEVER_REFUSED.fullmatch(path) is None else self.vital

    def lane_of_the_valid(self, path: str) -> _Lane:
        """Where a request of somebody with a key belongs."""
        return self._people if _VITAL.fullmatch(path) is None else self.vital

    def is_of_strangers(self, lane: _Lane) -> bool:
        return lane is self._strangers


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
        admission = self._admission
        is_open = self._path in _OPEN
        # Of other routes its key was found to be good before anything asks for its body.
        if not is_open and admission.is_of_strangers(self._lane):
            admission.known.note(self._who)
            self._lane = admission.lane_of_the_valid(self._path)
        body = await admission.intake.read(
            self._receive,
            self._path,
            self._declared,
            is_stranger=is_open,
            is_vital=self._lane is admission.vital,
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
