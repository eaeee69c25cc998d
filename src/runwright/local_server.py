"""The server that runs on this machine, as it says of itself in the user's home."""

import os
import time
from pathlib import Path

import msgspec

from runwright.credentials import write_private

#: Seconds between two looks at a process.
_LOOK_S = 0.5


class LocalServer(msgspec.Struct, frozen=True, kw_only=True):
    """A running server: its API's root and its process."""

    url: str
    pid: int
    #: Tells the process from a later one of the same id; None where the system cannot say.
    birth: str | None = None


def server_file(home: Path) -> Path:
    """Where a running server says that it runs."""
    return home / "server.json"


def announce_server(home: Path, server: LocalServer) -> None:
    """Say that this server runs."""
    known = msgspec.structs.replace(server, birth=_birth(server.pid))
    write_private(server_file(home), msgspec.json.encode(known).decode())


def withdraw_server(home: Path, pid: int) -> None:
    """Take the announcement back, unless it is another server's by now."""
    server = _read(home)
    if server is not None and server.pid == pid:
        server_file(home).unlink(missing_ok=True)


def local_server(home: Path) -> LocalServer | None:
    """The server that runs on this machine with this home; None when there is none alive."""
    server = _read(home)
    return server if server is not None and _is_alive(server) else None


def _read(home: Path) -> LocalServer | None:
    try:
        return msgspec.json.decode(server_file(home).read_bytes(), type=LocalServer)
    except (OSError, msgspec.DecodeError):
        return None


def _is_alive(server: LocalServer) -> bool:
    if server.birth is not None:
        return _birth(server.pid) == server.birth
    try:
        os.kill(server.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _birth(pid: int) -> str | None:
    """When the process began, in ticks since the boot; None when it is gone, or not on Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def wait_for_exit(pid: int) -> None:
    """Return when the process has ended."""
    process = LocalServer(url="", pid=pid, birth=_birth(pid))
    while _is_alive(process):
        time.sleep(_LOOK_S)  # noqa: TID251  # not every system tells of other processes' ends
