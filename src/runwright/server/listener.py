"""One who listens to events, and what waits for it."""

import asyncio
from collections import deque
from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec.structs import replace

from runwright.api.events import EventFilter, ReceivedEvent

#: What may wait for one listener: so many events, and so many characters.
_MOST_WAITING, _MOST_WAITING_SIZE = 5_000, 16_000_000


class TooSlow(Exception):
    """Who listens does not take what comes as fast as it comes. Says so in a sentence."""


class Listener:
    """One who listens. What waits for it is bounded; beyond that it is told that it is too slow.

    What comes now is new, even if it happened before the first instant that the filter wants.
    """

    def __init__(self, wanted: EventFilter) -> None:
        self.wanted = whenever(wanted)
        self._waiting: deque[tuple[UUID, str]] = deque()
        self._size = 0
        self.is_too_slow = False
        self._something = asyncio.Event()

    def hear(self, event: ReceivedEvent, frame: Callable[[], str]) -> None:
        """Keep the event for it, if it wants it."""
        if self.is_too_slow or not self.wanted.takes(event):
            return
        text = frame()
        self._waiting.append((event.id, text))
        self._size += len(text)
        if len(self._waiting) > _MOST_WAITING or self._size > _MOST_WAITING_SIZE:
            self.is_too_slow = True
            self._waiting.clear()
        self._something.set()

    async def next(self) -> tuple[UUID, str]:
        """The id and the frame of the next event, once there is one.

        Raises:
            TooSlow: it left too many waiting; what it has heard has gaps from here on.
        """
        while not self._waiting:
            if self.is_too_slow:
                raise TooSlow("Too slow: too many events wait. Connect again.")
            self._something.clear()
            await self._something.wait()
        event_id, text = self._waiting.popleft()
        self._size -= len(text)
        return event_id, text


def whenever(wanted: EventFilter) -> EventFilter:
    """The filter without its first instant."""
    return replace(wanted, occurred=replace(wanted.occurred, since=None))


def frame_of(event: ReceivedEvent) -> str:
    """The event as it is sent."""
    return msgspec.json.encode({"type": "event", "event": event}).decode()
