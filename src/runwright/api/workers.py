"""Workers on the wire, as others see them. What a worker itself says is in `executions`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.filters import Criterion, TimeIs
from runwright.api.work_pools import Limit

WorkerStatus = Literal["ONLINE", "OFFLINE"]


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One worker process. Two that share a name are two workers."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    work_pool_id: UUID
    last_heartbeat_time: datetime | None = None
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = "OFFLINE"
    # Runwright's own.
    type: str | None = None
    version: str | None = None
    #: Empty means all queues of the pool.
    queues: list[str] = []
    limit: int | None = None
    #: Runs it holds now.
    executions: int = 0
    #: How its machine does: see `HostFigures`.
    host: dict[str, Any] | None = None


class WorkerHeartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/{pool}/workers/heartbeat`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    #: Seconds.
    heartbeat_interval_seconds: Annotated[int, msgspec.Meta(ge=1)] | None = None
    #: Answer with the worker's id instead of with nothing.
    return_id: bool = False


class WorkerId(msgspec.Struct, frozen=True, kw_only=True):
    """The worker that a heartbeat with `return_id` belongs to."""

    id: UUID


class WorkerStatusIs(Criterion, frozen=True, kw_only=True):
    """Alive or not."""

    any_: limits.Few[WorkerStatus] | None = None
    not_any_: limits.Few[WorkerStatus] | None = None


class WorkerFilter(Criterion, frozen=True, kw_only=True):
    """Which workers."""

    last_heartbeat_time: TimeIs | None = None
    status: WorkerStatusIs | None = None


class WorkerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/{pool}/workers/filter`."""

    workers: WorkerFilter | None = None
    limit: Limit | None = None
    offset: Annotated[int, msgspec.Meta(ge=0)] | None = None
