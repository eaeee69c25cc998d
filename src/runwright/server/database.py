"""Opening the database of a control plane: one owner for a SQLite file, and the newest schema."""

import asyncio
import fcntl
import os
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


def take_lock(database_url: str) -> int | None:
    """Own the SQLite file until the returned descriptor is closed; None where none is needed.

    Raises:
        DatabaseInUse: a server, or a command without a server, has it.
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
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(handle, 20, 0).decode(errors="replace").strip()
        os.close(handle)
        raise DatabaseInUse(
            f"The database {path} is in use by process {owner or 'unknown'}. Stop that server "
            "(runwright server stop), or name another database with --database-url."
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def bring_up_to_date(database_url: str) -> None:
    """Migrate the database to the schema of this program.

    Raises:
        DatabaseError: it cannot be reached, or is newer than this program.
    """
    # Late: Alembic takes 0.3 s to import, and only a server that starts needs it.
    from runwright.storage.migrations import upgrade

    upgrade(database_url)


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Storage]:
    """The database of that URL, owned, up to date and started.

    Raises:
        DatabaseError: it cannot be.
    """
    handle = take_lock(database_url)
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
