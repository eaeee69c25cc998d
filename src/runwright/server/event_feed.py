"""New events, to everybody who listens: one look at the database serves all listeners."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from runwright.api.events import EventFilter, ReceivedEvent
from runwright.server.listener import Listener, frame_of
from runwright.server.problems import log
from runwright.storage.engine import Storage, Transaction
from runwright.storage.errors import StorageError
from runwright.storage.events import events_since
from runwright.storage.moves import EVENTS

#: How often it looks without having been woken, and at least pauses between two looks.
_LOOK_AGAIN_S, _PAUSE_S = 1.0, 0.02
#: How late an event may arrive, by the clock of who told it, and still be passed on. Every look
#: allows for a little; one in a while for all of it.
_LATE, _LATEST = timedelta(seconds=2), timedelta(seconds=30)
_LONG_LOOK_EVERY = timedelta(seconds=5)
_MOST_SEEN = 100_000


class EventFeed:
    """Looks for new events while anybody listens. One for each replica."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._listeners: set[Listener] = set()
        self._seen: OrderedDict[UUID, None] = OrderedDict()
        self._looked_at: datetime | None = None
        self._looked_long_at: datetime | None = None
        self._has_looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __iter__(self) -> Iterator[Listener]:
        """Who listens."""
        return iter(tuple(self._listeners))

    @asynccontextmanager
    async def listen(self, wanted: EventFilter) -> AsyncIterator[Listener]:
        """Hear of every event that the filter wants and that is not stored yet."""
        listener = Listener(wanted)
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._seen.clear()
            self._looked_at = self._looked_long_at = None
            self._has_looked.clear()
            self._task = asyncio.create_task(self._run(), name="event-feed")
        try:
            await self._has_looked.wait()
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _run(self) -> None:
        with self._storage.waker.watch([EVENTS]) as watch:
            while not self._storage.waker.is_closed:
                await self._try_to_look()
                await asyncio.sleep(_PAUSE_S)
                await watch.wait(_LOOK_AGAIN_S)
        self._has_looked.set()

    async def _try_to_look(self) -> None:
        try:
            await self._look()
        except StorageError as error:  # it is away for a moment: nothing is lost by waiting
            log.debug("the feed of events looks again: %s", error)
        except Exception:  # noqa: BLE001  # those who listen would hear nothing more, and not know
            log.exception("The feed of events failed, and looks again.")
        else:
            self._has_looked.set()

    async def _look(self) -> None:
        """Pass on what is new. What was there before anybody listened is not."""
        is_first = self._looked_at is None
        for each in await self._storage.read(self._found):
            if each.id in self._seen:
                continue
            self._seen[each.id] = None
            if not is_first:
                self._tell(each)
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)

    def _tell(self, event: ReceivedEvent) -> None:
        frame = cache(lambda: frame_of(event))  # made once, if anybody wants it
        for listener in self:
            listener.hear(event, frame)

    def _found(self, tx: Transaction) -> list[ReceivedEvent]:
        now = tx.now
        before, long_before = self._looked_at, self._looked_long_at
        is_long = long_before is None or now - long_before > _LONG_LOOK_EVERY
        since = now - _LATEST if is_long or before is None else before - _LATE
        found = events_since(tx, since)
        self._looked_at = now
        if is_long:
            self._looked_long_at = now
        return found
