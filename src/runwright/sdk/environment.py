"""What a run finds round it: time, identifiers, settings, and the way up. Tests bring their own."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from runwright.clock import SystemClock, new_id
from runwright.core.clock import Clock
from runwright.core.ids import NewId

if TYPE_CHECKING:
    from runwright.sdk.journal import Channel
    from runwright.settings import Settings


class Environment(Protocol):
    """The world as the engine's handlers see it."""

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def new_id(self) -> NewId:
        """Makes identifiers."""
        ...

    @property
    def random(self) -> Callable[[], float]:
        """Gives numbers from 0 up to, and without, 1."""
        ...

    @property
    def sleep(self) -> Callable[[float], None]:
        """Waits for that many seconds."""
        ...

    @property
    def sleep_async(self) -> Callable[[float], Awaitable[None]]:
        """The same in an event loop."""
        ...

    @property
    def settings(self) -> "Settings":
        """The settings in force."""
        ...

    def open_channel(self, root_run_id: UUID) -> "Channel":
        """The channel of a run begun by hand."""
        ...


#: The longest that a sleep goes on after it was interrupted by another thread.
_SLICE_S = 0.25


def _random() -> float:
    """Not that of `random`, which users seed and forks repeat (and which takes 3 ms to load)."""
    return (int.from_bytes(os.urandom(7)) >> 3) / 2**53


async def _sleep_async(seconds: float) -> None:
    import asyncio  # late: it takes 30 ms to load, and synchronous flows never need it

    await asyncio.sleep(seconds)


class RealEnvironment:
    """The machine's clock, the user's settings."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.new_id: NewId = new_id
        self.random: Callable[[], float] = _random  # users' seeds, and forks, do not matter
        self.sleep: Callable[[float], None] = self._sleep
        self.sleep_async: Callable[[float], Awaitable[None]] = _sleep_async

    def _sleep(self, seconds: float) -> None:
        """In slices: what another thread raises in this one arrives between two of them."""
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))  # noqa: TID251  # this is the injected one

    @property
    def settings(self) -> "Settings":
        """As they are now: read anew for each root run, so that a changed profile is seen."""
        from runwright.settings import load_settings  # late: only runs need them

        return load_settings()

    def open_channel(self, root_run_id: UUID) -> "Channel":
        """To the API that is configured, else to the spool."""
        from runwright.sdk.journal import open_channel

        return open_channel(self.settings, root_run_id, new_id=self.new_id)


_REAL = RealEnvironment()
_current: ContextVar[Environment] = ContextVar(
    "runwright_environment", default=_REAL
)  # it has no state


def current_environment() -> Environment:
    """The environment of whoever calls."""
    return _current.get()


@contextmanager
def use_environment(environment: Environment) -> Iterator[None]:
    """Have runs that start inside find this environment."""
    token = _current.set(environment)
    try:
        yield
    finally:
        _current.reset(token)
