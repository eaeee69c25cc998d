"""The headers that tell browsers what not to do, on every answer of the application.

They are set here, in front of everything else, so that no route, refusal or file can lack them.
"""

from typing import Any

Header = tuple[bytes, bytes]

_POLICY = b"content-security-policy"
_CACHING = b"cache-control"
#: Whatever the answer is.
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NAMES = frozenset(name for name, _ in _ALWAYS)
#: Unless the answer says it itself, as the page does. What the API answers is no document: nothing
#: in it may load or run, and it may hold secrets, so no cache keeps it.
_BY_DEFAULT: tuple[Header, ...] = (
    (_POLICY, b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (_CACHING, b"no-store"),
)
_FORBIDDEN = 403
_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class Secured(list[Header]):
    """The headers of an answer that have these already: of what is answered thousands of times."""


class SecurityHeaders:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    # No coroutine of its own: each step of a request would go through that too.
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] == "websocket":
            send = _Handshake(scope, send)

        async def guarded(message: Any) -> None:
            if message["type"] in _STARTS and type(message.get("headers")) is not Secured:
                message = {**message, "headers": with_security(message.get("headers", ()))}
            await send(message)

        return self._behind(scope, receive, guarded)


def with_security(headers: Any) -> list[Header]:
    """The headers of an answer, and those that every answer has."""
    kept = [(name, value) for name, value in headers if name not in _NAMES]
    said = {name for name, _ in kept}
    kept += _ALWAYS
    kept += [header for header in _BY_DEFAULT if header[0] not in said]
    return kept


class _Handshake:
    """Refuses a websocket by an answer of HTTP, since a close frame has no headers."""

    def __init__(self, scope: Any, send: Any) -> None:
        self._can_answer = "websocket.http.response" in (scope.get("extensions") or {})
        self._send = send
        self._is_open = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "websocket.accept":
            self._is_open = True
        elif message["type"] == "websocket.close" and not self._is_open and self._can_answer:
            await self._send(
                {
                    "type": "websocket.http.response.start",
                    "status": _FORBIDDEN,
                    "headers": with_security([(b"content-length", b"0")]),
                }
            )
            await self._send({"type": "websocket.http.response.body", "body": b""})
            return
        await self._send(message)
