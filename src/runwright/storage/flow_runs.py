"""How flow runs are read."""

from datetime import datetime
from typing import Any

from runwright.api.flow_runs import FlowRun
from runwright.core.states import TERMINAL, StateType
from runwright.storage.queries import Resource
from runwright.storage.tables import flow_run, work_pool, work_queue

_PLAIN = [
    "id",
    "created",
    "updated",
    "name",
    "flow_id",
    "state_id",
    "deployment_id",
    "deployment_version",
    "work_queue_id",
    "work_pool_id",
    "flow_version",
    "parameters",
    "shown_parameters",
    "idempotency_key",
    "context",
    "empirical_policy",
    "tags",
    "labels",
    "parent_task_run_id",
    "state_type",
    "state_name",
    "run_count",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
    "total_run_time",
    "auto_scheduled",
    "infrastructure_pid",
    "created_by",
    "job_variables",
    "state",
    "parent_flow_run_id",
    "root_run_id",
    "attempt",
    "retries",
    "retries_used",
    "worker_name",
    "exit_report",
    "deployment_version_number",
    "image",
    "image_digest",
]
_ENDED = frozenset(str(kind) for kind in TERMINAL)


def lateness(expected: datetime | None, start: datetime | None, now: datetime) -> float:
    """Seconds between when it should have started and when it did, or now."""
    if expected is None:
        return 0.0
    return max(0.0, ((start or now) - expected).total_seconds())


def _to_wire(row: Any, now: datetime) -> FlowRun:
    running = row.state_type == StateType.RUNNING
    so_far = lateness(row.state_timestamp, None, now) if running else 0.0
    never_started = row.start_time is None and row.state_type in _ENDED
    fields = dict(zip(_PLAIN, row, strict=False))
    return FlowRun(
        **fields,
        work_pool_name=row.work_pool_name,
        work_queue_name=row.work_queue_name,
        estimated_run_time=row.total_run_time + max(0.0, so_far),
        estimated_start_time_delta=0.0
        if never_started
        else lateness(row.expected_start_time, row.start_time, now),
    )


_c = flow_run.c
FLOW_RUNS: Resource[FlowRun] = Resource(
    table=flow_run,
    columns=(
        *(_c[name] for name in _PLAIN),
        work_pool.c.name.label("work_pool_name"),
        work_queue.c.name.label("work_queue_name"),
        _c.state_timestamp,
    ),
    source=flow_run.outerjoin(work_pool, work_pool.c.id == _c.work_pool_id).outerjoin(
        work_queue, work_queue.c.id == _c.work_queue_id
    ),
    to_wire=_to_wire,
    as_stored=True,
    sorts={
        "ID_DESC": (_c.id.desc(),),
        # What has not started is first in one and last in the other, and an index gives both.
        "START_TIME_ASC": (_c.start_time.asc().nulls_first(), _c.id.asc()),
        "START_TIME_DESC": (_c.start_time.desc().nulls_last(), _c.id.desc()),
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
