"""Schedules of all kinds: read from the wire, checked, and asked for their fires.

A fire is an instant in UTC. Fires are strictly later than the instant they are asked after.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Literal

import msgspec

from runwright.core.schedules import cron, interval, rrule
from runwright.core.schedules.cron import CronSpec
from runwright.core.schedules.errors import InvalidSchedule, shown
from runwright.core.schedules.interval import IntervalSpec
from runwright.core.schedules.rrule import RRuleSpec

__all__ = [
    "Catchup",
    "CronSpec",
    "IntervalSpec",
    "InvalidSchedule",
    "RRuleSpec",
    "ScheduleSpec",
    "check",
    "fire_times",
    "missed_fires",
    "next_fire_time",
    "parse",
    "to_wire",
]

ScheduleSpec = CronSpec | IntervalSpec | RRuleSpec
Catchup = Literal["none", "last", "all"]

_KINDS: dict[str, type[CronSpec | IntervalSpec | RRuleSpec]] = {
    "cron": CronSpec,
    "interval": IntervalSpec,
    "rrule": RRuleSpec,
}
#: What a schedule of each kind may say.
FIELDS = {kind: spec.__struct_fields__ for kind, spec in _KINDS.items()}
_RIGHT = 'Give one of {"cron": "0 9 * * 1-5"}, {"interval": 3600} and {"rrule": "FREQ=DAILY"}.'
_FIRST_WINDOW = timedelta(hours=1)
_WIDER = 8
#: Nothing fires before, and nothing after: arithmetic at the ends of the calendar overflows.
_FIRST, _LAST_YEAR = datetime(1970, 1, 2, tzinfo=UTC), 9000


def parse(raw: Mapping[str, Any]) -> ScheduleSpec:
    """The schedule that a request or a stored row holds, checked.

    `interval` may be seconds or an ISO 8601 duration such as "PT1H".

    Raises:
        InvalidSchedule: it is not exactly one of the three kinds, or could never fire.
    """
    named = [kind for kind in _KINDS if raw.get(kind) is not None]
    if len(named) != 1:
        raise InvalidSchedule(shown(str(dict(raw))), "it must be of exactly one kind", _RIGHT)
    kind = named[0]
    fields = dict(raw)
    try:
        if isinstance(fields.get("interval"), str):
            duration = msgspec.convert(fields["interval"], timedelta)
            fields["interval"] = duration.total_seconds()
        spec = msgspec.convert(fields, _KINDS[kind])
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidSchedule(f"{kind} {shown(str(raw[kind]))}", str(error), _RIGHT) from None
    check(spec)
    return spec


def to_wire(spec: ScheduleSpec) -> dict[str, Any]:
    """The inverse of `parse`: what requests and rows hold. An interval says what it counts from."""
    if isinstance(spec, IntervalSpec) and spec.anchor_date is None:
        spec = msgspec.structs.replace(spec, anchor_date=interval.anchor_of(spec))
    return msgspec.to_builtins(spec)


def check(spec: ScheduleSpec) -> None:
    """Raise InvalidSchedule unless the schedule can be read and can fire."""
    match spec:
        case CronSpec():
            cron.check(spec)
        case IntervalSpec():
            interval.check(spec)
        case RRuleSpec():
            rrule.check(spec)


def next_fire_time(spec: ScheduleSpec, after: datetime) -> datetime | None:
    """The first fire later than `after`; None when there is no more.

    Raises:
        ValueError: `after` is naive.
        InvalidSchedule: the schedule cannot be read.
    """
    return next(_fires(spec, after), None)


def fire_times(spec: ScheduleSpec, after: datetime, limit: int) -> list[datetime]:
    """The next `limit` fires later than `after`, or as many as there are."""
    return list(islice(_fires(spec, after), limit))


def missed_fires(
    spec: ScheduleSpec, since: datetime, until: datetime, catchup: Catchup, max_fires: int
) -> list[datetime]:
    """The fires in (since, until] that are to be made up for, oldest first.

    `none`: none of them; `last`: the latest; `all`: the latest `max_fires`.
    """
    wanted = {"none": 0, "last": 1, "all": max_fires}[catchup]
    if wanted <= 0 or since >= until:
        return []
    since = max(since, _FIRST)
    # Look back over ever longer windows: a schedule of every minute and a long outage must not
    # cost a walk through the whole outage.
    window = _FIRST_WINDOW
    while True:
        start = max(since, until - window)
        found = deque(takewhile(lambda fire: fire <= until, _fires(spec, start)), maxlen=wanted)
        if len(found) == wanted or start == since:
            return list(found)
        window *= _WIDER


def _fires(spec: ScheduleSpec, after: datetime) -> Iterator[datetime]:
    if after.tzinfo is None:
        raise ValueError(f"{after} has no time zone: give an aware datetime")
    if after.year > _LAST_YEAR:
        return iter(())
    after = max(after.astimezone(UTC), _FIRST)
    match spec:
        case CronSpec():
            return cron.fires(spec, after)
        case IntervalSpec():
            return interval.fires(spec, after)
        case RRuleSpec():
            return rrule.fires(spec, after)
