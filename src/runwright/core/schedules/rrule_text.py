"""The text of a recurrence: its lines, its limits, and what is refused."""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from runwright.core.schedules.errors import InvalidSchedule, shown
from runwright.core.schedules.zones import load_zone

_RIGHT = "For example: 'DTSTART:20260105T090000\\nRRULE:FREQ=WEEKLY;BYDAY=MO'."
_LONGEST = 6500
_MOST_RULES = 10
_MOST_COUNT = 10_000
_LONGEST_INTERVAL = 100_000
#: Times in a day: every half minute. dateutil makes a list of all of them each time that it begins.
_MOST_TIMES = 2_880
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
#: A day or less has too few members to choose one by its position: such rules never end.
_WITHOUT_POSITIONS = frozenset({"DAILY", "HOURLY", "MINUTELY"})
_OTHER_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYWEEKDAY"})
#: What each list of numbers may hold.
_RANGES = {
    "BYSETPOS": (-366, 366),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
}
_WEEKDAYS = re.compile(r"[+-]?\d{0,2}(MO|TU|WE|TH|FR|SA|SU)(\([+-]?\d{1,2}\))?")
_FIRST_YEAR, _LAST_YEAR = 1970, 2500
_DEFAULT_START = datetime(2020, 1, 1)  # noqa: DTZ001  # civil time in the schedule's zone


class Rule(NamedTuple):
    """One RRULE. COUNT (`most`) and UNTIL are kept apart: they are applied by us."""

    frequency: str
    interval: int
    most: int | None
    until: datetime | None
    parts: dict[str, str]


class Recurrence(NamedTuple):
    """All times are naive civil times of the schedule's zone."""

    start: datetime
    rules: tuple[Rule, ...]
    extra: list[datetime]
    excluded: frozenset[datetime]
    #: Days on which nothing fires: EXDATE without a time.
    excluded_days: frozenset[date]
    zone_name: str | None


class _Line(NamedTuple):
    name: str
    zone_name: str | None
    value: str


def read(text: str, zone_name: str | None) -> Recurrence:
    """Read DTSTART, RRULE, RDATE and EXDATE lines, or the bare value of one RRULE.

    Raises:
        InvalidSchedule: it cannot be read, or is more than a schedule may ask for.
    """
    if len(text) > _LONGEST:
        raise _wrong(text, f"it is longer than {_LONGEST} characters")
    lines = [_split(line, text) for line in text.split() if line]
    starts = [line for line in lines if line.name == "DTSTART"]
    zone_name = zone_name or next((line.zone_name for line in starts if line.zone_name), None)
    start = _DEFAULT_START
    if starts:
        start = _moment(starts[0].value, starts[0].zone_name, zone_name, text)
    rules = [_rule(line.value, zone_name, text) for line in lines if line.name == "RRULE"]
    if not 0 < len(rules) <= _MOST_RULES or len(starts) > 1:
        raise _wrong(text, f"it needs 1 to {_MOST_RULES} RRULE lines and at most one DTSTART")
    extra = [
        datetime.combine(when, start.time()) if is_day else when
        for when, is_day in _dates(lines, "RDATE", zone_name, text)
    ]
    excluded = _dates(lines, "EXDATE", zone_name, text)
    return Recurrence(
        start=start,
        rules=tuple(rules),
        extra=sorted(extra),
        excluded=frozenset(when for when, is_day in excluded if not is_day),
        excluded_days=frozenset(when.date() for when, is_day in excluded if is_day),
        zone_name=zone_name,
    )


def _split(line: str, text: str) -> _Line:
    head, separator, value = line.partition(":")
    if not separator:
        head, value = "RRULE", line
    name, *options = head.upper().split(";")
    if name not in {"DTSTART", "RRULE", "RDATE", "EXDATE"}:
        raise _wrong(text, f"{shown(name, 20)} is not one of DTSTART, RRULE, RDATE and EXDATE")
    at = head.upper().find("TZID=")
    zone_name = head[at + len("TZID=") :].split(";")[0] if at >= 0 else None
    if any(not option.startswith(("TZID=", "VALUE=")) for option in options):
        raise _wrong(text, f"{shown(head, 40)} has an option that is not supported")
    return _Line(name, zone_name, value)


def _dates(
    lines: list[_Line], name: str, zone_name: str | None, text: str
) -> list[tuple[datetime, bool]]:
    """The instants of such lines, and whether each stands for its whole day."""
    return [
        (_moment(value, line.zone_name, zone_name, text), "T" not in value.upper())
        for line in lines
        if line.name == name
        for value in line.value.split(",")
    ]


def _moment(value: str, own_zone: str | None, zone_name: str | None, text: str) -> datetime:
    """A time of the rule as naive civil time of the schedule's zone."""
    pattern = "%Y%m%dT%H%M%S" if "T" in value.upper() else "%Y%m%d"
    in_utc = value.upper().endswith("Z")
    try:
        moment = datetime.strptime(value.upper().removesuffix("Z"), pattern)  # noqa: DTZ007
    except ValueError:
        raise _wrong(text, f"{shown(value, 30)} is not a date such as 20260105T090000") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise _wrong(text, f"the year {moment.year} is not in {_FIRST_YEAR} to {_LAST_YEAR}")
    if in_utc:
        return moment.replace(tzinfo=UTC).astimezone(load_zone(zone_name)).replace(tzinfo=None)
    if own_zone is not None and own_zone != zone_name:
        here = moment.replace(tzinfo=load_zone(own_zone)).astimezone(load_zone(zone_name))
        return here.replace(tzinfo=None)
    return moment


def _rule(value: str, zone_name: str | None, text: str) -> Rule:
    parts: dict[str, str] = {}
    for part in value.upper().strip(";").split(";"):
        name, separator, given = part.partition("=")
        if not separator or name not in _OTHER_PARTS | _RANGES.keys() or name in parts:
            raise _wrong(text, f"{shown(part, 40)} is not a known part, or is there twice")
        parts["BYDAY" if name == "BYWEEKDAY" else name] = given
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise _wrong(text, f"FREQ must be one of {', '.join(_FREQUENCIES)}")
    if frequency in _WITHOUT_POSITIONS and "BYSETPOS" in parts:
        raise _wrong(text, "BYSETPOS needs a FREQ of WEEKLY or longer")
    _check_lists(parts, text)
    if _times_of_day(frequency, parts) > _MOST_TIMES:
        raise _wrong(text, f"it has more than {_MOST_TIMES:,} times in a day")
    interval = _whole(parts.get("INTERVAL", "1"), "INTERVAL", (1, _LONGEST_INTERVAL), text)
    until = parts.pop("UNTIL", None)
    count = parts.pop("COUNT", None)
    return Rule(
        frequency,
        interval,
        None if count is None else _whole(count, "COUNT", (1, _MOST_COUNT), text),
        None if until is None else _last_moment(until, zone_name, text),
        parts,
    )


def _times_of_day(frequency: str, parts: dict[str, str]) -> int:
    """How many BYHOUR, BYMINUTE and BYSECOND make together, as one rule or by the frequency."""
    is_each = parts.get("INTERVAL", "1") == "1"
    hours, minutes, seconds = (
        len(set(parts[name].split(","))) if name in parts else default
        for name, default in (
            ("BYHOUR", 24 if is_each and frequency in {"HOURLY", "MINUTELY"} else 1),
            ("BYMINUTE", 60 if is_each and frequency == "MINUTELY" else 1),
            ("BYSECOND", 1),
        )
    )
    return hours * minutes * seconds


def _last_moment(until: str, zone_name: str | None, text: str) -> datetime:
    moment = _moment(until, None, zone_name, text)
    return moment if "T" in until else moment.replace(hour=23, minute=59, second=59)


def _check_lists(parts: dict[str, str], text: str) -> None:
    for name, limits in _RANGES.items():
        for number in parts[name].split(",") if name in parts else ():
            _whole(number, name, limits, text)
    for weekday in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        if not _WEEKDAYS.fullmatch(weekday):
            raise _wrong(text, f"{shown(weekday, 20)} in BYDAY is not a weekday such as MO or -1FR")


def _whole(value: str, name: str, limits: tuple[int, int], text: str) -> int:
    least, most = limits
    if re.fullmatch(r"[+-]?\d{1,9}", value) and least <= int(value) <= most:
        zero_means_nothing = least < 0 and int(value) == 0
        if not zero_means_nothing:
            return int(value)
    raise _wrong(text, f"{name}={shown(value, 20)} is not a whole number from {least} to {most}")


def _wrong(text: str, why: str) -> InvalidSchedule:
    return InvalidSchedule(f"rrule {shown(text)}", why, _RIGHT)
