"""The beginning of every websocket that the peer's clients open, and its end by a revocation.

They ask for the subprotocol `prefect` and send `{"type": "auth", "token": ...}` first. The token is
a key, or `NAME:KEY` as in Basic: some of their websockets send no key but that pair. Without a
token the headers say it. A cookie counts only where a page of this server opened the socket.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from runwright.server.auth import Access, Authenticator
from runwright.server.problems import Denied, log
from runwright.server.scopes import SCOPES, WEBSOCKET, Needs

Socket = WebSocket[Any, Any, Any]

#: Close codes: what was said cannot be allowed, or makes no sense; try again later.
POLICY_VIOLATION, PROTOCOL_ERROR, INTERNAL_ERROR, TRY_LATER = 1008, 1002, 1011, 1013
_PATIENCE_S, _GOODBYE_S = 10.0, 1.0
#: A close frame has room for 123 bytes.
_MOST_REASON = 120


class _AuthFrame(msgspec.Struct, tag="auth", tag_field="type"):
    token: str | None = None


async def while_admitted(
    socket: Socket,
    authenticator: Authenticator,
    path: str,
    work: Callable[[Access], Awaitable[None]],
) -> None:
    """Accept a socket and do its work for as long as its sender may do that.

    `path`: the line in the table of scopes. Who may not, or not any more, is told so.
    """
    access = await _admit(socket, authenticator, SCOPES[WEBSOCKET, path])
    if access is None:
        return
    working = asyncio.ensure_future(work(access))
    refused = asyncio.create_task(access.until_refused())
    try:
        await asyncio.wait({working, refused}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await close(socket, POLICY_VIOLATION, str(refused.result()))
            return
    finally:
        for each in (working, refused):
            each.cancel()
        await asyncio.gather(working, refused, return_exceptions=True)
    working.result()


async def close(socket: Socket, code: int, reason: str) -> None:
    """Close the socket and say why, to who may not read that either."""
    log.info("a websocket is closed: %s", reason)
    short = reason.encode()[:_MOST_REASON].decode(errors="ignore")
    with suppress(TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
        async with asyncio.timeout(_GOODBYE_S):
            await socket.close(code=code, reason=short)


async def _admit(socket: Socket, authenticator: Authenticator, needs: Needs) -> Access | None:
    """Accept the socket and find out who it is; None, and it is closed, where they may not."""
    subprotocols = socket.scope.get("subprotocols") or []
    await socket.accept(subprotocols="prefect" if "prefect" in subprotocols else None)
    try:
        content = await _first_frame(socket, authenticator)
        frame = msgspec.json.decode(content, type=_AuthFrame)
        access = await _let_in(socket, authenticator, frame.token, needs)
    except (Denied, msgspec.MsgspecError, TimeoutError) as error:
        await _refuse(socket, f"{error}" if isinstance(error, Denied) else "Expected auth first.")
        return None
    except WebSocketDisconnect:
        return None
    await socket.send_data('{"type":"auth_success"}')
    return access


async def _first_frame(socket: Socket, authenticator: Authenticator) -> str:
    """The frame that says who it is. Who has said so in the headers waits behind no strangers."""
    scope: Any = socket.scope
    try:
        await authenticator.let_in(scope)
    except Denied:
        return await authenticator.handshakes.first_frame(socket)
    async with asyncio.timeout(_PATIENCE_S):
        return await socket.receive_data(mode="text")


async def _let_in(
    socket: Socket, authenticator: Authenticator, token: str | None, needs: Needs
) -> Access:
    if not token:  # the headers may say it, as with any other request
        scope: Any = socket.scope
        return await authenticator.let_in(scope, needs=needs)
    return await authenticator.let_in_by(token.rpartition(":")[2], needs=needs)


async def _refuse(socket: Socket, reason: str) -> None:
    try:
        refusal = {"type": "auth_failure", "reason": reason}
        await socket.send_data(msgspec.json.encode(refusal).decode())
    except (WebSocketDisconnect, RuntimeError, OSError):
        return
    await close(socket, POLICY_VIOLATION, reason)
