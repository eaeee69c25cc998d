"""One connection to Postgres, and the transactions on it.

The statements of the hot paths go to asyncpg straight away, as text that was compiled once; those
that are built on the way go through SQLAlchemy, on the same connection. It is in autocommit mode as
far as SQLAlchemy knows: transactions are begun and ended in so many words.
"""

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import Executable
from sqlalchemy.util import await_only

from runwright.storage.dialect import Dialect
from runwright.storage.engine import Transaction
from runwright.storage.errors import StorageInterrupted
from runwright.storage.statements import Prepared, Result

T = TypeVar("T")

POSTGRES = Dialect("postgresql")
_COMPILER = PGDialect_asyncpg()
#: `now()` is the start of the transaction, which may have waited for a lock since.
_CLOCK = "SELECT clock_timestamp()"
#: Seconds in which a connection is made clean; one that takes longer is given up.
_ROLLBACK_S = 5.0


class PostgresConnection:
    """A connection that was taken from the pool for a while."""

    def __init__(self, core: AsyncConnection, raw: Any) -> None:
        self._core = core
        self.raw = raw

    async def run(
        self,
        query: Callable[[Transaction], T],
        topics: set[str],
        longest: timedelta | None = None,
    ) -> T:
        """Run it on this connection, in whatever transaction there is.

        `longest` is for all of its statements together. Postgres interrupts each of them by itself.
        """
        until = math.inf if longest is None else time.monotonic() + longest.total_seconds()
        return await self._core.run_sync(
            lambda core: query(PostgresTransaction(core, topics, until))
        )

    @asynccontextmanager
    async def transaction(self, begin: str) -> AsyncIterator[None]:
        """From `begin` to COMMIT. After an error `connection_of` rolls back."""
        await self.raw.execute(begin)
        yield
        await self.raw.execute("COMMIT")


@asynccontextmanager
async def connection_of(engine: AsyncEngine) -> AsyncIterator[PostgresConnection]:
    """A connection of the pool. One that broke meanwhile does not go back there."""
    async with engine.connect() as core:
        raw: Any = (await core.get_raw_connection()).driver_connection
        try:
            yield PostgresConnection(core, raw)
        except BaseException:
            await _make_clean(raw)
            raise
        finally:
            if raw.is_closed():
                await core.invalidate()


async def _make_clean(raw: Any) -> None:
    """End what was under way. Without a transaction too: a statement whose values asyncpg could not
    encode was announced already, and Postgres waits for it in a transaction of its own making.
    """
    if raw.is_closed():
        return
    try:
        await raw.execute("ROLLBACK", timeout=_ROLLBACK_S)
    except BaseException:  # whoever has the connection next must find it clean
        raw.terminate()
        raise


class PostgresTransaction:
    """Statements on a connection whose transaction somebody else begins and ends."""

    dialect = POSTGRES

    def __init__(self, core: Connection, topics: set[str], until: float = math.inf) -> None:
        self._core = core
        self._until = until
        self._raw: Any = core.connection.driver_connection
        self._topics = topics
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        if self._now is None:
            self._now = cast("datetime", await_only(self._raw.fetchval(_CLOCK)))
        return self._now

    def saw_clock(self, now: datetime | None) -> None:
        if self._now is None:
            self._now = now

    def wake(self, topic: str) -> None:
        self._topics.add(topic)

    def execute(
        self,
        statement: Executable | Prepared,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> Result:
        if self._until < math.inf and time.monotonic() > self._until:
            raise StorageInterrupted("The query took longer than it was given.")
        if isinstance(statement, Prepared):
            return self._execute_prepared(statement, parameters)
        cursor = self._core.execute(statement, parameters)
        if cursor.returns_rows:
            rows = cursor.all()
            return Result(rows, len(rows))
        return Result((), cursor.rowcount)

    def _execute_prepared(
        self,
        statement: Prepared,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
    ) -> Result:
        compiled = statement.compiled(POSTGRES, _COMPILER)
        if parameters is not None and not isinstance(parameters, Mapping):
            values = [compiled.bind(each) for each in parameters]
            await_only(self._raw.executemany(compiled.text, values))
            return Result((), -1)
        values = compiled.bind(parameters or {})
        if compiled.gives_rows:
            rows = compiled.rows(await_only(self._raw.fetch(compiled.text, *values)))
            return Result(rows, len(rows))
        status: str = await_only(self._raw.execute(compiled.text, *values))
        return Result((), int(status.rpartition(" ")[2]))
