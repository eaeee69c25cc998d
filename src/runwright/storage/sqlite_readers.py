"""Reading a SQLite file beside its writer: short queries first, and a deadline for each.

A query begins in the lane for short ones. When its time there is over it is interrupted and begins
anew in the next lane, which has threads of its own. So a long query never keeps a short one
waiting, and how long a query takes need not be known beforehand. What the restarts waste is a small
part of what the query costs in the end.
"""

import asyncio
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from sqlalchemy.exc import OperationalError

from runwright.storage.engine import Transaction
from runwright.storage.errors import QueryTooSlow, StorageCrowded, StorageInterrupted
from runwright.storage.sqlite_connection import SqliteConnection, SqliteTransaction
from runwright.storage.sqlite_errors import explained
from runwright.storage.turns import ASKER, Turns

T = TypeVar("T")


class Lane(NamedTuple):
    """How many queries run at once, and how long each may take."""

    name: str
    threads: int
    #: Seconds that a query has. While others wait in the lane it has less, down to the second.
    longest: float
    shortest: float
    #: More are refused.
    most_waiting: int
    #: Seconds for which one may wait for its turn.
    patience: float
    #: Instructions of SQLite's machine, a hundred a microsecond, after which the clock is looked
    #: at. Each look takes the interpreter's lock from whoever has it.
    look_every: int


#: Long queries are work for a core each; the others are for the event loop and the writer.
_LONG_AT_ONCE = min(4, max(1, (os.cpu_count() or 1) - 1))
LANES = (
    Lane("short", 2, 0.05, 0.005, 20_000, math.inf, 20_000),
    Lane("medium", 1, 0.5, 0.1, 256, 30.0, 100_000),
    Lane("long", _LONG_AT_ONCE, 10.0, 10.0, 16, 20.0, 200_000),
)
#: For the duties of the server itself.
_BACKGROUND = Lane("background", 1, math.inf, math.inf, 256, math.inf, 200_000)
#: Seconds on the event loop after which a glance becomes a read, and instructions between looks.
_GLANCE = 0.002
_LOOK_AT_GLANCE = 5_000


class SqliteReaders:
    """Connections that only read. `connect` opens one more, which looks at the clock so often."""

    def __init__(
        self,
        connect: Callable[[int], SqliteConnection],
        now: Callable[[], datetime],
        lanes: tuple[Lane, ...] = LANES,
    ) -> None:
        self._connect = connect
        self._now = now
        self._lanes = tuple(_Running(lane) for lane in lanes)
        self._background = _Running(_BACKGROUND)
        self._of_thread = threading.local()
        self._connections: list[SqliteConnection] = []
        #: Used on the event loop.
        self._glancing: SqliteConnection | None = None
        self._is_stopped = False

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run it in one lane after another, until it is answered.

        Raises:
            QueryTooSlow: it took longer than any lane allows.
            StorageCrowded: too many long queries wait already.
        """
        for lane in self._lanes if ASKER.get().is_brief else self._lanes[1:]:
            with suppress(StorageInterrupted):
                return await lane.run(partial(self._read, query, lane.lane.look_every))
        raise QueryTooSlow.after(self._lanes[-1].lane.longest)

    async def survey(self, query: Callable[[Transaction], T]) -> T:
        """Run it however long it takes, one at a time."""
        return await self._background.run(partial(self._read, query, _BACKGROUND.look_every))

    async def glance(self, query: Callable[[Transaction], T]) -> T:
        """Run it here and now; in the lanes, when that takes longer than it should."""
        if not ASKER.get().is_brief:
            return await self.read(query)
        connection = self._glancing
        if connection is None:
            connection = self._glancing = self._opened(_LOOK_AT_GLANCE)
        try:
            return self._read_on(connection, query, time.monotonic() + _GLANCE)
        except StorageInterrupted:
            return await self.read(query)

    async def stop(self) -> None:
        """Interrupt what runs, and close."""
        self._is_stopped = True
        for connection in self._connections:
            connection.until = -math.inf
        for lane in (*self._lanes, self._background):
            await asyncio.to_thread(lane.executor.shutdown)
        for connection in self._connections:
            connection.close()

    def _opened(self, look_every: int) -> SqliteConnection:
        connection = self._connect(look_every)
        self._connections.append(connection)
        return connection

    def _read(self, query: Callable[[Transaction], T], look_every: int, until: float) -> T:
        connection: SqliteConnection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._opened(look_every)
        return self._read_on(connection, query, until)

    def _read_on(
        self, connection: SqliteConnection, query: Callable[[Transaction], T], until: float
    ) -> T:
        try:
            connection.raw.execute("BEGIN")
            connection.until = -math.inf if self._is_stopped else until
            return query(SqliteTransaction(connection, self._now(), set()))
        except (sqlite3.Error, OperationalError) as error:
            raise explained(error) from error
        finally:
            connection.until = math.inf
            if connection.raw.in_transaction:
                connection.raw.execute("ROLLBACK")


class _Running:
    """A lane, and who is in it."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.executor = ThreadPoolExecutor(lane.threads, f"sqlite-read-{lane.name}")
        #: Keys share what is scarce. Where queries are short, whoever comes first is first.
        self._turns = None
        if lane.patience < math.inf:
            self._turns = Turns(lane.threads, lane.most_waiting, lane.patience)
        #: Queries that no thread has begun.
        self._waiting = 0
        self._counting = threading.Lock()

    async def run(self, read: Callable[[float], T]) -> T:
        """Give the query a thread, and the time that it may take there."""
        if self._turns is None:
            return await self._answer(self._submit(read))
        turns, loop = self._turns, asyncio.get_running_loop()
        who = await turns.take()
        answer = self._submit(read)

        def free(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(turns.free, who)

        # Whoever asked may go away before: the place is taken until the thread has finished.
        answer.add_done_callback(free)
        return await self._answer(answer)

    def _submit(self, read: Callable[[float], T]) -> Future[T]:
        lane = self.lane
        if self._waiting >= lane.most_waiting:
            raise StorageCrowded.of(self._waiting)
        self._count(1)

        def in_thread() -> T:
            self._count(-1)
            waiting = self._waiting + (0 if self._turns is None else self._turns.waiting)
            return read(time.monotonic() + max(lane.shortest, lane.longest / max(1, waiting)))

        return self.executor.submit(in_thread)

    async def _answer(self, answer: Future[T]) -> T:
        try:
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            if answer.cancel():  # no thread has taken it, and none will
                self._count(-1)
            raise

    def _count(self, change: int) -> None:
        with self._counting:
            self._waiting += change
