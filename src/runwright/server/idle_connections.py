"""Connections on which nobody asks anything, closed before they take the last descriptor.

The web server keeps each connection until its other end goes. Whoever opens more of them than the
process may have descriptors would keep everybody else out. So the server takes no more connections
than leave a reserve of descriptors, and while few are left, those that wait for no answer are
closed, the longest idle first.
"""

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Descriptors that connections never take: for the database, files and processes.
_RESERVE = 32
#: Connections that the server takes at the most. Each worker has one that waits for work.
_MOST = 20_000
#: Seconds between two looks, at ease and when places are short.
_AT_EASE, _IN_NEED = 1.0, 0.25
#: A look at many takes long: so many times that is the pause after it, at least.
_REST = 20
#: Seconds without a byte after which a connection without a request is idle: in the same cases.
_IDLE, _IDLE_IN_NEED = 120.0, 0.5
#: The part of the places from which on they are short.
_SHORT = 0.75
#: Where `tcp_info` has the milliseconds since something was sent and received.
_LAST_SENT, _LAST_RECEIVED = 44, 52

Peer = tuple[str, int]


class Connections:
    """An ASGI application in front of another: knows who waits for an answer."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self._asking: dict[Peer, int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        client = scope.get("client")
        if not client:
            await self._behind(scope, receive, send)
            return
        peer = (client[0], client[1])
        asking = self._asking
        asking[peer] = asking.get(peer, 0) + 1
        try:
            await self._behind(scope, receive, send)
        finally:
            if asking[peer] == 1:
                del asking[peer]
            else:
                asking[peer] -= 1

    def is_asking(self, peer: Peer) -> bool:
        """Whether a request or websocket of that address and port is under way."""
        return peer in self._asking


def places_for_connections() -> int:
    """How many connections the server can take; raises the limit of descriptors if it may."""
    try:
        import resource  # not on Windows
    except ImportError:
        return _MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST + 1_024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        better = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (better, hard))
            soft = better
    if soft == resource.RLIM_INFINITY:
        return _MOST
    used = len(_descriptors())
    return max(4, min(_MOST, max(soft - used - _RESERVE, (soft - used) // 2)))


class Sweeper:
    """A thread that closes idle connections to one port."""

    def __init__(self, port: int, places: int, is_asking: Callable[[Peer], bool]) -> None:
        self._port = port
        self._places = places
        self._is_asking = is_asking
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="idle connections", daemon=True)

    def start(self) -> None:
        """Begin, where the system says how long a connection has been idle."""
        if sys.platform == "linux":
            self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def _run(self) -> None:
        pause = _AT_EASE
        while not self._stopping.wait(pause):
            began = time.thread_time()
            with contextlib.suppress(OSError):
                pause = self.sweep()
            pause = max(pause, _REST * (time.thread_time() - began))

    def sweep(self) -> float:
        """Close what is idle; returns the seconds until the next look."""
        found = list(self._connections())
        is_short = len(found) >= self._places * _SHORT
        longest = _IDLE_IN_NEED if is_short else _IDLE
        for fd, peer in found:
            if not self._is_asking(peer):
                _close_if_idle(fd, peer, longest)
        return _IN_NEED if is_short else _AT_EASE

    def _connections(self) -> Any:
        for number, fd in enumerate(_descriptors()):
            if number % 200 == 199:  # noqa: PLR2004
                self._stopping.wait(0.001)  # others want to compute too
            peer = _peer_of(fd, self._port)
            if peer is not None:
                yield fd, peer


def _descriptors() -> list[int]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return [int(each.name) for each in Path(folder).iterdir()]
    return []


@contextlib.contextmanager
def _borrowed(fd: int) -> Any:
    """The socket of a descriptor that stays its owner's; None where it is no socket any more."""
    try:
        borrowed = socket.socket(fileno=fd)
    except OSError:
        yield None
        return
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _peer_of(fd: int, port: int) -> Peer | None:
    """Who is at the other end of a connection to our port."""
    with _borrowed(fd) as found:
        if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        try:
            if found.getsockname()[1] != port:
                return None
            host, number = found.getpeername()[:2]
        except OSError:
            return None
        return host, number


def _close_if_idle(fd: int, peer: Peer, longest: float) -> None:
    # By a descriptor of our own: that number may be another file's a moment later.
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as found:
        if found.getpeername()[:2] == peer:
            info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
            (sent,) = struct.unpack_from("I", info, _LAST_SENT)
            (received,) = struct.unpack_from("I", info, _LAST_RECEIVED)
            if min(sent, received) >= longest * 1000:
                found.shutdown(socket.SHUT_RDWR)
