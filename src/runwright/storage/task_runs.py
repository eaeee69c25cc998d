"""How task runs are read."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, select

from runwright.api.filters import Filters
from runwright.api.task_runs import StateCount, TaskRun
from runwright.core.states import TERMINAL, StateType
from runwright.storage.filters import narrowed
from runwright.storage.flow_runs import lateness
from runwright.storage.queries import Resource, read_where
from runwright.storage.tables import task_run

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

#: The input under which a task run names the task runs around its call.
AROUND = "__parents__"
_PLAIN = [
    "id",
    "created",
    "updated",
    "name",
    "flow_run_id",
    "task_key",
    "dynamic_key",
    "task_version",
    "cache_key",
    "cache_expiration",
    "empirical_policy",
    "tags",
    "labels",
    "state_id",
    "task_inputs",
    "state_type",
    "state_name",
    "run_count",
    "flow_run_run_count",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
    "total_run_time",
    "state",
]
_ENDED = frozenset(str(kind) for kind in TERMINAL)


def _to_wire(row: Any, now: datetime) -> TaskRun:
    running = row.state_type == StateType.RUNNING
    so_far = lateness(row.state_timestamp, None, now) if running else 0.0
    never_started = row.start_time is None and row.state_type in _ENDED
    return TaskRun(
        **dict(zip(_PLAIN, row, strict=False)),
        estimated_run_time=row.total_run_time + max(0.0, so_far),
        estimated_start_time_delta=0.0
        if never_started
        else lateness(row.expected_start_time, row.start_time, now),
    )


_c = task_run.c
TASK_RUNS: Resource[TaskRun] = Resource(
    table=task_run,
    columns=(*(_c[name] for name in _PLAIN), _c.state_timestamp),
    to_wire=_to_wire,
    as_stored=True,
    sorts={
        "ID_DESC": (_c.id.desc(),),
        "EXPECTED_START_TIME_ASC": (_c.expected_start_time.asc(), _c.id),
        "EXPECTED_START_TIME_DESC": (_c.expected_start_time.desc(), _c.id.desc()),
        "NAME_ASC": (_c.name.asc(), _c.id),
        "NAME_DESC": (_c.name.desc(), _c.id),
        "NEXT_SCHEDULED_START_TIME_ASC": (
            _c.next_scheduled_start_time.asc().nulls_last(),
            _c.id,
        ),
        "END_TIME_DESC": (_c.end_time.desc().nulls_last(), _c.id),
    },
)


def count_by_state(tx: "Transaction", filters: Filters) -> list[StateCount]:
    """How many meet the filters, by their state."""
    number = func.count().label("number")
    rows = tx.execute(
        select(_c.state_type, number)
        .where(_c.state_type.is_not(None), *narrowed(task_run, filters))
        .group_by(_c.state_type)
        .order_by(_c.state_type)
    )
    return [StateCount(state_type=StateType(row.state_type), count=row.number) for row in rows]


def dependents(tx: "Transaction", upstream: TaskRun) -> list[TaskRun]:
    """Those of the same flow run that took its result, 200 at most."""
    mentions = cast(_c.task_inputs, Text).contains(str(upstream.id))
    found = read_where(tx, TASK_RUNS, _c.flow_run_id == upstream.flow_run_id, mentions)
    return [each for each in found if _takes(each, str(upstream.id))]


def _takes(run: TaskRun, id_: str) -> bool:
    """Whether it is among the inputs, not merely around the call."""
    inputs = (each for name, taken in run.task_inputs.items() if name != AROUND for each in taken)
    return any(each.get("input_type") == "task_run" and each.get("id") == id_ for each in inputs)
