"""One connection to a SQLite file, and the transactions on it."""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql import Executable

from runwright.storage.dialect import Dialect
from runwright.storage.statements import Prepared, Result

SQLITE = Dialect("sqlite")
_COMPILER = SQLiteDialect_pysqlite(paramstyle="qmark")

#: The log is cut to so many bytes when it begins anew, after a long reader had made it grow.
LARGEST_LOG = 16 * 1024 * 1024
#: Pages in the log after which the writer copies them into the database.
CHECKPOINT_AFTER = 1_000
BUSY_TIMEOUT_MS = 5_000

# FULL: what was answered is on the disk, even after the power fails.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_AFTER}",
    f"PRAGMA journal_size_limit={LARGEST_LOG}",
    "PRAGMA temp_store=MEMORY",
)


class SqliteConnection:
    """A connection in autocommit mode: transactions are begun and ended in so many words."""

    def __init__(self, path: Path | None, *, look_every: int | None = None) -> None:
        """Open the file, which must be there; None: a database in memory, for simulations.

        With `look_every` it only reads, and looks at the clock after so many instructions.
        """
        self.raw = sqlite3.connect(
            # Without the mode, an empty database is made of a missing file.
            ":memory:" if path is None else f"{path.as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        read_only = look_every is not None
        for pragma in _PRAGMAS:
            self.raw.execute(pragma)
        # In KiB. The system's own cache of the file comes on top.
        self.raw.execute(f"PRAGMA cache_size={-8192 if read_only else -16384}")
        #: When what is being read is interrupted, by the monotonic clock.
        self.until = math.inf
        if look_every is not None:
            self.raw.execute("PRAGMA query_only=ON")
            self.raw.set_progress_handler(lambda: time.monotonic() > self.until, look_every)
        # For statements that are built on the way, such as filters.
        engine = create_engine("sqlite://", creator=lambda: self.raw, poolclass=StaticPool)
        self.core = engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self.raw.close()


class SqliteTransaction:
    """Statements on a connection whose transaction somebody else begins and ends."""

    dialect = SQLITE

    def __init__(self, connection: SqliteConnection, now: datetime, topics: set[str]) -> None:
        self._connection = connection
        self._now = now
        self._topics = topics

    @property
    def now(self) -> datetime:
        return self._now

    def saw_clock(self, now: datetime | None) -> None:
        """Its clock is this process's."""

    def wake(self, topic: str) -> None:
        self._topics.add(topic)

    def execute(
        self,
        statement: Executable | Prepared,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> Result:
        if isinstance(statement, Prepared):
            return self._execute_prepared(statement, parameters)
        cursor = self._connection.core.execute(statement, parameters)
        if cursor.returns_rows:
            rows = cursor.all()
            return Result(rows, len(rows))
        return Result((), cursor.rowcount)

    def _execute_prepared(
        self,
        statement: Prepared,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
    ) -> Result:
        compiled = statement.compiled(SQLITE, _COMPILER)
        raw = self._connection.raw
        try:
            if parameters is None or isinstance(parameters, Mapping):
                cursor = raw.execute(compiled.text, compiled.bind(parameters or {}))
                rows = compiled.rows(compiled.fetch(cursor))
                return Result(rows, len(rows) if rows else cursor.rowcount)
            cursor = raw.executemany(compiled.text, [compiled.bind(each) for each in parameters])
        except sqlite3.IntegrityError as error:
            raise IntegrityError(compiled.text, None, error) from error
        return Result((), cursor.rowcount)


Now = Callable[[], datetime]
