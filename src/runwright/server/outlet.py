"""How answers leave: in small pieces, each when the reader has taken those before.

The web server underneath keeps what it is given until the connection takes it, so many pieces for
each connection: only small pieces keep that small. A reader that takes nothing is let go, or what
it was promised would be held for as long as it likes.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec

from runwright.api.limits import KIB, MAX_PAGE, READER_PATIENCE_S, READER_RATE
from runwright.server.answer_room import AnswerRoom
from runwright.server.connections import cut_connection
from runwright.server.problems import Busy, body_of, log
from runwright.server.security_headers import with_security

#: Bytes that are handed to the connection at once, of what is larger than a page that is gathered.
#: Connections that take nothing hold about as much of either.
_PIECE = 16 * KIB
#: Seconds after which it is looked whether a reader has taken its piece.
_LOOK_EVERY = 2.0
_NO_START: dict[str, Any] = {}


class Outlet:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any, room: AnswerRoom) -> None:
        self._behind = behind
        self._room = room

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            send = _Answer(scope, send, self._room)
        await self._behind(scope, receive, send)


class _Answer:
    """What is sent of one answer."""

    __slots__ = ("_client", "_is_cut", "_looking", "_patience", "_port", "_room", "_send", "_start")

    def __init__(self, scope: Any, send: Any, room: AnswerRoom) -> None:
        self._client = scope.get("client")
        self._port = (scope.get("server") or (None, 0))[1]
        self._send = send
        self._room = room
        #: The head of a large answer, until there is room for its body.
        self._start = _NO_START
        self._is_cut = False
        #: Seconds for which the reader may still take nothing.
        self._patience = READER_PATIENCE_S
        self._looking: asyncio.TimerHandle

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            if _is_large(message):
                self._start = message
            else:
                await self._send(message)
            return
        body = message.get("body", b"")
        if len(body) > MAX_PAGE and not message.get("more_body"):
            await self._say_large(body)
            return
        await self._begin()
        if not message.get("more_body"):
            await self._send(message)
        else:
            await self._say(body)

    async def _begin(self) -> None:
        start, self._start = self._start, _NO_START
        if start:
            await self._send(start)

    async def _say_large(self, body: bytes) -> None:
        """A body that is there as a whole: there is room for it, or it is thrown away."""
        try:
            with self._room.taken(len(body)):
                await self._say_all(body)
        except Busy as problem:
            if not self._start:
                raise
            content = msgspec.json.encode(body_of(problem))
            headers = [(b"content-type", b"application/json")]
            headers += [(k.lower().encode(), v.encode()) for k, v in problem.headers.items()]
            headers.append((b"content-length", str(len(content)).encode()))
            secured = with_security(headers)
            await self._send({**self._start, "status": problem.status, "headers": secured})
            await self._send({"type": "http.response.body", "body": content})

    async def _say_all(self, body: bytes) -> None:
        await self._begin()
        await self._say(body)
        await self._send({"type": "http.response.body", "body": b""})

    async def _say(self, body: Any) -> None:
        for piece in _pieces(body):
            if self._is_cut:
                return
            await self._in_time({"type": "http.response.body", "body": piece, "more_body": True})

    async def _in_time(self, message: Any) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        look = loop.call_later(_LOOK_EVERY, self._look, began)
        self._looking = look
        try:
            await self._send(message)
        finally:
            self._looking.cancel()
        # What has been taken lets it wait again, but for no longer than at first.
        earned = len(message["body"]) / READER_RATE
        self._patience = min(READER_PATIENCE_S, self._patience - (loop.time() - began) + earned)

    def _look(self, began: float) -> None:
        loop = asyncio.get_running_loop()
        # With others waiting for the room that it takes, it has less time.
        if loop.time() - began < self._patience and not self._room.is_wanted():
            self._looking = loop.call_later(_LOOK_EVERY, self._look, began)
            return
        self._is_cut = True
        log.warning("an answer to %s is cut: it is read too slowly", self._client)
        if self._client and self._port:
            cut_connection((self._client[0], int(self._client[1])), int(self._port))


def _is_large(start: Any) -> bool:
    for name, value in start.get("headers", ()):
        if name.lower() == b"content-length":
            return value.isdigit() and int(value) > MAX_PAGE
    return False


def _pieces(body: bytes) -> Iterator[bytes]:
    if len(body) <= _PIECE:
        yield body
        return
    for at in range(0, len(body), _PIECE):
        yield body[at : at + _PIECE]
