"""Every schedule equals a slow oracle around every change of clocks.

The oracle walks every minute with zoneinfo and looks at the clock on the wall.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from runwright.core.schedules.schedule import fire_times, missed_fires, next_fire_time, parse

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # half an hour off
    "America/Havana",  # 00:00 becomes 01:00, 01:00 becomes 00:00
    "America/Santiago",  # 24:00 becomes 23:00 of the same day
    "Africa/Casablanca",  # back for Ramadan
    "Africa/Cairo",  # no change until 2023, then at midnight
    "Asia/Beirut",  # at midnight
    "Australia/Lord_Howe",  # half an hour forward
    "Pacific/Chatham",  # 12:45 off, at 02:45
    "Pacific/Apia",  # 2011-12-30 does not exist
    "Antarctica/Troll",  # two hours at once
)

#: Name -> does it fire at that civil time, and does it count elapsed time?
CRONS: dict[str, tuple[Callable[[datetime], bool], bool]] = {
    "0 * * * *": (lambda c: c.minute == 0, True),
    "*/15 * * * *": (lambda c: c.minute % 15 == 0, True),
    "30 */2 * * *": (lambda c: c.minute == 30 and c.hour % 2 == 0, True),
    "5 0-23 * * *": (lambda c: c.minute == 5, True),
    "0 0 * * *": (lambda c: (c.hour, c.minute) == (0, 0), False),
    "30 2 * * *": (lambda c: (c.hour, c.minute) == (2, 30), False),
    "30 23 * * *": (lambda c: (c.hour, c.minute) == (23, 30), False),
    "30 0,1,2,3 * * *": (lambda c: c.minute == 30 and c.hour < 4, False),
    "0 2,3 * * 0,6": (
        lambda c: c.minute == 0 and c.hour in {2, 3} and c.isoweekday() in {6, 7},
        False,
    ),
    "*/10 0-3 * * *": (lambda c: c.minute % 10 == 0 and c.hour < 4, False),
}


@lru_cache(maxsize=64)
def transitions(zone_name: str, first_year: int = 2020, last_year: int = 2030) -> list[datetime]:
    """The first minute of each new offset, in UTC."""
    zone = ZoneInfo(zone_name)
    found: list[datetime] = []
    moment, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        later = moment + DAY
        if _offset(moment, zone) != _offset(later, zone):
            low = moment
            while low + MINUTE < later:
                middle = low + (later - low) // MINUTE // 2 * MINUTE
                if _offset(middle, zone) == _offset(moment, zone):
                    low = middle
                else:
                    later = middle
            found.append(later)
        moment += DAY
    return found


@lru_cache(maxsize=8)
def minutes(zone_name: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """(instant, civil time) of every minute from start to end."""
    zone = ZoneInfo(zone_name)
    count = (end - start) // MINUTE + 1
    instants = [start + number * MINUTE for number in range(count)]
    return [(at, at.astimezone(zone).replace(tzinfo=None, fold=0)) for at in instants]


def expected_fires(cron: str, zone_name: str, start: datetime, end: datetime) -> list[datetime]:
    """What `cron` promises for [start, end]."""
    matches, is_elapsed = CRONS[cron]
    walked = minutes(zone_name, start, end)
    if is_elapsed:
        return [at for at, civil in walked if matches(civil)]
    return list(_once_per_civil_time(walked, matches))


def _once_per_civil_time(
    walked: list[tuple[datetime, datetime]], matches: Callable[[datetime], bool]
) -> Iterator[datetime]:
    latest = walked[0][1] - MINUTE
    for at, civil in walked:
        new = False
        while latest < civil:
            latest += MINUTE
            new = matches(latest) or new
        if new:
            yield at


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


AROUND = timedelta(hours=40)
THE_LOST_DAY = datetime(2011, 12, 30, 10, 0, tzinfo=UTC)
ALL = [(zone, at) for zone in ZONES for at in transitions(zone)]
SOME = random.Random(7).sample(ALL, 10)


def check_around(zone, change):
    start, end = change - AROUND, change + AROUND
    for cron in CRONS:
        spec = parse({"cron": cron, "timezone": zone})
        expected = expected_fires(cron, zone, start, end)
        got = missed_fires(spec, start - timedelta(seconds=1), end, "all", 10_000)
        assert got == expected, (cron, zone, change)


def stepped(spec, start, end):
    at = start - timedelta(seconds=1)
    while (at := next_fire_time(spec, at)) and at <= end:
        yield at


@pytest.mark.parametrize(("zone", "change"), SOME[:3])
@pytest.mark.parametrize("cron", ["*/15 * * * *", "*/10 0-3 * * *", "0 2,3 * * 0,6"])
def test_stepping_from_fire_to_fire_misses_none(cron, zone, change):
    start, end = change - AROUND, change + AROUND
    spec = parse({"cron": cron, "timezone": zone})

    assert list(stepped(spec, start, end)) == expected_fires(cron, zone, start, end)


@pytest.mark.parametrize(("zone", "change"), SOME)
def test_crons_equal_the_oracle(zone, change):
    check_around(zone, change)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_crons_equal_the_oracle_at_every_change_of_eleven_years(zone):
    for change in transitions(zone):
        check_around(zone, change)


def test_crons_equal_the_oracle_where_a_whole_day_is_missing():
    check_around("Pacific/Apia", THE_LOST_DAY)


def test_a_time_of_the_missing_day_fires_at_the_first_instant_after_it():
    spec = parse({"cron": "0 9 * * *", "timezone": "Pacific/Apia"})

    fires = fire_times(spec, THE_LOST_DAY - timedelta(hours=12), 3)

    assert [str(fire.astimezone(ZoneInfo("Pacific/Apia"))) for fire in fires] == [
        "2011-12-31 00:00:00+14:00",
        "2011-12-31 09:00:00+14:00",
        "2012-01-01 09:00:00+14:00",
    ]


@pytest.mark.parametrize(("zone", "change"), SOME[:12])
def test_recurrence_rules_keep_civil_time_like_crons(zone, change):
    cron = parse({"cron": "30 2 * * *", "timezone": zone})
    rule = parse({"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", "timezone": zone})

    assert fire_times(rule, change - AROUND, 4) == fire_times(cron, change - AROUND, 4)


@pytest.mark.parametrize(("zone", "change"), SOME[:12])
def test_intervals_are_elapsed_time(zone, change):
    spec = parse({"interval": 5400, "timezone": zone, "anchor_date": "2020-01-01T00:00:00"})

    fires = fire_times(spec, change - AROUND, 60)

    assert {later - earlier for earlier, later in pairwise(fires)} == {timedelta(minutes=90)}
