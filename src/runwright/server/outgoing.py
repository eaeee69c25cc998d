"""What the server says on a websocket: every frame in time, until either side has gone.

A client that does not read fills the buffers between, and then the next frame waits for it. It is
let go after a while: what it would have missed it asks for when it connects again.
"""

import asyncio
from contextlib import suppress

import msgspec
from litestar.exceptions import WebSocketDisconnect

from runwright.server.connections import cut_connection
from runwright.server.listener import TooSlow
from runwright.server.problems import log
from runwright.server.websocket_auth import INTERNAL_ERROR, TRY_LATER, Socket, close
from runwright.storage.errors import StorageError

#: How long a client may take over one frame, and over being told that this was too long.
_PATIENCE_S, _GOODBYE_S = 10.0, 1.0


async def say(socket: Socket, frame: str) -> None:
    """Send one frame. Where it is not taken in time the connection is cut.

    No word can be said to who reads none, and the library ends a connection only once what it was
    given is sent.

    Raises:
        TooSlow: it was not taken in time.
    """
    cutting = asyncio.get_running_loop().call_later(_PATIENCE_S, _cut, socket)
    try:
        async with asyncio.timeout(_PATIENCE_S + _GOODBYE_S):  # there may be none to cut
            await socket.send_data(frame)
    except TimeoutError:
        raise TooSlow(f"Too slow: nothing was read for {_PATIENCE_S:g} s. Connect again.") from None
    finally:
        cutting.cancel()


def _cut(socket: Socket) -> None:
    client, server = socket.scope.get("client"), socket.scope.get("server")
    log.warning("a websocket to %s is cut: it read nothing for %g s", client, _PATIENCE_S)
    if client and server:  # the ports are text to some servers
        cut_connection((client[0], int(client[1])), int(server[1] or 0))


async def until_gone(
    socket: Socket, sending: "asyncio.Task[None]", stopping: asyncio.Event
) -> None:
    """Until the client has gone or the server stops, or there is nothing more to send.

    Where the sender gives up, the socket is closed and told why.
    """
    tasks = {
        sending,
        asyncio.create_task(_drain(socket)),
        asyncio.create_task(stopping.wait()),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await _end_of(socket, sending)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _end_of(socket: Socket, sending: "asyncio.Task[None]") -> None:
    error = sending.exception()
    if isinstance(error, TooSlow):
        # There is nothing wrong with what it asked for: it may come back and go on.
        await close(socket, TRY_LATER, str(error))
    elif isinstance(error, StorageError):
        await close(socket, TRY_LATER, "The database is away. Connect again.")
    elif error is not None and not isinstance(error, WebSocketDisconnect):
        log.error("the sender of a websocket failed", exc_info=error)
        await close(socket, INTERNAL_ERROR, "The server failed. Connect again.")


async def _drain(socket: Socket) -> None:
    with suppress(WebSocketDisconnect, msgspec.MsgspecError):
        while True:
            await socket.receive_data(mode="text")
