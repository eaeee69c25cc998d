"""Postgres: any number of replicas, each with a pool of connections and one that listens.

Use cases run on SQLAlchemy's synchronous face of asyncpg, on the event loop. A transaction that
Postgres gives up because of others (deadlock, serialization) is repeated here, unseen by clients.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql import Executable

from runwright import failpoints
from runwright.core.backoff import anywhere_up_to, exponential
from runwright.errors import DatabaseError
from runwright.storage.dialect import Dialect
from runwright.storage.engine import Transaction
from runwright.storage.errors import StorageFull, StorageStopped, StorageUnavailable
from runwright.storage.postgres_notices import Notices
from runwright.storage.statements import Prepared, Result
from runwright.storage.types import json_text
from runwright.storage.waker import Waker

T = TypeVar("T")

POSTGRES = Dialect("postgresql")
_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_DISK_FULL = "53100"
#: Classes of states in which nothing is wrong with what was asked: no connection, too many of them,
#: shut down, starting up.
_AWAY = ("08", "53", "57P")
_TRIES = 8
_POOL = 10
_SHORT = timedelta(milliseconds=5)
_LONG = timedelta(milliseconds=200)


class PostgresTransaction:
    """Statements on a connection whose transaction somebody else begins and ends."""

    dialect = POSTGRES

    def __init__(self, connection: Connection, topics: set[str]) -> None:
        self._connection = connection
        self._topics = topics
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        if self._now is None:
            clock = select(func.clock_timestamp())
            self._now = cast("datetime", self._connection.execute(clock).scalar_one())
        return self._now

    def wake(self, topic: str) -> None:
        self._topics.add(topic)

    def execute(
        self,
        statement: Executable | Prepared,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> Result:
        if isinstance(statement, Prepared):
            statement, parameters = statement.complete(POSTGRES, parameters)
        cursor = self._connection.execute(statement, parameters)
        if cursor.returns_rows:
            rows = cursor.all()
            return Result(rows, len(rows))
        return Result((), cursor.rowcount)


class PostgresStorage:
    """A Postgres database, shared with other replicas."""

    dialect = POSTGRES

    def __init__(self, url: str) -> None:
        self.waker = Waker()
        self._engine = create_async_engine(
            url,
            pool_size=_POOL,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=False,
            json_serializer=json_text,
            json_deserializer=msgspec.json.decode,
            isolation_level="READ COMMITTED",
        )
        self._notices = Notices(url, self.waker)
        self._stopped = True
        self._was_full = False

    async def start(self) -> None:
        try:
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, OSError) as error:
            await self._engine.dispose()
            raise DatabaseError(
                f"The database {self._engine.url.render_as_string()} cannot be reached: {error}. "
                "Check its address, name and password."
            ) from error
        await self._notices.start()
        self._stopped = False

    async def stop(self) -> None:
        self._stopped = True
        self.waker.close()
        await self._notices.stop()
        await self._engine.dispose()

    def was_full(self) -> bool:
        was, self._was_full = self._was_full, False
        return was

    async def write(self, use_case: Callable[[Transaction], T]) -> T:
        for number in range(1, _TRIES + 1):
            self._refuse_when_stopped()
            topics: set[str] = set()
            try:
                async with self._engine.begin() as connection:
                    result = await connection.run_sync(
                        lambda core, topics=topics: use_case(PostgresTransaction(core, topics))
                    )
                    if failpoints.ARMED:
                        failpoints.reach("before commit", use_case)
            except (DBAPIError, PoolTimeout, OSError) as error:
                if number == _TRIES or not _may_repeat(error):
                    self._was_full |= _sqlstate(error) == _DISK_FULL
                    raise _explained(error) from error
                longest = exponential(number, first=_SHORT, most=_LONG)
                await asyncio.sleep(anywhere_up_to(longest, random.random).total_seconds())
                continue
            if failpoints.ARMED:
                failpoints.reach("after commit", use_case)
            self.waker.wake(topics)
            self._notices.tell_the_others(topics)
            return result
        raise AssertionError("unreachable")

    async def jot(self, use_case: Callable[[Transaction], T]) -> T:
        return await self.write(use_case)

    async def read(self, query: Callable[[Transaction], T]) -> T:
        self._refuse_when_stopped()
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                return await connection.run_sync(
                    lambda core: query(PostgresTransaction(core, set()))
                )
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise _explained(error) from error

    async def glance(self, query: Callable[[Transaction], T]) -> T:
        return await self.read(query)

    def _refuse_when_stopped(self) -> None:
        if self._stopped:
            raise StorageStopped("The control plane is stopping: try again in a moment.")


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _may_repeat(error: BaseException) -> bool:
    return _sqlstate(error) in {_SERIALIZATION_FAILURE, _DEADLOCK}


def _explained(error: BaseException) -> BaseException:
    """An error of the database in our words; refusals of a statement as they are."""
    if _sqlstate(error) == _DISK_FULL:
        return StorageFull(
            "The disk of the database is full. Nothing of this request was kept. Make space; the "
            "control plane goes on by itself."
        )
    is_away = (_sqlstate(error) or "").startswith(_AWAY)
    lost = is_away or (isinstance(error, DBAPIError) and error.connection_invalidated)
    if lost or _may_repeat(error) or isinstance(error, InterfaceError | PoolTimeout | OSError):
        return StorageUnavailable(f"The database does not answer: {error}. Try again.")
    if isinstance(error, OperationalError):
        return StorageUnavailable(f"The database cannot do this now: {error}. Try again.")
    return error
