"""SQLite: one thread writes, a few read, and nobody ever meets a locked database.

Group commit: all use cases that arrive while one commit is being written share the next. Each runs
in a SAVEPOINT of its own, so that one that fails takes nothing away from the others; each is
answered after the COMMIT.
"""

import asyncio
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.exc import OperationalError

from runwright import failpoints
from runwright.clock import SteadyClock, SystemClock
from runwright.core.clock import Clock
from runwright.errors import DatabaseError
from runwright.storage.engine import Transaction
from runwright.storage.errors import (
    StorageError,
    StorageFull,
    StorageInterrupted,
    StorageStopped,
    StorageUnavailable,
)
from runwright.storage.sqlite_connection import SQLITE, SqliteConnection, SqliteTransaction
from runwright.storage.waker import Waker

T = TypeVar("T")

_MOST_IN_ONE_COMMIT = 512
_READERS = 2
#: Seconds on the event loop after which a glance becomes a read.
_GLANCE = 0.002


class _Write(NamedTuple):
    use_case: Callable[[Transaction], Any]
    answer: "asyncio.Future[Any]"
    is_brief: bool


class _Outcome(NamedTuple):
    """What to tell the one who waits for a write."""

    answer: "asyncio.Future[Any]"
    result: Any
    error: BaseException | None


class _Batch:
    """Writes that are committed together, or not at all."""

    def __init__(self, writes: list[_Write]) -> None:
        self.writes = writes
        self.is_brief = all(write.is_brief for write in writes)
        self.is_begun = False
        self.outcomes: list[_Outcome] = []
        self.topics: set[str] = set()

    def fail(self, error: BaseException) -> None:
        """Nothing of it was kept."""
        self.topics.clear()
        self.outcomes = [_Outcome(write.answer, None, error) for write in self.writes]


class SqliteStorage:
    """A database file that this process alone writes."""

    dialect = SQLITE

    def __init__(self, path: str, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = SteadyClock(clock or SystemClock())
        self.waker = Waker()
        self._was_full = False
        #: For the next batch. One batch at a time has the connection.
        self._waiting: list[_Write] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: SqliteConnection | None = None
        self._writer: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="sqlite-read")
        self._read_connections: list[SqliteConnection] = []
        self._of_thread = threading.local()
        #: Used on the event loop.
        self._glancing: SqliteConnection | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._connection = await asyncio.to_thread(self._open)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(
                f"The database {self._path} cannot be opened: {error}. Check that its folder "
                "exists and can be written."
            ) from error
        self._writer = threading.Thread(
            target=self._write_until_stopped, name="sqlite-write", daemon=True
        )
        self._writer.start()

    async def stop(self) -> None:
        self.waker.close()
        writer, self._writer = self._writer, None
        if writer is None:
            return
        await self._idle.wait()
        self._batches.put(None)
        await asyncio.to_thread(writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._read_connections:
            connection.close()

    def was_full(self) -> bool:
        was, self._was_full = self._was_full, False
        return was

    async def write(self, use_case: Callable[[Transaction], T]) -> T:
        return await self._write(use_case, is_brief=False)

    async def jot(self, use_case: Callable[[Transaction], T]) -> T:
        return await self._write(use_case, is_brief=True)

    async def _write(self, use_case: Callable[[Transaction], T], *, is_brief: bool) -> T:
        if self._writer is None or self._loop is None:
            raise StorageStopped("The control plane is stopping: try again in a moment.")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(_Write(use_case, answer, is_brief))
        if self._idle.is_set():
            self._idle.clear()
            self._loop.call_soon(self._begin)  # with whatever else this turn of the loop brings
        return await answer

    async def read(self, query: Callable[[Transaction], T]) -> T:
        if self._writer is None or self._loop is None:
            raise StorageStopped("The control plane is stopping: try again in a moment.")
        return await self._loop.run_in_executor(self._readers, self._read, query)

    async def glance(self, query: Callable[[Transaction], T]) -> T:
        # A thread would cost more than the query: two ways through the event loop, and the wait
        # for an interpreter that runs one thread at a time.
        if self._writer is None or self._loop is None:
            raise StorageStopped("The control plane is stopping: try again in a moment.")
        connection = self._glancing
        if connection is None:
            connection = self._glancing = SqliteConnection(self._path, read_only=True)
            self._read_connections.append(connection)
        try:
            return self._read_on(connection, query, time.monotonic() + _GLANCE)
        except StorageInterrupted:
            return await self.read(query)

    def _open(self) -> SqliteConnection:
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        return SqliteConnection(self._path)

    def _read(self, query: Callable[[Transaction], T]) -> T:
        connection: SqliteConnection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = SqliteConnection(self._path, read_only=True)
            self._of_thread.connection = connection
            self._read_connections.append(connection)
        return self._read_on(connection, query, math.inf)

    def _read_on(
        self, connection: SqliteConnection, query: Callable[[Transaction], T], until: float
    ) -> T:
        try:
            connection.raw.execute("BEGIN")
            connection.until = until
            return query(SqliteTransaction(connection, self._clock.now(), set()))
        except (sqlite3.OperationalError, OperationalError) as error:
            raise _explained(error) from error
        finally:
            connection.until = math.inf
            if connection.raw.in_transaction:
                connection.raw.execute("ROLLBACK")

    def _begin(self) -> None:
        """Begin the next batch. Short ones are carried out here, and only their commit waits for
        the disk in the other thread: Python runs one thread at a time, and with every statement
        the two would wait for each other."""
        batch = _Batch(self._waiting[:_MOST_IN_ONE_COMMIT])
        del self._waiting[:_MOST_IN_ONE_COMMIT]
        if batch.is_brief and self._connection is not None:
            self._carry_out(batch)
        self._batches.put(batch)

    def _write_until_stopped(self) -> None:
        while (batch := self._batches.get()) is not None:
            if not batch.is_begun:
                self._carry_out(batch)
            self._commit(batch)
            if self._loop is not None:
                with suppress(RuntimeError):  # the loop is closed: nobody waits
                    self._loop.call_soon_threadsafe(self._answer, batch)
        if self._connection is not None:
            self._connection.close()

    def _carry_out(self, batch: _Batch) -> None:
        batch.is_begun = True
        try:
            if self._connection is None:
                self._connection = self._open()
            raw = self._connection.raw
            raw.execute("BEGIN IMMEDIATE")
            for write in batch.writes:
                batch.outcomes.append(self._run(write, self._connection, batch.topics))
                if not raw.in_transaction:  # SQLite itself gave the whole transaction up
                    raise _lost(batch.outcomes[-1])
        except (sqlite3.Error, StorageError, OSError) as error:
            batch.fail(_explained(error))
            self._recover()

    def _commit(self, batch: _Batch) -> None:
        if self._connection is None:  # it failed
            return
        _pass_failpoints("before commit", batch)
        try:
            self._connection.raw.execute("COMMIT")
        except sqlite3.Error as error:
            batch.fail(_explained(error))
            self._recover()
        _pass_failpoints("after commit", batch)

    def _run(self, write: _Write, connection: SqliteConnection, topics: set[str]) -> _Outcome:
        raw = connection.raw
        mine: set[str] = set()
        raw.execute("SAVEPOINT use_case")
        try:
            result = write.use_case(SqliteTransaction(connection, self._clock.now(), mine))
        except BaseException as error:  # noqa: BLE001  # it belongs to whoever waits for it
            if raw.in_transaction:
                raw.execute("ROLLBACK TO use_case")
                raw.execute("RELEASE use_case")
            return _Outcome(write.answer, None, _explained(error))
        raw.execute("RELEASE use_case")
        topics |= mine
        return _Outcome(write.answer, result, None)

    def _recover(self) -> None:
        """Leave nothing half done behind; after errors of the file, begin with a new connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(sqlite3.Error):
            if connection.raw.in_transaction:
                connection.raw.execute("ROLLBACK")
        with suppress(sqlite3.Error):
            connection.close()

    def _answer(self, batch: _Batch) -> None:
        if self._waiting:
            self._begin()
        else:
            self._idle.set()
        for answer, result, error in batch.outcomes:
            self._was_full |= isinstance(error, StorageFull)
            if answer.done():  # whoever asked has gone away
                continue
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)
        self.waker.wake(batch.topics)


def _pass_failpoints(stage: str, batch: _Batch) -> None:
    if failpoints.ARMED:
        for write in batch.writes:
            failpoints.reach(stage, write.use_case)


def _lost(last: _Outcome) -> StorageError:
    if isinstance(last.error, StorageError):
        return last.error
    return StorageUnavailable(f"SQLite gave up the transaction: {last.error}.")


def _explained(error: BaseException) -> BaseException:
    """An error of the database in our words; errors of the use case as they are."""
    if isinstance(error, OperationalError):
        error = error.orig or error
    if not isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError | OSError):
        return error
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return error
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_INTERRUPT":
        return StorageInterrupted("The query took longer than it was given.")
    if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR"):
        return StorageFull(
            f"The database cannot be written: {error}. Nothing of this request was kept. Make "
            "space on its disk; the control plane goes on by itself."
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return StorageUnavailable(f"The database does not answer: {error}. Try again.")
    return error
