"""Interval schedules: elapsed time from an anchor, whatever the clocks on the wall do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from runwright.core.schedules.errors import InvalidSchedule
from runwright.core.schedules.zones import first_instant, load_zone

_RIGHT = "For example: 3600 fires every hour."
_SHORTEST_S = 1.0
_LONGEST_S = 100 * 366 * 86_400.0
_DEFAULT_ANCHOR = datetime(2020, 1, 1)  # noqa: DTZ001  # civil time in the schedule's zone


class IntervalSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Every `interval` seconds, counted from `anchor_date` in both directions.

    A naive anchor is civil time in `timezone` (None: UTC); without one it is 2020-01-01 00:00.
    """

    interval: float
    anchor_date: datetime | None = None
    timezone: str | None = None


def check(spec: IntervalSpec) -> None:
    """Raise InvalidSchedule if the interval makes no sense."""
    load_zone(spec.timezone)
    if not _SHORTEST_S <= spec.interval <= _LONGEST_S:
        which = f"interval {spec.interval!r}"
        raise InvalidSchedule(which, "it is a number of seconds from 1 to 100 years", _RIGHT)
    anchor_of(spec)


def fires(spec: IntervalSpec, after: datetime) -> Iterator[datetime]:
    """The instants later than `after`, in order, in UTC."""
    step = timedelta(seconds=spec.interval)
    anchor = anchor_of(spec)
    number = (after - anchor) // step + 1
    while True:
        try:
            fire = anchor + number * step
        except OverflowError:
            return
        yield fire
        number += 1


def anchor_of(spec: IntervalSpec) -> datetime:
    """The instant that it counts from, in UTC."""
    anchor = spec.anchor_date or _DEFAULT_ANCHOR
    try:
        if anchor.tzinfo is not None:
            return anchor.astimezone(UTC)
        return first_instant(anchor, load_zone(spec.timezone))
    except OverflowError:
        raise InvalidSchedule(f"anchor_date {anchor}", "it is out of range", _RIGHT) from None
