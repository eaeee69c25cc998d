"""Ends asynchronous code that takes too long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from runwright.sdk.timeouts import HEAD_START_S, Deadline, alarmed, can_alarm, timed_out, within


class _LoopDeadline(Deadline):
    """One that the event loop watches; in the main thread a signal too, if the loop is blocked."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, HEAD_START_S)
        self.timer = asyncio.timeout(seconds)

    def pause(self) -> None:
        super().pause()
        if not self.timer.expired():
            self.timer.reschedule(None)

    def resume(self) -> None:
        super().resume()
        if not self.timer.expired():
            self.timer.reschedule(asyncio.get_running_loop().time() + self.left() - HEAD_START_S)


@asynccontextmanager
async def deadline_async(seconds: float) -> AsyncIterator[None]:
    """Raise `TimedOut` in place of the code inside once `seconds` have passed."""
    own = _LoopDeadline(seconds)
    try:
        async with own.timer:
            with ExitStack() as stack:
                if can_alarm():
                    stack.enter_context(alarmed(own))
                stack.enter_context(within(own))
                yield
    except TimeoutError:
        if own.timer.expired():
            raise timed_out(seconds) from None
        raise
