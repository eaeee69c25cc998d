"""Opening the database of a control plane: one owner for a SQLite file, and the newest schema."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from runwright.errors import DatabaseError
from runwright.storage.engine import Storage, open_storage


class DatabaseInUse(DatabaseError):
    """Another process of this machine owns the SQLite file."""


def sqlite_path(database_url: str) -> Path | None:
    """The file of a SQLite URL; None for another database."""
    scheme, _, rest = database_url.partition(":///")
    return Path(rest) if scheme.startswith("sqlite") and rest else None


#: How long one waits for a command without a server to be done with the file, in seconds.
PATIENCE = 15.0
_LOOK_EVERY = 0.02


def take_lock(database_url: str, role: str, patience: float = PATIENCE) -> int | None:
    """Own the SQLite file until the returned descriptor is closed; None where none is needed.

    `role` is "server" or "command". Commands are waited for: they are soon done. Blocking.

    Raises:
        DatabaseInUse: a server has it, or commands had it all the time.
        DatabaseError: its folder cannot be written.
    """
    path = sqlite_path(database_url)
    if path is None:
        return None
    lock = path.with_name(path.name + ".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseError(
            f"The database {path} cannot be used: {error.strerror} ({lock}). Make its folder "
            "writable, or name another with --database-url."
        ) from error
    end = time.monotonic() + patience
    while not _is_locked(handle):
        owner, owner_role = _owner(handle)
        is_server = owner_role == "server" and _is_alive(owner)
        if is_server or time.monotonic() >= end:
            os.close(handle)
            raise _in_use(path, owner, is_server=is_server, role=role)
        time.sleep(_LOOK_EVERY)  # noqa: TID251  # for another process, which tells nobody
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()} {role}\n".encode(), 0)
    return handle


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _owner(handle: int) -> tuple[str, str]:
    """Process and role, as the owner wrote them; the one before it, in its first moments."""
    process, _, role = os.pread(handle, 40, 0).decode(errors="replace").strip().partition(" ")
    return process, role


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _in_use(path: Path, owner: str, *, is_server: bool, role: str) -> DatabaseInUse:
    what = "a server" if is_server else "a command"
    if not is_server:
        advice = "Let it end, or stop it, and try again."
    elif role == "server":
        advice = (
            "Stop that server (runwright server stop), or name another database with "
            "--database-url."
        )
    else:
        advice = (
            "Ask that server instead: set RUNWRIGHT_API_URL to its address, and RUNWRIGHT_API_KEY "
            "to a key of it; if it is starting just now, try again. Or stop it: runwright server "
            "stop."
        )
    return DatabaseInUse(
        f"The database {path} is in use by {what}, process {owner or 'unknown'}. {advice}"
    )


def bring_up_to_date(database_url: str) -> None:
    """Migrate the database to the schema of this program.

    Raises:
        DatabaseError: it cannot be reached, or is newer than this program.
    """
    # Late: Alembic takes 0.3 s to import, and only a server that starts needs it.
    from runwright.storage.migrations import upgrade

    upgrade(database_url)


@asynccontextmanager
async def opened(database_url: str, role: str) -> AsyncIterator[Storage]:
    """The database of that URL, owned as a "server" or a "command", up to date and started.

    Raises:
        DatabaseError: it cannot be.
    """
    handle = await asyncio.to_thread(take_lock, database_url, role)
    try:
        await asyncio.to_thread(bring_up_to_date, database_url)
        storage = open_storage(database_url)
        await storage.start()
        try:
            yield storage
        finally:
            await storage.stop()
    finally:
        if handle is not None:
            os.close(handle)
