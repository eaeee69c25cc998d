"""Opening the database of a control plane: one owner for a SQLite file, and the newest schema."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from runwright.errors import DatabaseError
from runwright.private_files import private_folder, private_opener
from runwright.server.database_names import owner_of_inode, refuse_log_elsewhere, remember_path
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
#: The role of a command that no server could carry out instead.
MAINTENANCE = "maintenance"


class DatabaseLock:
    """The right to use a SQLite file, until it is closed.

    Two locks: of a file beside the database, which says who has it and stands for the name while
    the file itself is replaced; and of the database itself, which may have other names (a hard
    link, another mount of its folder).
    """

    def __init__(self, beside: int, inside: int) -> None:
        self._handles = [inside, beside]

    def close(self) -> None:
        """Let the next one have it. After all connections: closing a descriptor of the database
        takes away the locks that SQLite holds on it in this process.
        """
        while self._handles:
            os.close(self._handles.pop(0))


def take_lock(database_url: str, role: str, patience: float = PATIENCE) -> DatabaseLock | None:
    """Own the SQLite file until the lock is closed; None where none is needed.

    `role` is "server", "command" or `MAINTENANCE`. Commands are waited for: they are soon done.
    Blocking.

    Raises:
        DatabaseInUse: a server has it, or commands had it all the time.
        DatabaseError: its folder cannot be written, or its log lies elsewhere.
    """
    path = sqlite_path(database_url)
    if path is None:
        return None
    path = Path(os.path.realpath(path))  # a symbolic link is another name of the same file
    lock = path.with_name(path.name + ".lock")
    end = time.monotonic() + patience
    with ExitStack() as opened_files:
        try:
            private_folder(path.parent)
            beside = private_opener(str(lock), os.O_RDWR | os.O_CREAT)
            opened_files.callback(os.close, beside)
            _wait_for(beside, end, lambda: _owner(beside), path, role)
            inside = private_opener(str(path), os.O_RDWR | os.O_CREAT)
            opened_files.callback(os.close, inside)
        except OSError as error:
            raise DatabaseError(
                f"The database {path} cannot be used: {error.strerror} ({lock}). Make its folder "
                "writable, or name another with --database-url."
            ) from error
        _wait_for(inside, end, lambda: owner_of_inode(inside), path, role)
        refuse_log_elsewhere(path)
        os.ftruncate(beside, 0)
        os.pwrite(beside, f"{os.getpid()} {role}\n".encode(), 0)
        opened_files.pop_all()
    return DatabaseLock(beside, inside)


def _wait_for(
    handle: int, end: float, owner_of: Callable[[], tuple[str, str]], path: Path, role: str
) -> None:
    while not _is_locked(handle):
        owner, owner_role = owner_of()
        is_server = owner_role == "server" and _is_alive(owner)
        if is_server or time.monotonic() >= end:
            raise _in_use(path, owner, is_server=is_server, role=role)
        time.sleep(_LOOK_EVERY)  # noqa: TID251  # for another process, which tells nobody


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
    elif role == MAINTENANCE:
        advice = (
            "This command needs the database for itself, and no server can do it while it runs. "
            "Stop that server (runwright server stop, or whatever started it), repeat the command "
            "and start the server again. Runs go on meanwhile: their workers keep what they report."
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
    path = sqlite_path(database_url)
    lock = await asyncio.to_thread(take_lock, database_url, role)
    try:
        await asyncio.to_thread(bring_up_to_date, database_url)
        if path is not None:
            await asyncio.to_thread(remember_path, path)
        storage = open_storage(database_url)
        await storage.start()
        try:
            yield storage
        finally:
            await storage.stop()
    finally:
        if lock is not None:
            lock.close()
