"""Brings a database to the schema of this program: one chain of revisions for both databases.

An upgrade holds a lock (a locked file beside a SQLite database, an advisory lock on Postgres), is
one transaction, and can be repeated.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from runwright.errors import DatabaseError
from runwright.private_files import open_private, private_folder, private_opener
from runwright.storage.tables import metadata

T = TypeVar("T")

_ADVISORY_LOCK = 0x72756E77


def upgrade(database_url: str, revision: str = "head") -> None:
    """Apply what is missing. Blocking; on an event loop, call it in a thread.

    Raises:
        DatabaseError: the database belongs to a newer program, or cannot be changed.
    """
    script = _script()
    steps = lambda current, _: script._upgrade_revs(revision, current)  # noqa: E731, SLF001
    _change(database_url, script, revision, steps)


def downgrade(database_url: str, revision: str) -> None:
    """Take revisions back, down to `revision` (`base`: all, and with them all data)."""
    script = _script()
    steps = lambda current, _: script._downgrade_revs(revision, current)  # noqa: E731, SLF001
    _change(database_url, script, revision, steps)


def stamp(database_url: str, revision: str = "head") -> None:
    """Say that the database is at `revision`, and change nothing else."""
    script = _script()
    steps = lambda current, _: script._stamp_revs(revision, current)  # noqa: E731, SLF001
    _change(database_url, script, revision, steps)


def current(database_url: str) -> str | None:
    """The revision of the database; None for an empty one."""
    return _connected(
        database_url,
        lambda connection: MigrationContext.configure(connection).get_current_revision(),
    )


def head() -> str:
    """The newest revision this program knows."""
    return str(_script().get_current_head())


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def _change(database_url: str, script: ScriptDirectory, revision: str, steps: Any) -> None:
    def work(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        _refuse_newer(connection, script)
        with EnvironmentContext(Config(), script, fn=steps, destination_rev=revision) as context:
            context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
            context.run_migrations()

    with _file_lock(database_url):
        _connected(database_url, work)


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {each.revision for each in script.walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseError(
            f"The database is at revision {found!r}, which this program does not know: a newer "
            "Runwright has changed it. Install that version or a newer one, or use another "
            "database (RUNWRIGHT_DATABASE_URL)."
        )


@contextmanager
def _file_lock(database_url: str) -> Iterator[None]:
    if not database_url.startswith("sqlite"):
        yield
        return
    path = Path(_path(database_url))
    private_folder(path.parent)
    os.close(private_opener(str(path), os.O_RDWR | os.O_CREAT))  # SQLite would go by the umask
    with open_private(path.with_name(path.name + ".upgrade-lock")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _path(database_url: str) -> str:
    return database_url.partition("://")[2][1:]


def _connected(database_url: str, work: Callable[[Connection], T]) -> T:
    try:
        if database_url.startswith("sqlite"):
            return _on_sqlite(database_url, work)
        return _on_postgres(database_url, work)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise DatabaseError(
            f"The database cannot be brought up to date: {error}. Nothing was changed."
        ) from error


def _on_sqlite(database_url: str, work: Callable[[Connection], T]) -> T:
    # isolation_level None: sqlite3 itself must not commit before a change of the schema.
    connect = partial(sqlite3.connect, _path(database_url), isolation_level=None)
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        return work(connection)


def _on_postgres(database_url: str, work: Callable[[Connection], T]) -> T:
    """asyncpg is the only driver: drive it on a loop of its own, in a thread of its own."""

    # Late: SQLite does without its seven megabytes.
    from sqlalchemy.ext.asyncio import create_async_engine

    async def go() -> T:
        rest = database_url.partition("://")[2]
        engine = create_async_engine(f"postgresql+asyncpg://{rest}", poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, go()).result()
