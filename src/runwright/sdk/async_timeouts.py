"""Ends asynchronous code that takes too long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runwright.sdk.timeouts import timed_out


@asynccontextmanager
async def deadline_async(seconds: float) -> AsyncIterator[None]:
    """Raise `TimedOut` in place of the code inside once `seconds` have passed."""
    timer = asyncio.timeout(seconds)
    try:
        async with timer:
            yield
    except TimeoutError:
        if timer.expired():
            raise timed_out(seconds) from None
        raise
