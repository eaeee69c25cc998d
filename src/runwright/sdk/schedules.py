"""Schedules as users write them: `Cron("0 9 * * 1-5", timezone="Europe/Paris")`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from runwright.api.schedules import Catchup, ScheduleCreate
from runwright.core.schedules.schedule import (
    CronSpec,
    IntervalSpec,
    RRuleSpec,
    ScheduleSpec,
    check,
    parse,
    to_wire,
)
from runwright.errors import FlowError


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment runs, and with what. Made by `Cron`, `Interval` and `RRule`."""

    spec: ScheduleSpec
    active: bool = True
    parameters: dict[str, Any] = {}
    slug: str | None = None
    #: What becomes of fires that were missed while no server ran.
    catchup: Catchup = "last"
    max_scheduled_runs: int | None = None

    def to_wire(self) -> ScheduleCreate:
        """The schedule as a request holds it."""
        return ScheduleCreate(
            schedule=to_wire(self.spec),
            active=self.active,
            parameters=self.parameters,
            slug=self.slug,
            catchup=self.catchup,
            max_scheduled_runs=self.max_scheduled_runs,
        )


def Cron(  # noqa: N802  # reads as the schedule that it makes
    cron: str, /, timezone: str | None = None, *, day_or: bool = True, **options: Any
) -> Schedule:
    """Fires by a cron expression, in civil time of `timezone` (None: UTC).

    Options of all schedules: active, parameters, slug, catchup, max_scheduled_runs.

    Raises:
        InvalidSchedule: the expression or the time zone makes no sense.
    """
    return _schedule(CronSpec(cron=cron, timezone=timezone, day_or=day_or), options)


def Interval(  # noqa: N802
    interval: timedelta | float,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    **options: Any,
) -> Schedule:
    """Fires every `interval` (a number is seconds), counted from `anchor_date`.

    Options and errors are those of `Cron`.
    """
    seconds = interval.total_seconds() if isinstance(interval, timedelta) else float(interval)
    spec = IntervalSpec(interval=seconds, anchor_date=anchor_date, timezone=timezone)
    return _schedule(spec, options)


def RRule(rrule: str, /, timezone: str | None = None, **options: Any) -> Schedule:  # noqa: N802
    """Fires by a recurrence rule of RFC 5545. Options and errors are those of `Cron`."""
    return _schedule(RRuleSpec(rrule=rrule, timezone=timezone), options)


def _schedule(spec: ScheduleSpec, options: dict[str, Any]) -> Schedule:
    check(spec)
    try:
        return Schedule(spec=spec, **options)
    except TypeError as error:
        raise FlowError(
            f"A schedule has no such option: {error}. There are: active, parameters, slug, "
            "catchup and max_scheduled_runs."
        ) from None


def schedules_of(options: Mapping[str, Any]) -> list[Schedule] | None:
    """The schedules that the options of `deploy` mean; None when none of them is there.

    `cron`, `interval` and `rrule` are one or a list; `schedule` and `schedules` take what `Cron`,
    `Interval` and `RRule` make, or mappings as on the wire.

    Raises:
        InvalidSchedule: one of them makes no sense.
        FlowError: one is not a schedule at all.
    """
    timezone, anchor = options.get("timezone"), options.get("anchor_date")
    found: list[Schedule] = []
    found += [Cron(each, timezone) for each in _several(options.get("cron"))]
    found += [Interval(each, anchor, timezone) for each in _several(options.get("interval"))]
    found += [RRule(each, timezone) for each in _several(options.get("rrule"))]
    given = [*_several(options.get("schedule")), *_several(options.get("schedules"))]
    found += [_read(each) for each in given]
    is_named = any(
        options.get(kind) is not None for kind in ("cron", "interval", "rrule", "schedule")
    )
    return found if is_named or options.get("schedules") is not None else None


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return [value]


def _read(value: Any) -> Schedule:
    if isinstance(value, Schedule):
        return value
    if isinstance(value, CronSpec | IntervalSpec | RRuleSpec):
        return _schedule(value, {})
    if isinstance(value, Mapping):
        wire = value if "schedule" in value else {"schedule": dict(value)}
        rest = {key: each for key, each in wire.items() if key != "schedule"}
        return _schedule(parse(wire["schedule"]), rest)
    raise FlowError(
        f"{value!r} is not a schedule. Use Cron('0 9 * * *'), Interval(3600) or "
        "RRule('FREQ=DAILY') of runwright.schedules."
    )
