"""Laws that hold for every schedule, whatever it is and whenever it is asked."""
# ruff: noqa: DTZ001  # civil times, as rules have them

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runwright.core.schedules.interval import IntervalSpec
from runwright.core.schedules.schedule import (
    InvalidSchedule,
    fire_times,
    missed_fires,
    next_fire_time,
    parse,
    to_wire,
)

FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "America/Santiago"]
)
INSTANTS = st.datetimes(
    datetime(2020, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC), allow_imaginary=False
)


def field(low, high):
    numbers = st.lists(st.integers(low, high), min_size=1, max_size=3).map(
        lambda chosen: ",".join(map(str, chosen))
    )
    steps = st.integers(1, high).map(lambda step: f"*/{step}")
    spans = st.tuples(st.integers(low, high), st.integers(low, high)).map(
        lambda ends: f"{min(ends)}-{max(ends)}"
    )
    return st.just("*") | numbers | steps | spans


CRONS = st.fixed_dictionaries(
    {
        "cron": st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)).map(
            " ".join
        ),
        "timezone": ZONES,
        "day_or": st.booleans(),
    }
)
INTERVALS = st.fixed_dictionaries(
    {
        "interval": st.floats(60, 10_000_000),
        "timezone": ZONES,
        "anchor_date": st.none() | INSTANTS.map(lambda at: at.isoformat()),
    }
)


@st.composite
def rule_texts(draw, *, counted=True):
    parts = {
        "FREQ": draw(
            st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"])
        )
    }
    optional = {
        "INTERVAL": st.integers(1, 40),
        "BYMONTH": st.integers(1, 12),
        "BYMONTHDAY": st.sampled_from([1, 13, 28, 31, -1]),
        "BYDAY": st.sampled_from(["MO", "TU,TH", "SU", "MO,TU,WE,TH,FR"]),
        "BYHOUR": st.integers(0, 23),
        "BYMINUTE": st.sampled_from([0, 7, 30]),
    }
    if counted:
        optional["COUNT"] = st.integers(1, 500)
    for name, values in optional.items():
        if draw(st.booleans()):
            parts[name] = draw(values)
    start = draw(st.datetimes(datetime(2018, 1, 1), datetime(2024, 1, 1))).replace(microsecond=0)
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    return start, rule


def with_start(start, rule):
    return f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{rule}"


RULES = st.fixed_dictionaries(
    {
        "rrule": rule_texts().map(
            lambda found: f"DTSTART:{found[0]:%Y%m%dT%H%M%S}\nRRULE:{found[1]}"
        ),
        "timezone": ZONES,
    }
)
ANY = CRONS | INTERVALS | RULES


def parsed(raw):
    try:
        return parse(raw)
    except InvalidSchedule:
        assume(False)


@given(raw=ANY, after=INSTANTS)
@settings(max_examples=80, deadline=None)
def test_fires_are_later_than_asked_in_order_and_never_twice(raw, after):
    fires = fire_times(parsed(raw), after, 6)

    assert all(earlier < later for earlier, later in pairwise([after, *fires]))
    assert all(fire.utcoffset() == timedelta() for fire in fires)


@given(raw=ANY, after=INSTANTS)
@settings(max_examples=60, deadline=None)
def test_asking_one_by_one_finds_the_same_as_asking_for_many(raw, after):
    spec = parsed(raw)
    fires = fire_times(spec, after, 4)

    one_by_one = [next_fire_time(spec, before) for before in [after, *fires[:-1]]]

    assert one_by_one[: len(fires)] == fires


@given(raw=ANY, after=INSTANTS, back=st.timedeltas(timedelta(), timedelta(days=2)))
@settings(max_examples=60, deadline=None)
def test_nothing_lies_between_an_instant_and_its_next_fire(raw, after, back):
    spec = parsed(raw)
    fire = next_fire_time(spec, after)
    assume(fire is not None)

    earlier = takewhile(lambda at: at < fire, fire_times(spec, after - back, 20))

    assert all(at <= after for at in earlier)


@given(raw=ANY, since=INSTANTS, length=st.timedeltas(timedelta(), timedelta(hours=6)))
@settings(max_examples=60, deadline=None)
def test_missed_fires_are_those_of_the_outage(raw, since, length):
    spec = parsed(raw)
    until = since + length
    during = [at for at in fire_times(spec, since, 400) if at <= until]

    assert missed_fires(spec, since, until, "none", 10) == []
    assert missed_fires(spec, since, until, "last", 10) == during[-1:]
    assert missed_fires(spec, since, until, "all", 10) == during[-10:]
    assert missed_fires(spec, since, until, "all", 0) == []


@given(raw=ANY)
@settings(max_examples=60, deadline=None)
def test_the_wire_form_reads_back_as_the_same_schedule(raw):
    spec = parsed(raw)

    read_back, at = parse(to_wire(spec)), datetime(2026, 1, 1, tzinfo=UTC)
    assert to_wire(read_back) == to_wire(spec)
    if isinstance(spec, IntervalSpec) and spec.anchor_date is None:
        assert next_fire_time(read_back, at) == next_fire_time(spec, at)
    else:
        assert read_back == spec


@given(found=rule_texts(), skipped=st.timedeltas(timedelta(), timedelta(days=900)))
@settings(max_examples=80, deadline=None)
def test_rules_equal_a_plain_walk_from_their_start(found, skipped):
    start, rule = found
    spec = parsed({"rrule": with_start(start, rule)})
    after = start + skipped

    plain = rrulestr(rule, dtstart=start).xafter(after, count=3)

    expected = [at.replace(tzinfo=UTC) for at in plain if at.year < 2060]
    got = fire_times(spec, after.replace(tzinfo=UTC), 3)
    assert got[: len(expected)] == expected
    assert all(at.year >= 2060 for at in got[len(expected) :])


def test_a_long_outage_of_a_busy_schedule_costs_little():
    spec = parse({"cron": "* * * * *", "timezone": "Europe/Berlin"})
    until = datetime(2026, 6, 1, tzinfo=UTC)

    missed = missed_fires(spec, until - timedelta(days=3000), until, "all", 3)

    assert missed == [until - timedelta(minutes=late) for late in (2, 1, 0)]


def test_an_instant_without_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        next_fire_time(parse({"interval": 60}), datetime(2026, 1, 1))
