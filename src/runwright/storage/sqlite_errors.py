"""What SQLite says, in our words."""

import sqlite3

from sqlalchemy.exc import OperationalError

from runwright.storage.errors import (
    StorageError,
    StorageFull,
    StorageInterrupted,
    StorageLost,
    StorageUnavailable,
)


def explained(error: BaseException) -> BaseException:
    """An error of the database in our words; errors of the use case as they are."""
    if isinstance(error, OperationalError):
        error = error.orig or error
    if not isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError | OSError):
        return error
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return error
    return _refusal(error, getattr(error, "sqlite_errorname", "")) or error


def _refusal(error: BaseException, name: str) -> StorageError | None:
    if name == "SQLITE_INTERRUPT":
        return StorageInterrupted("The query took longer than it was given.")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageLost(
            f"The database is damaged: {error}. Stop the server, keep a copy of the file, and put "
            "the last backup in its place: runwright db restore."
        )
    if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR"):
        return StorageFull(
            f"The database cannot be written: {error}. Nothing of this request was kept. Make "
            "space on its disk; the control plane goes on by itself."
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return StorageUnavailable(f"The database does not answer: {error}. Try again.")
    return None
