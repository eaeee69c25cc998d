"""Postgres: any number of replicas, each with a pool of connections and one that listens.

Use cases run on SQLAlchemy's synchronous face of asyncpg, on the event loop. A transaction that
Postgres gives up because of others (deadlock, serialization) is repeated here, unseen by clients.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg
import msgspec
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runwright import failpoints
from runwright.core.backoff import anywhere_up_to, exponential
from runwright.errors import DatabaseError
from runwright.storage.engine import Transaction
from runwright.storage.errors import (
    QueryTooSlow,
    StorageFull,
    StorageInterrupted,
    StorageStopped,
    StorageUnavailable,
)
from runwright.storage.postgres_connection import POSTGRES, connection_of
from runwright.storage.postgres_identity import PostgresIdentity
from runwright.storage.postgres_notices import Notices
from runwright.storage.turns import Turns
from runwright.storage.types import json_text
from runwright.storage.waker import Waker

T = TypeVar("T")

#: What a driver, its adapter or the pool may raise.
_TROUBLE = (DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_UNREACHABLE = (InterfaceError, PoolTimeout, OSError, asyncpg.InterfaceError)
_MILLISECOND = timedelta(milliseconds=1)
_TO_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
_TO_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
#: A query begins among the short ones; one that takes longer begins anew among the long ones, of
#: which there are fewer at a time, so that they never have all connections.
_SHORT_QUERY = timedelta(milliseconds=250)
_LONG_QUERY = timedelta(seconds=10)
_LONG_AT_ONCE = 2
_LONG_WAITING = 16
_LONG_PATIENCE_S = 20.0
_TO_SURVEY = f"{_TO_READ}; SET LOCAL statement_timeout = 0"
_TO_READ_LONG = f"{_TO_READ}; SET LOCAL statement_timeout = {_LONG_QUERY // _MILLISECOND}"
#: As many as a connection keeps prepared.
_STATEMENTS = 512
_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_DISK_FULL = "53100"
_CANCELED = "57014"
#: No such database, schema or table: it was dropped, and perhaps made anew.
_GONE = frozenset({"3D000", "3F000", "42P01"})
#: Classes of states in which nothing is wrong with what was asked: no connection, too many of them,
#: shut down, starting up.
_AWAY = ("08", "53", "57P")
_TRIES = 8
#: Connections for writes, and for reads.
_POOL = 10
_READING = 7
_SHORT = timedelta(milliseconds=5)
_LONG = timedelta(milliseconds=200)


class PostgresStorage:
    """A Postgres database, shared with other replicas."""

    dialect = POSTGRES

    def __init__(self, url: str) -> None:
        self.waker = Waker()
        self._engine = _engine(url, _POOL)
        limit = {"statement_timeout": str(_SHORT_QUERY // _MILLISECOND)}
        self._reading = _engine(url, _READING, server_settings=limit)
        self._long = Turns(_LONG_AT_ONCE, _LONG_WAITING, _LONG_PATIENCE_S)
        self._surveying = asyncio.Semaphore(1)
        self._short = asyncio.Semaphore(_READING - _LONG_AT_ONCE - 1)
        self._identity = PostgresIdentity()
        self._identity.watch(self._engine)
        self._identity.watch(self._reading)
        self._notices = Notices(url, self.waker)
        self._stopped = True
        self._was_full = False

    async def start(self) -> None:
        try:
            async with connection_of(self._engine) as connection:
                await self._identity.learn(connection.raw)
        except _TROUBLE as error:
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
        await self._reading.dispose()

    def was_full(self) -> bool:
        was, self._was_full = self._was_full, False
        return was

    async def write(self, use_case: Callable[[Transaction], T]) -> T:
        topics: set[str] = set()

        async def attempt() -> T:
            topics.clear()
            async with (
                connection_of(self._engine) as connection,
                connection.transaction(_TO_WRITE),
            ):
                result = await connection.run(use_case, topics)
                if failpoints.ARMED:
                    failpoints.reach("before commit", use_case)
            return result

        result = await self._repeated(attempt)
        if failpoints.ARMED:
            failpoints.reach("after commit", use_case)
        self.waker.wake(topics)
        self._notices.tell_the_others(topics)
        return result

    async def jot(self, use_case: Callable[[Transaction], T]) -> T:
        return await self.write(use_case)

    async def read(self, query: Callable[[Transaction], T]) -> T:
        async def attempt() -> T:
            async with (
                self._short,
                connection_of(self._reading) as connection,
                connection.transaction(_TO_READ),
            ):
                return await connection.run(query, set(), _SHORT_QUERY)

        try:
            return await self._repeated(attempt)
        except StorageInterrupted:
            return await self._read_long(query)

    async def glance(self, query: Callable[[Transaction], T]) -> T:
        async def attempt() -> T:  # one statement is a transaction by itself
            async with self._short, connection_of(self._reading) as connection:
                return await connection.run(query, set(), _SHORT_QUERY)

        try:
            return await self._repeated(attempt)
        except StorageInterrupted:
            return await self._read_long(query)

    async def survey(self, query: Callable[[Transaction], T]) -> T:
        async def attempt() -> T:
            async with (
                self._surveying,
                connection_of(self._reading) as connection,
                connection.transaction(_TO_SURVEY),
            ):
                return await connection.run(query, set())

        return await self._repeated(attempt)

    async def _read_long(self, query: Callable[[Transaction], T]) -> T:
        async def attempt() -> T:
            async with (
                connection_of(self._reading) as connection,
                connection.transaction(_TO_READ_LONG),
            ):
                return await connection.run(query, set(), _LONG_QUERY)

        who = await self._long.take()
        try:
            return await self._repeated(attempt)
        except StorageInterrupted:
            raise QueryTooSlow.after(_LONG_QUERY.total_seconds()) from None
        finally:
            self._long.free(who)

    async def _repeated(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of a transaction, begun anew as long as it fails because of others."""
        tries = outdated = 0
        while True:
            self._refuse_when_stopped()
            try:
                return await attempt()
            except asyncpg.InvalidCachedStatementError as error:
                # A migration changed a table. Each connection learns that by itself, once.
                outdated += 1
                if outdated > _POOL:
                    raise _explained(error) from error
            except _TROUBLE as error:
                tries += 1
                if tries == _TRIES or not _may_repeat(error):
                    self._was_full |= _sqlstate(error) == _DISK_FULL
                    raise self._refusal(error) from error
                longest = exponential(tries, first=_SHORT, most=_LONG)
                await asyncio.sleep(anywhere_up_to(longest, random.random).total_seconds())

    def _refusal(self, error: BaseException) -> BaseException:
        state = _sqlstate(error)
        return self._identity.lost(str(error)) if state in _GONE else _explained(error)

    def _refuse_when_stopped(self) -> None:
        if self._stopped:
            raise StorageStopped("The control plane is stopping: try again in a moment.")


def _engine(url: str, size: int, **arguments: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=False,
        json_serializer=json_text,
        json_deserializer=msgspec.json.decode,
        isolation_level="AUTOCOMMIT",  # as far as it knows: see postgres_connection
        connect_args={"statement_cache_size": _STATEMENTS, **arguments},
    )


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None) or error, "sqlstate", None)


def _may_repeat(error: BaseException) -> bool:
    return _sqlstate(error) in {_SERIALIZATION_FAILURE, _DEADLOCK}


def _explained(error: BaseException) -> BaseException:
    """An error of the database in our words; refusals of a statement as they are."""
    if _sqlstate(error) == _DISK_FULL:
        return StorageFull(
            "The disk of the database is full. Nothing of this request was kept. Make space; the "
            "control plane goes on by itself."
        )
    if _sqlstate(error) == _CANCELED:
        return StorageInterrupted("The query took longer than it was given.")
    if isinstance(error, asyncpg.DataError):  # also of asyncpg's own, before anything was sent
        return error
    is_away = (_sqlstate(error) or "").startswith(_AWAY)
    lost = is_away or (isinstance(error, DBAPIError) and error.connection_invalidated)
    if lost or _may_repeat(error) or isinstance(error, _UNREACHABLE):
        return StorageUnavailable(f"The database does not answer: {error}. Try again.")
    if isinstance(error, OperationalError):
        return StorageUnavailable(f"The database cannot do this now: {error}. Try again.")
    return error
