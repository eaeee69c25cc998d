"""Tells a service manager how the worker does, by systemd's protocol: datagrams to a socket.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import contextlib
import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """The one that started this process; without one, words go nowhere."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
        # An abstract socket is written with an @ where its name has a zero byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._is_ready = False

    def alive(self, status: str) -> None:
        """The loop has gone round; the first time, the service is up."""
        words = ["WATCHDOG=1", f"STATUS={status}"]
        if not self._is_ready:
            self._is_ready = True
            words.insert(0, "READY=1")
        self._tell("\n".join(words))

    def stopping(self) -> None:
        """It was told to stop and finishes what runs."""
        self._tell("STOPPING=1")

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.sendto(words.encode(), self._address)
