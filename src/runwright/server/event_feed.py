"""New events, to everybody who listens: one look at the database serves all listeners."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from uuid import UUID

from runwright.api.events import EventFilter
from runwright.server.listener import Listener, frame_of
from runwright.server.problems import log
from runwright.storage.arrivals import Arrival, arrivals_since, arrived_events
from runwright.storage.engine import Storage, Transaction
from runwright.storage.errors import StorageError
from runwright.storage.moves import EVENTS

#: How often it looks without having been woken, and at least pauses between two looks.
_LOOK_AGAIN_S, _PAUSE_S = 1.0, 0.02
#: What commits late was marked as stored before. So every look goes back a little, and one in a
#: while as far as a transaction may take.
_LATE, _LATEST = timedelta(seconds=2), timedelta(seconds=30)
_LONG_LOOK_EVERY = timedelta(seconds=5)
#: How many are found, and how many are read and passed on, at once.
_MOST_FOUND, _MOST_AT_ONCE = 10_000, 200


class EventFeed:
    """Looks for new events while anybody listens. One for each replica."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._listeners: set[Listener] = set()
        #: What was passed on, and when it was stored; as far back as it may be found again.
        self._seen: OrderedDict[UUID, datetime] = OrderedDict()
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
        is_first, rest, now = self._looked_at is None, None, None
        while now is None or rest is not None:
            found, rest, read_at = await self._storage.read(partial(self._found, rest))
            now = now or read_at
            new = [each for each in found if each.id not in self._seen]
            if is_first:
                self._seen.update((each.id, each.at) for each in new)
                continue
            for first in range(0, len(new), _MOST_AT_ONCE):
                await self._pass_on(new[first : first + _MOST_AT_ONCE])
                await asyncio.sleep(0)  # so that those who listen can send
        if self._is_long(now):
            self._looked_long_at = now
        self._looked_at = now
        self._forget(now - 2 * _LATEST)

    def _found(
        self, since: datetime | None, tx: Transaction
    ) -> tuple[list[Arrival], datetime | None, datetime]:
        now = tx.now
        if since is None:
            looked_at = min(self._looked_at or now, now)  # the clock may have been set back
            since = looked_at - (_LATEST if self._is_long(now) else _LATE)
        return *arrivals_since(tx, since, _MOST_FOUND), now

    def _is_long(self, now: datetime) -> bool:
        before = self._looked_long_at
        return before is None or not timedelta(0) <= now - before <= _LONG_LOOK_EVERY

    async def _pass_on(self, new: Sequence[Arrival]) -> None:
        try:
            events = await self._storage.read(lambda tx: arrived_events(tx, new))
        except StorageError:
            raise
        except Exception:
            if len(new) == 1:  # it is passed over: the others come after it
                self._seen[new[0].id] = new[0].at
                raise
            for each in new:
                await self._pass_on([each])
            return
        self._seen.update((each.id, each.at) for each in new)
        for event in events:
            frame = cache(partial(frame_of, event))  # made once, if anybody wants it
            for listener in self:
                listener.hear(event, frame)

    def _forget(self, until: datetime) -> None:
        while self._seen and next(iter(self._seen.values())) < until:
            self._seen.popitem(last=False)
