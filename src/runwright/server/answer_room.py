"""Room for the large answers of one server: so many bytes for all of its readers together.

Small answers take none. A large page is read part by part, and each part waits for room before it
is read from the database; the room is free again when the reader has taken the part. What is large
and one piece takes room once it is there, or is refused. So readers that are slow, or many, wait
for one another, and the memory of the server does not grow with them.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from runwright.api.limits import MAX_HELD, MIB
from runwright.server.problems import Busy

#: Seconds that a part waits for room.
_PATIENCE_S = 30.0
_LATELY_S = 3.0

_FULL = (
    f"The control plane sends as many large answers as it has room for: {MAX_HELD // MIB} MiB at a "
    "time, all readers together. Send this again after the pause in Retry-After, or ask for fewer "
    "with `limit`."
)


class AnswerRoom:
    """Bytes that may be held, first come, first served. Belongs to one event loop."""

    def __init__(self, most: int = MAX_HELD, patience: float = _PATIENCE_S) -> None:
        self._most = most
        self._free = most
        self._patience = patience
        self._refused = -math.inf
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def is_wanted(self) -> bool:
        """Whether somebody waits for room, or was refused it lately."""
        now = asyncio.get_running_loop().time()
        return bool(self._waiting) or now - self._refused < _LATELY_S

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Room for so many bytes, when it is free.

        Raises:
            Busy: it was not in time.
        """
        size = min(size, self._most)
        if self._waiting or size > self._free:
            await self._wait(size)
        else:
            self._free -= size
        try:
            yield
        finally:
            self._give(size)

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Room for what is there already.

        Raises:
            Busy: there is none.
        """
        size = min(size, self._most)
        if size > self._free:
            self._refused = asyncio.get_running_loop().time()
            raise Busy(_FULL)
        self._free -= size
        try:
            yield
        finally:
            self._give(size)

    async def _wait(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it had just got its room
                self._give(size)
            else:
                self._waiting.remove(entry)
                self._hand_on()
            if isinstance(error, TimeoutError):
                raise Busy(_FULL) from None
            raise

    def _give(self, size: int) -> None:
        self._free += size
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, turn = self._waiting.popleft()
            self._free -= size
            turn.set_result(None)
