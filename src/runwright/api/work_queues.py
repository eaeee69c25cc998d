"""Work queues on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.filters import WorkQueueFilter
from runwright.api.schedules import PositiveInt
from runwright.api.work_pools import Limit, Name, SlotHolder
from runwright.core.instants import Instant

WorkQueueStatus = Literal["READY", "NOT_READY", "PAUSED"]


class WorkQueue(msgspec.Struct, frozen=True, kw_only=True):
    """A line before the workers of a pool. The queue of priority 1 is served first."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int = 1
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    filter: dict[str, Any] | None = None
    last_polled: datetime | None = None
    #: PAUSED, else READY while it has been polled lately.
    status: WorkQueueStatus | None = None
    #: Runs of it that hold a lease.
    active_slots: int | None = None


class WorkQueueCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/{pool}/queues` and of `POST /work_queues/`."""

    name: Name
    description: limits.Description | None = ""
    is_paused: bool = False
    concurrency_limit: Limit | None = None
    #: Left out: after all others. Given: those from there on move back by one.
    priority: PositiveInt | None = None
    filter: limits.JsonMap | None = None


class WorkQueueUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of a `PATCH` of a queue. A field that is left out stays as it is."""

    name: Name | msgspec.UnsetType | None = msgspec.UNSET
    description: limits.Description | msgspec.UnsetType | None = msgspec.UNSET
    is_paused: bool | msgspec.UnsetType = msgspec.UNSET
    concurrency_limit: Limit | msgspec.UnsetType | None = msgspec.UNSET
    priority: PositiveInt | msgspec.UnsetType | None = msgspec.UNSET
    #: Of older clients: runs are placed into queues when they are made, never by a filter.
    filter: limits.JsonMap | msgspec.UnsetType | None = msgspec.UNSET
    last_polled: Instant | msgspec.UnsetType | None = msgspec.UNSET


class WorkQueueQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/{pool}/queues/filter` and of `POST /work_queues/filter`."""

    work_queues: WorkQueueFilter | None = None
    limit: Limit | None = None
    offset: Annotated[int, msgspec.Meta(ge=0)] | None = None


class DueRunsOfQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_queues/{id}/get_runs`."""

    scheduled_before: Instant | None = None
    limit: Limit | None = None


class HealthPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a healthy queue may show at most. Seconds and runs."""

    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60


class QueueHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /work_queues/{id}/status`."""

    healthy: bool
    late_runs_count: int = 0
    last_polled: Instant | None = None
    health_check_policy: HealthPolicy = HealthPolicy()


class WorkQueueSlots(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /work_queues/{id}/concurrency_status`: a page of those who hold slots."""

    active_slots: int
    count: int
    limit: int
    page: int
    pages: int
    concurrency_limit: int | None = None
    flow_runs: list[SlotHolder] = []
