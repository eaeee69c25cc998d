"""The beginning of every websocket that the peer's clients open.

They ask for the subprotocol `prefect` and send `{"type": "auth", "token": ...}` first. The token is
a key, or `NAME:KEY` as in Basic: some of their websockets send no key but that pair.
"""

import asyncio
from typing import Any

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from runwright.server.auth import Authenticator, authorize
from runwright.server.keys import Principal
from runwright.server.problems import Denied

Socket = WebSocket[Any, Any, Any]

#: Close codes: what was said cannot be allowed, or makes no sense; try again later.
POLICY_VIOLATION, PROTOCOL_ERROR, INTERNAL_ERROR, TRY_LATER = 1008, 1002, 1011, 1013
_PATIENCE_S = 10.0


class _AuthFrame(msgspec.Struct, tag="auth", tag_field="type"):
    token: str | None = None


async def admit(
    socket: Socket, authenticator: Authenticator, needs: str | tuple[str, ...]
) -> Principal | None:
    """Accept the socket and find out who it is; None, and it is closed, where they may not."""
    subprotocols = socket.scope.get("subprotocols") or []
    await socket.accept(subprotocols="prefect" if "prefect" in subprotocols else None)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            content = await socket.receive_data(mode="text")
        frame = msgspec.json.decode(content, type=_AuthFrame)
        principal = await _identify(socket, authenticator, frame.token)
        authorize(principal, needs)
    except (Denied, msgspec.MsgspecError, TimeoutError) as error:
        await _refuse(socket, f"{error}" if isinstance(error, Denied) else "Expected auth first.")
        return None
    except WebSocketDisconnect:
        return None
    await socket.send_data('{"type":"auth_success"}')
    return principal


async def _identify(socket: Socket, authenticator: Authenticator, token: str | None) -> Principal:
    known: Any = socket.scope
    if not token:  # the headers may say it, as with any other request
        return await authenticator.identify({**known, "method": "GET"})
    secret = token.rpartition(":")[2]
    bearer = (b"authorization", b"Bearer " + secret.encode())
    return await authenticator.identify({**known, "method": "GET", "headers": [bearer]})


async def _refuse(socket: Socket, reason: str) -> None:
    # A close frame has room for 123 bytes.
    short = reason.encode()[:120].decode(errors="ignore")
    try:
        refusal = {"type": "auth_failure", "reason": reason}
        await socket.send_data(msgspec.json.encode(refusal).decode())
        await socket.close(code=POLICY_VIOLATION, reason=short)
    except (WebSocketDisconnect, RuntimeError, OSError):
        return
