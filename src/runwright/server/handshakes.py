"""Places for websockets that have not said who they are.

The HTTP server holds a message until it is whole: up to 64 MiB of what anybody sends, before it can
be found out whether they may. So few strangers are listened to at a time; the others wait, and
nothing of theirs is read. A client that means it has sent its short frame by then and keeps its
place for a moment only.
"""

import asyncio
from typing import Any

from litestar import WebSocket

#: Strangers that are listened to, and for how long; where others wait, for how long at most.
MOST = 4
_PATIENCE_S, _HURRIED_S = 10.0, 1.0


class Handshakes:
    """Receives first frames, a few at a time. The newest that waits is the next."""

    def __init__(self, most: int = MOST) -> None:
        self._free = most
        #: How long each may take, and when it began.
        self._inside: dict[asyncio.Timeout, float] = {}
        self._waiting: list[asyncio.Future[None]] = []

    async def first_frame(self, socket: WebSocket[Any, Any, Any]) -> str:
        """The first frame of a stranger.

        Raises:
            TimeoutError: it did not come in time, or there was no place for that long.
            WebSocketDisconnect: the sender has gone.
        """
        async with asyncio.timeout(_PATIENCE_S):
            await self._enter()
        limit = asyncio.timeout(_HURRIED_S if self._waiting else _PATIENCE_S)
        try:
            async with limit:
                self._inside[limit] = asyncio.get_running_loop().time()
                return await socket.receive_data(mode="text")
        finally:
            self._inside.pop(limit, None)
            self._leave()

    async def _enter(self) -> None:
        if self._free:
            self._free -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        for limit, begun in self._inside.items():
            limit.reschedule(min(limit.when() or begun, begun + _HURRIED_S))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.cancelled():  # the place was passed on to it just now
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            waiter = self._waiting.pop()
            if not waiter.done():  # else it has given up
                waiter.set_result(None)
                return
        self._free += 1
