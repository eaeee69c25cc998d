"""The days of 200 cron expressions, worked out a second time by reading them naively.

The reader below knows numbers, ranges, steps, lists and stars, and asks every day of three years.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from cronsim import CronSim, CronSimError

from runwright.core.schedules.schedule import CronSpec, fire_times

START = date(2026, 1, 1)
DAYS = [START + timedelta(days=number) for number in range(3 * 365)]
OF_MONTH = ["*", "*/1", "*/2", "*/7", "1", "15", "31", "1,15", "1-7", "1-31", "10-20/5", "*/10,3"]
MONTHS = ["*", "2", "*/3", "6-8"]
OF_WEEK = ["*", "*/2", "1", "1-5", "0,6", "7", "0-6", "*/1"]
EXPRESSIONS = [
    f"30 8 {day} {month} {weekday}"
    for number, (day, month, weekday) in enumerate(product(OF_MONTH, MONTHS, OF_WEEK))
    if month == "*" or number % 2 == 0
]


def values(field, first, last):
    found = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = (f"{first}-{last}" if span == "*" else span).partition("-")
        found |= set(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


def expected(expression, *, day_or):
    _, _, of_month, month, of_week = expression.split()
    days, months = values(of_month, 1, 31), values(month, 1, 12)
    weekdays = {each % 7 for each in values(of_week, 0, 6)}
    is_any = len(days) == 31 or len(weekdays) == 7
    for day in DAYS:
        matches = (day.day in days, day.isoweekday() % 7 in weekdays)
        if day.month in months and (any(matches) if day_or and not is_any else all(matches)):
            yield day


def test_there_are_enough_of_them():
    assert len(EXPRESSIONS) >= 200
    assert {"30 8 */7 * 1", "30 8 1 * */2"} <= set(EXPRESSIONS)


@pytest.mark.parametrize("day_or", [True, False])
def test_every_expression_fires_on_the_days_that_it_says(day_or):
    wrong = []
    for expression in EXPRESSIONS:
        wanted = list(expected(expression, day_or=day_or))[:60]
        spec = CronSpec(cron=expression, day_or=day_or)
        begin = datetime(START.year, START.month, START.day, tzinfo=UTC) - timedelta(minutes=1)
        if [each.date() for each in fire_times(spec, begin, len(wanted))] != wanted:
            wrong.append(expression)
    assert wrong == []


def test_it_differs_from_cronsim_where_a_restriction_begins_with_a_star():
    """Debian's cron, which cronsim follows, reads `*/7` as if it were `*`, and joins by AND.

    croniter joins them by OR, as is done here.
    """
    differs = set()
    for expression in EXPRESSIONS:
        wanted = list(expected(expression, day_or=True))[:20]
        try:
            other = CronSim(expression, datetime(2025, 12, 31, 23, 59, tzinfo=UTC))
            found = [next(other).date() for _ in wanted]
        except CronSimError:
            found = []
        if found != wanted:
            differs.add(tuple(expression.split()[2::2]))
    stars = {(day, week) for day, week in differs if "*/" in f"{day}{week}"}
    # Ranges that leave nothing out are restrictions to cronsim, and none here.
    assert all("1-31" in pair or "0-6" in pair for pair in differs - stars)
    assert {("*/7", "1"), ("1", "*/2"), ("*/2", "*/2")} <= stars
