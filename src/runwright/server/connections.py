"""Ends the connection of a peer that does not answer, beneath the HTTP library.

The library hands out no connection, and ends none while something that was sent still waits.
"""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

#: The open files of this process, where the system tells of them.
_OPEN_FILES = Path("/dev/fd")


def cut_connection(peer: tuple[str, int], port: int) -> bool:
    """Shut down the connection of our `port` with a peer (host, port); False: there is none."""
    for number in _sockets():
        # By a descriptor of our own: that number may be another file's a moment later. Errors are
        # of those that were closed meanwhile, or are not connected.
        with suppress(OSError), closing(socket.socket(fileno=os.dup(number))) as found:
            if _is(found.getpeername(), peer) and found.getsockname()[1] == port:
                # What is not sent yet is thrown away when it is closed, not kept for hours.
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                found.shutdown(socket.SHUT_RDWR)
                return True
    return False


def _sockets() -> Iterator[int]:
    with suppress(OSError):
        for name in os.listdir(_OPEN_FILES):  # noqa: PTH208  # its own descriptor is among them
            with suppress(OSError):
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    yield int(name)


def _is(found: object, wanted: tuple[str, int]) -> bool:
    if not isinstance(found, tuple):
        return False
    return (str(found[0]).removeprefix("::ffff:"), found[1]) == wanted
