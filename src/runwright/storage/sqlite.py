"""SQLite: one thread writes, a few read, and nobody ever meets a locked database.

Group commit: all use cases that arrive while one commit is being written share the next. Each runs
in a SAVEPOINT of its own, so that one that fails takes nothing away from the others; each is
answered after the COMMIT.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from runwright import failpoints
from runwright.clock import SteadyClock, SystemClock, new_id
from runwright.core.clock import Clock
from runwright.errors import DatabaseError
from runwright.storage.engine import Transaction
from runwright.storage.errors import (
    StorageError,
    StorageFull,
    StorageLost,
    StorageStopped,
    StorageUnavailable,
)
from runwright.storage.sqlite_connection import (
    BUSY_TIMEOUT_MS,
    CHECKPOINT_AFTER,
    SQLITE,
    SqliteConnection,
    SqliteTransaction,
)
from runwright.storage.sqlite_errors import explained
from runwright.storage.sqlite_file import SqliteFile
from runwright.storage.sqlite_readers import SqliteReaders
from runwright.storage.sqlite_watch import SqliteWatch
from runwright.storage.waker import Waker

T = TypeVar("T")

_MOST_IN_ONE_COMMIT = 512
#: How long writes wait at most for readers to let go of a log that is to be cut.
_CUT_PATIENCE_MS = 20


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
        self.is_brief = all(write.is_brief for write in writes) and bool(writes)
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
        self._file = SqliteFile(path)
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
        self._readers = SqliteReaders(self._connect, self._clock.now)
        self._watch = SqliteWatch(self._file, self._shorten_log)
        #: Whether the next batch is followed by cutting the log.
        self._is_log_to_cut = False
        self._checkpoint_after = CHECKPOINT_AFTER

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._connection = await asyncio.to_thread(self._open)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(
                f"The database {self._file.path} cannot be opened: {error}. Check that its folder "
                "exists and can be written."
            ) from error
        self._watch.start()
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
        await asyncio.to_thread(self._watch.stop)
        await asyncio.to_thread(writer.join)
        await self._readers.stop()
        self._file.close()

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
        self._check_readable()
        return await self._readers.read(query)

    async def survey(self, query: Callable[[Transaction], T]) -> T:
        self._check_readable()
        return await self._readers.survey(query)

    async def glance(self, query: Callable[[Transaction], T]) -> T:
        # A thread would cost more than the query: two ways through the event loop, and the wait
        # for an interpreter that runs one thread at a time.
        self._check_readable()
        return await self._readers.glance(query)

    def _check_readable(self) -> None:
        if self._writer is None:
            raise StorageStopped("The control plane is stopping: try again in a moment.")
        self._watch.check()

    def _open(self) -> SqliteConnection:
        self._file.open()
        return self._connect_writer()

    def _connect_writer(self) -> SqliteConnection:
        self._file.check()
        connection = SqliteConnection(self._file.path)
        (number,) = connection.raw.execute("PRAGMA user_version").fetchone()
        if not number:  # a database gets one when it is first opened, and keeps it in all copies
            number = new_id().int & 0x7FFF_FFFF or 1
            connection.raw.execute(f"PRAGMA user_version={number}")
        self._file.connected(number)
        return connection

    def _connect(self, look_every: int) -> SqliteConnection:
        """One more that only reads."""
        self._file.check()
        return SqliteConnection(self._file.path, look_every=look_every)

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
            self._tend_log()
            if self._loop is not None:
                with suppress(RuntimeError):  # the loop is closed: nobody waits
                    self._loop.call_soon_threadsafe(self._answer, batch)
        if self._connection is not None:
            self._connection.close()

    def _carry_out(self, batch: _Batch) -> None:
        batch.is_begun = True
        if not batch.writes:  # what is to be done comes after the commit
            return
        try:
            self._watch.check()
            if self._connection is None:
                self._connection = self._connect_writer()
                self._checkpoint_after = CHECKPOINT_AFTER
            raw = self._connection.raw
            raw.execute("BEGIN IMMEDIATE")
            for write in batch.writes:
                batch.outcomes.append(self._run(write, self._connection, batch.topics))
                if not raw.in_transaction:  # SQLite itself gave the whole transaction up
                    raise _lost(batch.outcomes[-1])
        except (sqlite3.Error, StorageError, OSError) as error:
            batch.fail(explained(error))
            self._recover()

    def _commit(self, batch: _Batch) -> None:
        if self._connection is None or not self._connection.raw.in_transaction:  # it failed
            return
        _pass_failpoints("before commit", batch)
        try:
            self._watch.look()  # a commit into a file that is gone would be an answer without it
            self._connection.raw.execute("COMMIT")
        except StorageLost as error:
            self._connection.raw.execute("ROLLBACK")
            batch.fail(error)
        except sqlite3.Error as error:
            batch.fail(explained(error))
            self._recover()
        _pass_failpoints("after commit", batch)

    def _shorten_log(self) -> None:
        """Cut the log after the next commit, or now where nobody writes. From any thread."""
        loop = self._loop
        if loop is not None:
            self._is_log_to_cut = True
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._begin_when_idle)

    def _begin_when_idle(self) -> None:
        if self._writer is not None and self._idle.is_set():
            self._idle.clear()
            self._begin()

    def _tend_log(self) -> None:
        """Who copies the log into the database: the writer itself, or while it is large another
        thread; what is left to the writer then is to cut it, while nobody reads from it.
        """
        connection = self._connection
        if connection is None:
            return
        wanted = 0 if self._watch.log_is_large else CHECKPOINT_AFTER
        with suppress(sqlite3.Error):  # a reader is in the way: the next time
            if wanted != self._checkpoint_after:
                self._checkpoint_after = wanted
                connection.raw.execute(f"PRAGMA wal_autocheckpoint={wanted}")
            if self._is_log_to_cut:
                self._is_log_to_cut = False
                connection.raw.execute(f"PRAGMA busy_timeout={_CUT_PATIENCE_MS}")
                connection.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")

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
            return _Outcome(write.answer, None, explained(error))
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
