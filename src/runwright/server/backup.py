"""Copies of a SQLite database: made while a server writes it, and put back while none does."""

import os
import sqlite3
from pathlib import Path

from runwright.errors import ConfigurationError, DatabaseError
from runwright.server.database import sqlite_path

_PAGES_AT_ONCE = 2_000


def back_up(database_url: str, target: Path) -> int:
    """Copy the database as it is at one instant; the size of the copy in bytes.

    The server goes on meanwhile, and its writes do not wait.

    Raises:
        ConfigurationError: it is no SQLite database, or `target` exists.
        DatabaseError: there is no such database, or the copy cannot be written.
    """
    source = _file_of(database_url, "pg_dump --format=custom --file backup.dump DATABASE")
    if not source.exists():
        raise DatabaseError(f"There is no database {source}.")
    if target.exists():
        raise ConfigurationError(f"{target} exists already: name another file.")
    partial = target.with_name(target.name + ".partial")
    try:
        _copy(source, partial)
        partial.replace(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise DatabaseError(f"The copy {target} cannot be written: {error}.") from error
    return target.stat().st_size


def restore(database_url: str, backup: Path) -> Path | None:
    """Put a copy in the database's place; where the one that was there has been put.

    Nothing may use the database: hold its lock.

    Raises:
        ConfigurationError: it is no SQLite database.
        DatabaseError: the copy is damaged or no database of a control plane.
    """
    there = _file_of(database_url, "pg_restore --clean --if-exists --dbname DATABASE backup.dump")
    _check(backup)
    partial = there.with_name(there.name + ".partial")
    try:
        _copy(backup, partial)
        aside = _put_aside(there)
        partial.replace(there)
        _sync(there.parent)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"{there} cannot be written: {error}.") from error
    return aside


def _file_of(database_url: str, instead: str) -> Path:
    path = sqlite_path(database_url)
    if path is None:
        raise ConfigurationError(f"This is for SQLite. Postgres has its own tools: {instead}")
    return path


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY, 0o600)
    there = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
    here = sqlite3.connect(target)
    try:
        there.execute("BEGIN")  # one instant, however long the copy takes
        there.execute("SELECT count(*) FROM sqlite_master").fetchone()
        there.backup(here, pages=_PAGES_AT_ONCE)
    finally:
        here.close()
        there.close()
        os.fsync(descriptor)
        os.close(descriptor)


def _check(backup: Path) -> None:
    if not backup.is_file():
        raise DatabaseError(f"There is no file {backup}.")
    connection = sqlite3.connect(f"file:{backup}?mode=ro", uri=True)
    try:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
        known = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise DatabaseError(f"{backup} is no database of a control plane: {error}.") from error
    finally:
        connection.close()
    if said != "ok" or known is None:
        raise DatabaseError(f"{backup} is damaged: {said}. Nothing was changed.")


def _put_aside(there: Path) -> Path | None:
    """Keep what was there, whole, beside it. A log without its database is kept too: SQLite would
    take it for the log of the database that comes in its place.
    """
    number = 1
    while (aside := there.with_name(f"{there.name}.before-{number}")).exists():
        number += 1
    there_is_one = there.exists() and there.stat().st_size > 0
    if there_is_one:
        connection = sqlite3.connect(there)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        there.replace(aside)
    log = there.with_name(f"{there.name}-wal")
    if log.exists() and log.stat().st_size:
        log.replace(aside.with_name(f"{aside.name}-wal"))
    for suffix in ("-wal", "-shm"):
        there.with_name(there.name + suffix).unlink(missing_ok=True)
    return aside if there_is_one else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
