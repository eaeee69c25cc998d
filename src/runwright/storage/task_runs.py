"""How task runs are read."""

from datetime import datetime
from typing import Any

from runwright.api.task_runs import TaskRun
from runwright.core.states import TERMINAL, StateType
from runwright.storage.flow_runs import lateness
from runwright.storage.queries import Resource
from runwright.storage.tables import task_run

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
