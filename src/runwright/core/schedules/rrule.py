"""iCalendar recurrence rules (RFC 5545), expanded by dateutil in civil time, then localised.

dateutil walks from the start of a rule and never gives up before the year 9999, so a rule that
matches nothing, or one that began long ago, could keep it busy for hours. Hence: a rule without
COUNT is started close to where we look (at a multiple of its interval); the years are moved near
9999, where the calendar is the same (it repeats every 400 years); and what cannot be bounded so
is refused.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import merge
from itertools import dropwhile, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from dateutil.rrule import rrulestr

from runwright.core.schedules.errors import InvalidSchedule, shown
from runwright.core.schedules.rrule_text import Recurrence, Rule, read
from runwright.core.schedules.zones import first_instant, load_zone

_RIGHT = "For example: 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0'."
_CYCLE_YEARS = 400
#: At least so many years of the shifted calendar are left to look ahead.
_ROOM_YEARS = 45
_MONTHS = 12
_DAY = timedelta(days=1)
#: So near the end of dateutil's time that a walk from here is short, yet meets every calendar.
_LATE = datetime(9928, 3, 1)  # noqa: DTZ001  # civil time
_ALL_HOURS = ",".join(map(str, range(24)))
_ALL_MINUTES = ",".join(map(str, range(60)))
_STEPS = {
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_DAY_PARTS = ("BYMONTHDAY", "BYDAY", "BYYEARDAY", "BYWEEKNO")
_DATEUTIL_ERRORS = (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError)


class RRuleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A recurrence rule, read in `timezone` (None: the TZID of its DTSTART, or UTC).

    Without DTSTART it starts at 2020-01-01 00:00.
    """

    rrule: str
    timezone: str | None = None


class _Parsed(NamedTuple):
    recurrence: Recurrence
    zone: ZoneInfo


def check(spec: RRuleSpec) -> None:
    """Raise InvalidSchedule if the rule cannot be read, is hostile, or never fires."""
    recurrence = _parse(spec).recurrence
    which = f"rrule {shown(spec.rrule)}"
    for rule in recurrence.rules:
        try:
            can_fire = _has_days(rule) and any(
                True for _ in _occurrences(rule, recurrence.start, recurrence.start)
            )
        except _DATEUTIL_ERRORS as error:
            raise InvalidSchedule(which, f"it cannot be read ({error})", _RIGHT) from None
        if not can_fire:
            raise InvalidSchedule(which, "it never fires", _RIGHT)


def fires(spec: RRuleSpec, after: datetime) -> Iterator[datetime]:
    """The instants later than `after`, in order, in UTC."""
    recurrence, zone = _parse(spec)
    last = after.astimezone(UTC)
    # In a gap or a fold, civil times up to a day back may still lie ahead.
    since = last.astimezone(zone).replace(tzinfo=None) - _DAY
    series = [_occurrences(rule, recurrence.start, since) for rule in recurrence.rules]
    for civil in merge(*series, recurrence.extra):
        if civil in recurrence.excluded or civil.date() in recurrence.excluded_days:
            continue
        fire = first_instant(civil, zone)
        if fire > last:
            yield fire
            last = fire


@lru_cache(maxsize=512)
def _parse(spec: RRuleSpec) -> _Parsed:
    recurrence = read(spec.rrule, spec.timezone)
    return _Parsed(recurrence, load_zone(spec.timezone or recurrence.zone_name))


def _occurrences(rule: Rule, start: datetime, since: datetime) -> Iterator[datetime]:
    """Civil times of one rule from `since` on (all of them, where it counts)."""
    near = start if rule.most is not None else _start_near(rule, start, since)
    years = _CYCLE_YEARS * ((9999 - _ROOM_YEARS - max(near.year, since.year)) // _CYCLE_YEARS)
    walk = _walk(_explicit(rule, start), _moved(near, years))
    if rule.most is not None:
        walk = islice(walk, rule.most)
    times = (_moved(moment, -years) for moment in walk)
    for civil in dropwhile(lambda moment: moment < max(since, start), times):
        if rule.until is not None and civil > rule.until:
            return
        yield civil


def _start_near(rule: Rule, start: datetime, since: datetime) -> datetime:
    """The last multiple of the rule's interval that is well before `since`."""
    if since <= start:
        return start
    step = _STEPS.get(rule.frequency)
    if step is not None:
        skipped = max((since - start) // (step * rule.interval) - 1, 0)
        return start + skipped * rule.interval * step
    months = rule.interval * (_MONTHS if rule.frequency == "YEARLY" else 1)
    passed = (since.year - start.year) * _MONTHS + since.month - start.month
    skipped = passed // months - 1
    if skipped <= 0:
        return start
    year, month = divmod(start.year * _MONTHS + start.month - 1 + skipped * months, _MONTHS)
    return start.replace(year=year, month=month + 1, day=1)


def _explicit(rule: Rule, start: datetime) -> str:
    """The rule with the days that dateutil would otherwise take from the start.

    Every hour and every minute become days with many times: dateutil skips days much faster.
    """
    parts = dict(rule.parts)
    if rule.interval == 1 and rule.frequency in {"HOURLY", "MINUTELY"}:
        minutes = _ALL_MINUTES if rule.frequency == "MINUTELY" else str(start.minute)
        return _joined({"BYHOUR": _ALL_HOURS, "BYMINUTE": minutes} | parts | {"FREQ": "DAILY"})
    if not any(part in parts for part in _DAY_PARTS):
        if rule.frequency == "YEARLY":
            parts.setdefault("BYMONTH", str(start.month))
        if rule.frequency in {"YEARLY", "MONTHLY"}:
            parts["BYMONTHDAY"] = str(start.day)
    return _joined(parts)


def _joined(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _moved(moment: datetime, years: int) -> datetime:
    return moment.replace(year=moment.year + years)


def _has_days(rule: Rule) -> bool:
    """Some day passes the filters for days. Otherwise a walk minute by minute would not end."""
    names = (*_DAY_PARTS, "BYMONTH")
    filters = {name: value for name, value in rule.parts.items() if name in names}
    if not filters or rule.frequency in {"YEARLY", "MONTHLY"}:
        return True
    return any(True for _ in _walk(_joined({"FREQ": "DAILY"} | filters), _LATE))


def _walk(text: str, start: datetime) -> Iterator[datetime]:
    try:
        yield from rrulestr(text, dtstart=start)
    except (ValueError, OverflowError) as error:
        # Past the end of the year 9999 dateutil stumbles now and then, where it should stop.
        if "out of range" not in str(error):
            raise
