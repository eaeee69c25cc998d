"""Wakes those who wait for something in the database to change."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Watch:
    """One waiter's eye on some topics. A wake-up is never lost between two looks."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notice(self) -> None:
        self._event.set()

    def take(self) -> bool:
        """Whether a topic was woken since the last call, without waiting."""
        if not self._event.is_set():
            return False
        self._event.clear()
        return True

    async def wait(self, timeout_s: float) -> bool:
        """Whether a topic was woken since the last call, or within `timeout_s` from now."""
        try:
            async with asyncio.timeout(max(timeout_s, 0)):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Waker:
    """Topics, and who waits for them in this process. Used on the event loop alone.

    Wake-ups are hints: whoever waits looks again after a while, woken or not.
    """

    def __init__(self) -> None:
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self.is_closed = False

    @contextmanager
    def watch(self, topics: Iterable[str]) -> Iterator[Watch]:
        """Notice everything that is woken from here on; look at the database after this."""
        topics = tuple(topics)
        watch = Watch()
        if self.is_closed:
            watch.notice()
        for topic in topics:
            self._watches[topic].add(watch)
        try:
            yield watch
        finally:
            for topic in topics:
                self._watches[topic].discard(watch)
                if not self._watches[topic]:
                    del self._watches[topic]

    def watch_always(self, topics: Iterable[str]) -> Watch:
        """The same for as long as this process runs."""
        watch = Watch()
        for topic in topics:
            self._watches[topic].add(watch)
        return watch

    async def wait(self, topics: Iterable[str], timeout: float) -> bool:  # noqa: ASYNC109  # a bound, not an error
        """Wait up to `timeout` seconds for one of the topics; False when none was woken."""
        with self.watch(topics) as watch:
            return await watch.wait(timeout)

    def wake(self, topics: Iterable[str]) -> None:
        """Wake everybody who waits for one of the topics."""
        for topic in topics:
            for watch in tuple(self._watches.get(topic, ())):
                watch.notice()

    def wake_all(self) -> None:
        """Wake everybody: too much has changed to say what."""
        self.wake(tuple(self._watches))

    def close(self) -> None:
        """Wake everybody, now and from now on: nothing will change any more."""
        self.is_closed = True
        self.wake_all()
