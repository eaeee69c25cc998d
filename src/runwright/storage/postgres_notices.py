"""Wake-ups between replicas: LISTEN on one connection, NOTIFY in bundles.

NOTIFY inside a transaction makes all commits queue up behind one lock. So topics are told after the
commit, a few milliseconds' worth at a time. A notice that is lost (a replica dies, a connection
breaks) costs nothing but time: every waiter looks again after a while.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import asyncpg

from runwright.storage.waker import Waker

_CHANNEL = "runwright"
_BUNDLE_S = 0.005
_RECONNECT_S = 1.0
#: Postgres takes payloads of less than 8,000 bytes.
_MOST_BYTES = 7_000
_EVERYTHING = "*"

_log = logging.getLogger(__name__)


class Notices:
    """The connection that listens, and the topics not told yet."""

    def __init__(self, url: str, waker: Waker) -> None:
        self._dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._waker = waker
        self._untold: set[str] = set()
        self._something_untold = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="postgres-notices")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def tell_the_others(self, topics: set[str]) -> None:
        """Wake the waiters of other replicas soon."""
        if topics:
            self._untold |= topics
            self._something_untold.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen_and_tell()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("The database's notices are interrupted: %s. Trying again.", error)
            await asyncio.sleep(_RECONNECT_S)

    async def _listen_and_tell(self) -> None:
        connection: Any = await asyncpg.connect(self._dsn)
        try:
            await connection.add_listener(_CHANNEL, self._heard)
            while True:
                await self._something_untold.wait()
                await asyncio.sleep(_BUNDLE_S)
                self._something_untold.clear()
                topics, self._untold = self._untold, set()
                payload = "\n".join(topics)
                if len(payload.encode()) > _MOST_BYTES:
                    payload = _EVERYTHING
                await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, payload)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload == _EVERYTHING:
            self._waker.wake_all()
        else:
            self._waker.wake(payload.split("\n"))
