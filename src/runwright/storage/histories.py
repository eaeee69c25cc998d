"""Runs over time: bars of a chart, and how late runs were."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_, func, or_, select

from runwright.api.filters import Filters
from runwright.api.flow_runs import HistoryInterval, HistoryState
from runwright.core.states import TERMINAL, StateType
from runwright.storage.filters import narrowed
from runwright.storage.flow_runs import lateness
from runwright.storage.tables import flow_run

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_ENDED = [str(kind) for kind in TERMINAL]
#: Beyond this many runs a chart shows the first of them.
_MOST_RUNS = 100_000


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
    c = table.c
    rows = tx.execute(
        select(
            c.expected_start_time,
            c.start_time,
            c.state_type,
            c.state_name,
            c.state_timestamp,
            c.total_run_time,
        )
        .where(c.expected_start_time >= start, c.expected_start_time < end)
        .where(c.state_type.is_not(None), *narrowed(table, filters))
        .limit(_MOST_RUNS)
    ).all()
    bars: dict[int, dict[tuple[str, str], list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        bars[(row.expected_start_time - start) // step][row.state_type, row.state_name].append(row)
    intervals: list[HistoryInterval] = []
    number, at = 0, start
    while at < end:
        states = [
            _bar(kind, name, found, tx.now) for (kind, name), found in sorted(bars[number].items())
        ]
        after = min(at + step, end)
        intervals.append(HistoryInterval(interval_start=at, interval_end=after, states=states))
        number, at = number + 1, at + step
    return intervals


def _bar(kind: str, name: str, rows: list[Any], now: datetime) -> HistoryState:
    run_time = late = 0.0
    for row in rows:
        run_time += row.total_run_time
        if kind == StateType.RUNNING:
            run_time += max(0.0, (now - row.state_timestamp).total_seconds())
        if row.start_time is not None or kind not in _ENDED:
            late += lateness(row.expected_start_time, row.start_time, now)
    return HistoryState(
        state_type=StateType(kind),
        state_name=name,
        count_runs=len(rows),
        sum_estimated_run_time=run_time,
        sum_estimated_lateness=late,
    )


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
