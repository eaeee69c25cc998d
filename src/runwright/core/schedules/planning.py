"""How far ahead of time a schedule's runs are made, and what becomes of fires that were missed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from runwright.core.schedules.schedule import Catchup, ScheduleSpec, fire_times, missed_fires


class Horizon(msgspec.Struct, frozen=True, kw_only=True):
    """Runs are made for the next `at_least` fires and for those within `reach`.

    Never more than `at_most` of them, and never for fires beyond `furthest`.
    """

    at_least: int = 3
    at_most: int = 100
    reach: timedelta = timedelta(hours=1)
    furthest: timedelta = timedelta(days=100)
    #: A fire this late was not missed: the server was restarted, or is slow.
    patience: timedelta = timedelta(seconds=60)


HORIZON = Horizon()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The fires that get a run now, and where to go on."""

    fires: list[datetime]
    #: The first fire without a run; None when there is no more.
    next_fire_at: datetime | None
    #: When to plan again; None: never.
    plan_at: datetime | None


def plan_fires(  # what a schedule is made of
    spec: ScheduleSpec,
    *,
    next_fire_at: datetime,
    now: datetime,
    catchup: Catchup = "last",
    max_scheduled_runs: int | None = None,
    horizon: Horizon = HORIZON,
) -> Plan:
    """What to make for a schedule whose fires before `next_fire_at` have their runs.

    Fires missed by more than the horizon's patience are made up for as `catchup` says.
    """
    at_most = min(horizon.at_most, max_scheduled_runs or horizon.at_most)
    missed, start = _make_up(spec, next_fire_at, now, catchup, horizon)
    due = [fire for fire in fire_times(spec, start, horizon.at_most) if fire <= now]
    coming = fire_times(spec, now, at_most + 1)
    ahead = _within(coming[:at_most], now, horizon)
    left = coming[len(ahead)] if len(coming) > len(ahead) else None
    if ahead and next_fire_at > ahead[-1]:  # the schedule allowed for more when it was planned
        left = next_fire_at
    return Plan(
        fires=[*missed, *due, *(fire for fire in ahead if fire >= next_fire_at)],
        next_fire_at=left,
        plan_at=_plan_again(ahead, left, horizon),
    )


def start_of(spec: ScheduleSpec, now: datetime) -> datetime | None:
    """The first fire of a schedule that begins now, or begins anew."""
    return next(iter(fire_times(spec, now, 1)), None)


def unwanted(
    missed: Sequence[datetime], *, catchup: Catchup, later_missed: bool
) -> Sequence[datetime]:
    """Of the missed fires that had their run before the outage, oldest first: those to drop.

    `later_missed`: fires after them, without a run yet, were missed as well.
    """
    if catchup == "all":
        return []
    if catchup == "none" or later_missed:
        return missed
    return missed[:-1]


def _make_up(
    spec: ScheduleSpec, next_fire_at: datetime, now: datetime, catchup: Catchup, horizon: Horizon
) -> tuple[list[datetime], datetime]:
    just_before = next_fire_at - timedelta(microseconds=1)
    until = now - horizon.patience
    if next_fire_at > until:
        return [], just_before
    return missed_fires(spec, just_before, until, catchup, horizon.at_most), until


def _within(coming: list[datetime], now: datetime, horizon: Horizon) -> list[datetime]:
    """The next few, and those within reach."""
    few = coming[: horizon.at_least]
    last = min(max([now + horizon.reach, *few]), now + horizon.furthest)
    return [fire for fire in coming if fire <= last]


def _plan_again(ahead: list[datetime], left: datetime | None, horizon: Horizon) -> datetime | None:
    if left is None:
        return None
    if not ahead:
        return left - horizon.furthest
    # When half of them have passed, but always before fewer than a few are left.
    kept = max(min(horizon.at_least, len(ahead)), len(ahead) // 2)
    return ahead[len(ahead) - kept]
