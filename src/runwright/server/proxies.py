"""What proxies say of the request that they pass on: believed of those that the settings name.

Anybody can write `X-Forwarded-Proto: https` into a request. So these headers count where the
connection comes from a trusted proxy, and are taken off all other requests.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any

from runwright.settings import Settings

_PREFIX = b"x-forwarded-"
_BEGINNINGS = (_PREFIX, b"forwarded")
_SCHEMES = {
    "http": {b"http": "http", b"https": "https"},
    "websocket": {b"http": "ws", b"https": "wss"},
}


class TrustedProxies:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any, settings: Settings) -> None:
        self._behind = behind
        self._networks = [ipaddress.ip_network(text) for text in settings.trusted_proxies]

    # No coroutine of its own: each step of a request would go through that too.
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] in _SCHEMES and _says_anything(scope["headers"]):
            self._read(scope)
        return self._behind(scope, receive, send)

    def _read(self, scope: Any) -> None:
        kept = [(name, value) for name, value in scope["headers"] if not _is_forwarded(name)]
        if self._is_trusted((scope.get("client") or ("",))[0]):
            said = _said(scope["headers"])
            scheme = _SCHEMES[scope["type"]].get(_last(said.get(b"x-forwarded-proto")))
            if scheme is not None:
                scope["scheme"] = scheme
            host = _last(said.get(b"x-forwarded-host"))
            if host:
                kept = [(name, value) for name, value in kept if name != b"host"]
                kept.append((b"host", host))
        scope["headers"] = kept

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


def _is_forwarded(name: bytes) -> bool:
    return name.startswith(_PREFIX) or name == b"forwarded"


def _says_anything(headers: Any) -> bool:
    # A loop, since every request comes through here: a generator would take twice as long.
    for name, _ in headers:  # noqa: SIM110
        if name.startswith(_BEGINNINGS):
            return True
    return False


def _said(headers: Any) -> dict[bytes, list[bytes]]:
    """Header -> its values in order, however many lines they stand in."""
    said: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if _is_forwarded(name):
            said.setdefault(name, []).extend(part.strip() for part in value.split(b","))
    return said


def _last(values: Sequence[bytes] | None) -> bytes:
    """What the nearest proxy has said."""
    return values[-1] if values else b""
