"""The one place that reads the machine's clock and makes identifiers."""

import logging
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from runwright.core.clock import Clock

try:
    from uuid import uuid7  # type: ignore[attr-defined]  # Python 3.14
except ImportError:
    from uuid_utils.compat import uuid7

log = logging.getLogger(__name__)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  # the only reader of the wall clock

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()


class SteadyClock:
    """The time of a clock that somebody may set, told by its monotonic side.

    Goes on evenly, so that what is measured in it is as long as it took, until the clock is more
    than two seconds away: then it was set, or the machine has slept, and its word counts again.
    """

    STEP = timedelta(seconds=2)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor = clock.now(), clock.monotonic()

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        anchored_at, since = self._anchor
        steady = anchored_at + timedelta(seconds=self._clock.monotonic() - since)
        told = self._clock.now()
        if abs(told - steady) <= self.STEP:
            return steady
        self._anchor = told, self._clock.monotonic()
        log.warning("the clock was set by %+.0f s", (told - steady).total_seconds())
        return told


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by the time it was made."""
    return uuid7()
