"""Runs over time: bars of a chart, and how late runs were."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_, case, func, literal, or_, select

from runwright.api.filters import Filters
from runwright.api.flow_runs import HistoryInterval, HistoryState
from runwright.core.states import TERMINAL, StateType
from runwright.storage.filters import narrowed
from runwright.storage.tables import flow_run

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_ENDED = [str(kind) for kind in TERMINAL]
#: Beyond this many runs a chart shows some of them.
_MOST_RUNS = 1_000_000


def history(
    tx: "Transaction",
    table: Table,
    filters: Filters,
    *,
    start: datetime,
    end: datetime,
    step: timedelta,
) -> list[HistoryInterval]:
    """Runs of `table` by the interval in which they were expected, and by their state now."""
    bars: dict[int, list[HistoryState]] = defaultdict(list)
    for row in tx.execute(_summed(tx, table, filters, start=start, end=end, step=step)).all():
        bars[row.number].append(
            HistoryState(
                state_type=StateType(row.state_type),
                state_name=row.state_name,
                count_runs=row.count,
                sum_estimated_run_time=float(row.run_time or 0.0),
                sum_estimated_lateness=float(row.late or 0.0),
            )
        )
    intervals: list[HistoryInterval] = []
    number, at = 0, start
    while at < end:
        after = min(at + step, end)
        intervals.append(
            HistoryInterval(interval_start=at, interval_end=after, states=bars[number])
        )
        number, at = number + 1, at + step
    return intervals


def _summed(
    tx: "Transaction",
    table: Table,
    filters: Filters,
    *,
    start: datetime,
    end: datetime,
    step: timedelta,
) -> Any:
    """A row for each interval and state, summed up where the rows are."""
    c = table.c
    seconds, now = tx.dialect.seconds_between, literal(tx.now, c.start_time.type)
    since_start = tx.dialect.greatest(seconds(c.state_timestamp, now), 0.0)
    was_late = seconds(c.expected_start_time, func.coalesce(c.start_time, now))
    started_or_may = or_(c.start_time.is_not(None), c.state_type.not_in(_ENDED))
    runs = (
        select(
            tx.dialect.steps_between(start, c.expected_start_time, step).label("number"),
            c.state_type,
            c.state_name,
            (
                c.total_run_time
                + case((c.state_type == str(StateType.RUNNING), since_start), else_=0.0)
            ).label("run_time"),
            case((started_or_may, tx.dialect.greatest(was_late, 0.0)), else_=0.0).label("late"),
        )
        .where(c.expected_start_time >= start, c.expected_start_time < end)
        .where(c.state_type.is_not(None), *narrowed(table, filters))
        .limit(_MOST_RUNS)
        .subquery()
    ).c
    key = (runs.number, runs.state_type, runs.state_name)
    sums = (func.sum(runs.run_time).label("run_time"), func.sum(runs.late).label("late"))
    return select(*key, func.count().label("count"), *sums).group_by(*key).order_by(*key)


def average_lateness(tx: "Transaction", filters: Filters) -> float | None:
    """Seconds between expected and actual start, on average, of runs that started or still may."""
    c = flow_run.c
    lateness_in_seconds = tx.dialect.seconds_between(
        c.expected_start_time,
        # The bound value is typed by the column, so both databases subtract instants.
        func.coalesce(c.start_time, tx.now, type_=c.start_time.type),
    )
    started_or_may = or_(
        c.start_time.is_not(None),
        and_(c.state_type.not_in(_ENDED), c.expected_start_time <= tx.now),
    )
    late = tx.dialect.greatest(lateness_in_seconds, 0.0)
    average = tx.execute(
        select(func.avg(late).label("average")).where(
            started_or_may, c.expected_start_time.is_not(None), *narrowed(flow_run, filters)
        )
    ).scalar()
    return None if average is None else float(average)
