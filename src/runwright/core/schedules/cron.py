"""Cron schedules. cronsim reads the expression; the days and the clock changes are ours.

A schedule that names its hours is a wall-clock schedule: it fires once for every civil time it
matches; one that falls in a gap fires at the first instant after it, and one in a fold only the
first time. A schedule of every hour (its hour field is `*`, `*/n`, or names all 24) is elapsed
time: it fires whenever the clock on the wall shows a match, in a fold twice, in a gap never.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from runwright.core.schedules.errors import InvalidSchedule, shown
from runwright.core.schedules.zones import all_instants, first_instant, load_zone

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_RIGHT = "For example: '0 9 * * 1-5' fires at 9:00 from Monday to Friday."
_LONGEST = 500
_FIELDS = 5
_EVERY_DAY, _EVERY_WEEKDAY = frozenset(range(1, 32)), frozenset(range(7))
_HOURS = 24
#: 29 February on one day of the week can be this far away, across a year such as 2100.
_PATIENCE = timedelta(days=366 * 41)
#: Years that leave room for arithmetic below the last one datetime knows.
_LAST_YEAR = 9990
_DAY = timedelta(days=1)


class CronSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Five fields, or an alias such as @daily, read in `timezone` (None: UTC).

    `day_or` false asks that day of month and day of week both match. Otherwise either is enough,
    where both are restricted. A field that leaves no day out (`*`, `*/1`, `1-31`) is not.
    """

    cron: str
    timezone: str | None = None
    day_or: bool = True


class _Fields(NamedTuple):
    minutes_of_day: tuple[int, ...]
    months: frozenset[int]
    matches_day: Callable[[date], bool]
    is_elapsed: bool


def check(spec: CronSpec) -> None:
    """Raise InvalidSchedule if the schedule could not fire."""
    load_zone(spec.timezone)
    fields = _read(spec.cron, spec.day_or)
    # Days of the week and leap years come round within 400 years, dates within _PATIENCE.
    if next(_matching_days(fields, date(2096, 3, 1)), None) is None:
        raise InvalidSchedule(f"cron {shown(spec.cron)}", "no date ever matches it", _RIGHT)


def fires(spec: CronSpec, after: datetime) -> Iterator[datetime]:
    """The instants later than `after`, in order, in UTC."""
    fields = _read(spec.cron, spec.day_or)
    zone = load_zone(spec.timezone)
    last = after.astimezone(UTC)
    held: list[datetime] = []
    for day in _matching_days(fields, last.astimezone(zone).date() - _DAY):
        offset = _steady_offset(day, zone)
        if offset is not None:
            yield from held
            last = held[-1] if held else last
            held = []
            yield from _on_steady_day(fields, day, offset, last)
            continue
        # Around a change of clocks, civil order is not the order of time: sort, and hold back
        # what the next day may still precede.
        found = {fire for fire in _around_change(fields, day, zone) if fire > last}
        merged = sorted(found.union(held))
        sure = bisect_right(merged, _earliest_of(day + _DAY, zone) - timedelta(microseconds=1))
        yield from merged[:sure]
        last = merged[sure - 1] if sure else last
        held = merged[sure:]
    yield from held


@lru_cache(maxsize=512)
def _read(expression: str, day_or: bool) -> _Fields:
    which = f"cron {shown(expression)}"
    text = _ALIASES.get(expression.strip().lower(), expression)
    parts = text.upper().split()
    if len(parts) != _FIELDS or len(text) > _LONGEST:
        why = f"it has {len(parts)} fields; 5 are needed (minute hour day month weekday)"
        raise InvalidSchedule(which, why, _RIGHT)
    try:
        days, weekdays = _spelt_out(parts[2], "1-31"), _spelt_out(parts[4], "0-6")
        spelt_out = [*parts[:2], days, parts[3], weekdays]
        parsed = CronSim(" ".join(spelt_out), datetime(2020, 1, 1, tzinfo=UTC))
        probe = date(2020, 1, 1)
        parsed.match_dom(probe)
        parsed.match_dow(probe)
    except CronSimError as error:
        raise InvalidSchedule(which, str(error).lower() or "unreadable", _RIGHT) from None
    except (ValueError, TypeError, AssertionError, IndexError):
        raise InvalidSchedule(which, "it cannot be read", _RIGHT) from None
    # cronsim joins the days by AND where either field begins with a star, `*/7` too. Here only a
    # field that leaves no day out is no restriction.
    is_any_day = parsed.days >= _EVERY_DAY or parsed.weekdays >= _EVERY_WEEKDAY
    parsed.day_and = is_any_day or not day_or
    every_hour = parts[1].startswith("*") or len(parsed.hours) == _HOURS
    minutes = sorted(hour * 60 + minute for hour in parsed.hours for minute in parsed.minutes)
    return _Fields(tuple(minutes), frozenset(parsed.months), parsed.match_day, every_hour)


def _spelt_out(field: str, whole: str) -> str:
    """A field whose parts begin with a star, as ranges; a star alone stays one."""
    if field == "*":
        return field
    return ",".join(
        whole + part[1:] if part == "*" or part.startswith("*/") else part
        for part in field.split(",")
    )


def _matching_days(fields: _Fields, start: date) -> Iterator[date]:
    day = start
    give_up = start + _PATIENCE
    while day <= give_up and day.year < _LAST_YEAR:
        if day.month not in fields.months:
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            continue
        if fields.matches_day(day):
            yield day
            give_up = day + _PATIENCE
        day += _DAY


def _steady_offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """The offset of the zone, if it is the same from the day before to the day after."""
    midnight = datetime.combine(day, time(), zone)
    before, after = (midnight - _DAY).utcoffset(), (midnight + 2 * _DAY).utcoffset()
    return before if before == after else None


def _earliest_of(day: date, zone: ZoneInfo) -> datetime:
    """No instant of that civil day is before this one."""
    midnight = datetime.combine(day, time(), zone)
    offsets = [(midnight + days * _DAY).utcoffset() or timedelta() for days in (-2, -1, 0, 1, 2)]
    return midnight.replace(tzinfo=UTC) - max(offsets)


def _on_steady_day(
    fields: _Fields, day: date, offset: timedelta, last: datetime
) -> Iterator[datetime]:
    midnight = datetime.combine(day, time(), UTC) - offset
    passed = (last - midnight) // timedelta(minutes=1)
    for minute in fields.minutes_of_day[bisect_right(fields.minutes_of_day, passed) :]:
        yield midnight + timedelta(minutes=minute)


def _around_change(fields: _Fields, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    midnight = datetime.combine(day, time())
    for minute in fields.minutes_of_day:
        civil = midnight + timedelta(minutes=minute)
        if fields.is_elapsed:
            yield from all_instants(civil, zone)
        else:
            yield first_instant(civil, zone)
