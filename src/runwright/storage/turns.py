"""Turns at places that several keys share: no key takes all of them, and each is served in turn.

Not safe from other threads: the event loop counts.
"""

import asyncio
import math
from collections import Counter, deque
from contextvars import ContextVar
from typing import NamedTuple

from runwright.storage.errors import StorageCrowded


class Asker(NamedTuple):
    """For whom a query is made."""

    #: The key, or the run whose execution asks; None: the server itself.
    who: str | None = None
    #: Whether what was asked is short enough to be tried among the short queries.
    is_brief: bool = True


#: Set at the beginning of each request, and heard by whatever is done for it.
ASKER: ContextVar[Asker] = ContextVar("asker", default=Asker())  # noqa: B039  # a tuple
#: Bytes of a filter from which on it is not tried among the short queries.
_LONG = 4_096


def note_length(length: int) -> None:
    """How long the filter of a request is: whether it may be answered as a short query.

    To put thousands of values into a statement takes longer than a short query does as a whole.
    """
    if length >= _LONG:
        ASKER.set(ASKER.get()._replace(is_brief=False))


class Turns:
    """So many places. Of those that wait, keys take turns, and a key's own come in order.

    A key has all places but one at most, and half of the room for waiting.
    """

    def __init__(self, places: int, most_waiting: int, patience: float = math.inf) -> None:
        self._free = places
        self._share = max(1, places - 1)
        self._most_waiting = most_waiting
        self._most_of_one = max(1, most_waiting // 2)
        self._patience = patience
        self._taken: Counter[str | None] = Counter()
        #: The key whose turn is next comes first.
        self._queues: dict[str | None, deque[asyncio.Future[None]]] = {}
        #: How many wait.
        self.waiting = 0

    async def take(self) -> str | None:
        """Wait for a place; whose it is then, to be given back by `free`.

        Raises:
            StorageCrowded: too many wait already, or it has waited for too long.
        """
        who = ASKER.get().who
        if self._free and self._taken[who] < self._share:
            self._give(who)
            return who
        queue = self._queues.setdefault(who, deque())
        if self.waiting >= self._most_waiting or len(queue) >= self._most_of_one:
            if not queue:
                del self._queues[who]
            raise StorageCrowded.of(self.waiting)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        self.waiting += 1
        try:
            async with asyncio.timeout(None if self._patience == math.inf else self._patience):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():  # it was given at the same moment
                self.free(who)
            else:
                self._forget(who, place)
            if isinstance(error, TimeoutError):
                raise StorageCrowded.of(self.waiting) from None
            raise
        return who

    def free(self, who: str | None) -> None:
        """Give a place back: it goes to the key whose turn it is."""
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        self._free += 1
        for each, queue in list(self._queues.items()):
            if not self._free:
                return
            if self._taken[each] < self._share:
                place = queue.popleft()
                self.waiting -= 1
                del self._queues[each]
                if queue:
                    self._queues[each] = queue  # behind the others
                self._give(each)
                place.set_result(None)

    def _give(self, who: str | None) -> None:
        self._free -= 1
        self._taken[who] += 1

    def _forget(self, who: str | None, place: "asyncio.Future[None]") -> None:
        queue = self._queues[who]
        queue.remove(place)
        self.waiting -= 1
        if not queue:
            del self._queues[who]
