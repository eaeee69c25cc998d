"""Civil time to instants, where clocks are put forward and back.

A *gap* is civil time that a zone skips, a *fold* civil time that it passes twice.
"""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from runwright.core.schedules.errors import InvalidSchedule, shown

_LONGEST_NAME = 64


def load_zone(name: str | None) -> ZoneInfo:
    """The zone of that name; UTC for None.

    Raises:
        InvalidSchedule: there is no such zone.
    """
    try:
        if name is None:
            return ZoneInfo("UTC")
        if 0 < len(name) <= _LONGEST_NAME:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    near = get_close_matches((name or "")[:_LONGEST_NAME], available_timezones(), n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Use a name such as 'Europe/Berlin'."
    raise InvalidSchedule(f"timezone {shown(name or '')}", "there is no such time zone", hint)


def first_instant(civil: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a naive civil time, in UTC.

    In a fold the first of the two; in a gap the first instant after it.
    """
    instant = civil.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _civil(instant, zone) == civil:
        return instant
    before = civil.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _end_of_gap(civil, zone, before, instant)


def all_instants(civil: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every instant at which a clock on the wall shows `civil`: none in a gap, two in a fold."""
    found = {civil.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(instant for instant in found if _civil(instant, zone) == civil)


def _civil(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _end_of_gap(civil: datetime, zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    low, high = 0, int((after - before).total_seconds())
    while low + 1 < high:
        middle = (low + high) // 2
        if _civil(before + timedelta(seconds=middle), zone) > civil:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)
