"""A clock that stands still until it is told, and jumps to whatever is due next."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count


class Timer:
    """Something that will happen at an instant, unless it is cancelled."""

    def __init__(self, due: float, action: Callable[[], object]) -> None:
        self.due = due
        self.action = action
        self.is_cancelled = False

    def cancel(self) -> None:
        """Make it not happen."""
        self.is_cancelled = True


class SimulatedClock:
    """Wall and monotonic time by hand, with timers that run as time passes them.

    Timers due at the same instant run in the order in which they were set.
    """

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self._numbers = count()
        self._timers: list[tuple[float, int, Timer]] = []

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the clock was made; never goes back, whatever the wall clock does."""
        return self._passed

    def set_wall(self, instant: datetime) -> None:
        """Put the clock on the wall forward or back, as an administrator or NTP would."""
        self._start = instant - timedelta(seconds=self._passed)

    def call_later(self, delay: timedelta, action: Callable[[], object]) -> Timer:
        """Run `action` when `delay` has passed."""
        timer = Timer(self._passed + max(delay.total_seconds(), 0.0), action)
        heapq.heappush(self._timers, (timer.due, next(self._numbers), timer))
        return timer

    def advance(self, delay: timedelta) -> None:
        """Let time pass, and run every timer on the way at its own instant."""
        end = self._passed + delay.total_seconds()
        while self._timers and self._timers[0][0] <= end:
            self.jump()
        self._passed = max(self._passed, end)

    def jump(self) -> bool:
        """Go to the next timer and run it. False when there is none."""
        while self._timers:
            due, _, timer = heapq.heappop(self._timers)
            if timer.is_cancelled:
                continue
            self._passed = max(self._passed, due)
            timer.action()
            return True
        return False

    def run(self, *, most: int = 100_000) -> int:
        """Jump until nothing is left to happen; the number of timers that ran.

        Raises:
            RuntimeError: after `most` timers something still sets new ones.
        """
        for ran in range(most):
            if not self.jump():
                return ran
        raise RuntimeError(f"Still busy after {most} timers: something repeats without end.")
