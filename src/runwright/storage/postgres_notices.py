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
#: A connection that broke without a word is found out after this long.
_PROBE_S = 15.0
_PATIENCE_S = 10
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
            except Exception as error:  # noqa: BLE001  # a replica must not stay deaf, whatever it was
                _log.warning("The database's notices are interrupted: %s. Trying again.", error)
            await asyncio.sleep(_RECONNECT_S)

    async def _listen_and_tell(self) -> None:
        connection = await self._connect()
        try:
            connection.add_termination_listener(lambda _: self._something_untold.set())
            await connection.add_listener(_CHANNEL, self._heard)
            self._waker.wake_all()  # of what was told meanwhile, nothing was heard
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PROBE_S):
                        await self._something_untold.wait()
                await asyncio.sleep(_BUNDLE_S)
                self._something_untold.clear()
                await self._tell(connection)
        finally:
            await _close(connection)

    async def _connect(self) -> Any:
        connecting = asyncio.create_task(asyncpg.connect(self._dsn, timeout=_PATIENCE_S))
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:  # half a connection would be left to nobody
            with suppress(Exception):
                await _close(await asyncio.wait_for(connecting, 1))
            raise

    async def _tell(self, connection: Any) -> None:
        """Tell what is untold. With nothing to tell this finds out whether anybody is there."""
        topics = self._untold.copy()
        payload = "\n".join(topics)
        if len(payload.encode()) > _MOST_BYTES:
            payload = _EVERYTHING
        if topics:
            notify = "SELECT pg_notify($1, $2)"
            await connection.execute(notify, _CHANNEL, payload, timeout=_PATIENCE_S)
        else:
            await connection.execute("SELECT 1", timeout=_PATIENCE_S)
        self._untold -= topics

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload == _EVERYTHING:
            self._waker.wake_all()
        else:
            self._waker.wake(payload.split("\n"))


async def _close(connection: Any) -> None:
    with suppress(Exception):  # it is given up anyway
        await connection.close(timeout=1)
