"""Signals of a supervisor as calls on its event loop.

asyncio's own way builds the set of all signals at each of its calls, a millisecond of every
execution, and closes its wake-up descriptor while signals may still come.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType


@contextlib.contextmanager
def signals_to(handlers: Mapping[int, Callable[[], None]]) -> Iterator[None]:
    """Call the handler of each signal that comes, in the running loop; afterwards ignore them."""
    loop = asyncio.get_running_loop()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)

    def call() -> None:
        for number in os.read(woken, 256):
            if number in handlers:
                handlers[number]()

    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    loop.add_reader(woken, call)
    for number in handlers:
        signal.signal(number, _nothing)
    try:
        yield
    finally:
        # The handlers stay, and do nothing: who has ended its work is not to die of an order.
        signal.set_wakeup_fd(-1)
        loop.remove_reader(woken)
        os.close(woken)
        os.close(wake)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The byte in the wake-up descriptor is what counts."""
