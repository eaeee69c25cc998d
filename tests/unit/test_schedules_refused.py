"""Schedules that make no sense are refused with what, why and a right one; hostile ones quickly."""

import time
from datetime import UTC, datetime

import pytest

from runwright.core.schedules.schedule import (
    CronSpec,
    InvalidSchedule,
    RRuleSpec,
    fire_times,
    next_fire_time,
    parse,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "which", "why"),
    [
        ({}, "{}", "exactly one kind"),
        ({"cron": "@daily", "interval": 60}, "cron", "exactly one kind"),
        ({"cron": 5}, "cron '5'", "Expected `str`"),
        ({"cron": ""}, "cron ''", "0 fields"),
        ({"cron": "* * *"}, "'* * *'", "3 fields; 5 are needed"),
        ({"cron": "0 0 9 * * *"}, "'0 0 9 * * *'", "6 fields"),
        ({"cron": "61 * * * *"}, "61", "bad minute"),
        ({"cron": "0 24 * * *"}, "24", "bad hour"),
        ({"cron": "0 0 * * 5L/2"}, "5L/2", "bad day-of-week"),
        ({"cron": "0 0 * * 1L-5,2#3"}, "cron", ""),
        ({"cron": "0 0 30 2 *"}, "30 2", ""),
        ({"cron": "1" * 10_000}, "cron", "1 fields"),
        ({"cron": "@daily", "timezone": "Europe/Berln"}, "'Europe/Berln'", "'Europe/Berlin'?"),
        ({"cron": "@daily", "timezone": "../../etc/passwd"}, "timezone", "no such time zone"),
        ({"cron": "@daily", "timezone": ""}, "timezone", "no such time zone"),
        ({"cron": "@daily", "timezone": "America"}, "timezone", "no such time zone"),
        ({"cron": "@daily", "timezone": "\x00"}, "timezone", "no such time zone"),
        ({"interval": 0}, "interval 0", "1 to 100 years"),
        ({"interval": -60}, "interval -60", "1 to 100 years"),
        ({"interval": 1e300}, "interval", "1 to 100 years"),
        ({"interval": "often"}, "'often'", "duration"),
        ({"interval": 60, "anchor_date": "yesterday"}, "interval", "RFC3339"),
        ({"rrule": ""}, "rrule ''", "RRULE"),
        ({"rrule": "FREQ=SECONDLY"}, "SECONDLY", "FREQ must be one of"),
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, "INTERVAL=0", "whole number"),
        ({"rrule": "FREQ=DAILY;COUNT=99999999"}, "COUNT", "whole number"),
        ({"rrule": "FREQ=DAILY;BYSETPOS=3"}, "BYSETPOS", "WEEKLY or longer"),
        ({"rrule": f"FREQ=MINUTELY;BYSECOND={','.join(map(str, range(3)))}"}, "rrule", "2,880"),
        ({"rrule": "FREQ=DAILY;BYDAY=XX"}, "XX", "weekday"),
        ({"rrule": "FREQ=DAILY;BYEASTER=0"}, "BYEASTER", "not a known part"),
        ({"rrule": "FREQ=DAILY;FREQ=DAILY"}, "FREQ", "twice"),
        ({"rrule": "DTSTART:soon\nRRULE:FREQ=DAILY"}, "soon", "not a date"),
        ({"rrule": "DTSTART:00010101T000000\nRRULE:FREQ=DAILY"}, "rrule", "the year 1"),
        ({"rrule": "EXRULE:FREQ=DAILY"}, "EXRULE", "not one of"),
        ({"rrule": "FREQ=DAILY;BYHOUR=99"}, "BYHOUR", "whole number"),
        ({"rrule": "FREQ=DAILY;" + "BYHOUR=1;" * 1000}, "rrule", "longer than"),
        ({"rrule": "FREQ=HOURLY;INTERVAL=2;BYHOUR=1"}, "BYHOUR=1", "cannot be read"),
    ],
)
def test_a_wrong_schedule_says_which_why_and_what_instead(raw, which, why):
    with pytest.raises(InvalidSchedule) as refusal:
        parse(raw)

    message = str(refusal.value)
    assert message.startswith("Invalid schedule: ")
    assert which in message
    assert why in message
    assert "'" in refusal.value.instead or '"' in refusal.value.instead or "3600" in message
    assert len(message) < 500


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MINUTELY;INTERVAL=7;BYHOUR=3;BYMINUTE=0;BYMONTH=6;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=HOURLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=WEEKLY;BYSETPOS=366",
        "FREQ=DAILY;UNTIL=20190101T000000",
    ],
)
def test_rules_that_never_fire_are_found_out_quickly(rule):
    began = time.process_time()

    with pytest.raises(InvalidSchedule, match="never fires"):
        parse({"rrule": rule})

    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART:19700101T000000\nRRULE:FREQ=MINUTELY",
        "DTSTART:19700101T000000\nRRULE:FREQ=HOURLY;COUNT=10000",
        "FREQ=MINUTELY;BYHOUR=3;BYMINUTE=0;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=0,1,2",
    ],
)
def test_rules_that_began_long_ago_or_fire_rarely_are_answered_quickly(rule):
    began = time.process_time()

    next_fire_time(parse({"rrule": rule}), NOW)

    assert time.process_time() - began < 3


def shown(spec, count=3):
    return [f"{at:%Y-%m-%d %H:%M:%S}" for at in fire_times(spec, NOW, count)]


def test_crons_as_people_write_them():
    assert shown(parse({"cron": "@hourly"}), 1) == ["2026-11-23 07:00:00"]
    assert shown(parse({"cron": "0 9 * * mon-fri"}), 1) == ["2026-11-23 09:00:00"]
    assert shown(parse({"cron": "0 9 L * *"}), 1) == ["2026-11-30 09:00:00"]
    assert shown(parse({"cron": "0 9 * * fri#2"}), 1) == ["2026-12-11 09:00:00"]
    assert shown(parse({"cron": "0 0 29 2 *"}), 1) == ["2028-02-29 00:00:00"]


def test_day_of_month_and_day_of_week_are_either_or_unless_both_are_asked_for():
    either = CronSpec(cron="0 0 13 * 5")
    both = CronSpec(cron="0 0 13 * 5", day_or=False)

    assert shown(either) == ["2026-11-27 00:00:00", "2026-12-04 00:00:00", "2026-12-11 00:00:00"]
    assert shown(both, 2) == ["2027-08-13 00:00:00", "2028-10-13 00:00:00"]


def test_intervals_count_from_their_anchor_in_both_directions():
    raw = {"interval": 7200, "anchor_date": "2030-01-01T00:30:00+01:00"}

    assert shown(parse(raw), 2) == ["2026-11-23 07:30:00", "2026-11-23 09:30:00"]
    assert shown(parse({"interval": "PT1H30M"}), 1) == ["2026-11-23 07:30:00"]


def test_rules_with_zones_extra_dates_and_exceptions():
    text = (
        "DTSTART;TZID=America/New_York:20260101T090000\n"
        "RRULE:FREQ=DAILY;UNTIL=20261126T235959Z\n"
        "RDATE:20261201T120000\n"
        "EXDATE:20261124T090000"
    )

    assert shown(RRuleSpec(rrule=text), 9) == [
        "2026-11-23 14:00:00",
        "2026-11-25 14:00:00",
        "2026-11-26 14:00:00",
        "2026-12-01 17:00:00",
    ]


def test_a_date_without_a_time_stands_for_its_whole_day():
    text = (
        "DTSTART:20260101T090000\n"
        "RRULE:FREQ=DAILY;BYHOUR=9,15;UNTIL=20261125T235959Z\n"
        "RDATE;VALUE=DATE:20261201\n"
        "EXDATE;VALUE=DATE:20261124"
    )

    assert shown(RRuleSpec(rrule=text), 9) == [
        "2026-11-23 09:00:00",
        "2026-11-23 15:00:00",
        "2026-11-25 09:00:00",
        "2026-11-25 15:00:00",
        "2026-12-01 09:00:00",
    ]


def test_a_rule_that_has_ended_fires_no_more():
    assert next_fire_time(parse({"rrule": "FREQ=DAILY;COUNT=5"}), NOW) is None
