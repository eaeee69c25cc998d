"""Work pools on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.flow_runs import FlowRun
from runwright.core.instants import Instant
from runwright.core.states import StateType

WorkPoolStatus = Literal["READY", "NOT_READY", "PAUSED"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^/%&><]+$")]
Limit = Annotated[int, msgspec.Meta(ge=0)]


class StorageConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """How code reaches workers as a bundle, and where results go by default."""

    bundle_upload_step: limits.JsonMap | None = None
    bundle_execution_step: limits.JsonMap | None = None
    default_result_storage_block_id: UUID | None = None


class WorkPool(msgspec.Struct, frozen=True, kw_only=True):
    """A pool of workers of one type. Its runs go to its own workers only."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    type: str
    description: str | None = None
    base_job_template: dict[str, Any] = {}
    is_paused: bool = False
    concurrency_limit: int | None = None
    storage_configuration: StorageConfiguration = StorageConfiguration()
    default_queue_id: UUID | None = None
    #: PAUSED, else READY while any worker of it is alive.
    status: WorkPoolStatus | None = None
    #: Runs of it that hold a lease.
    active_slots: int | None = None


class WorkPoolCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/`. Its queue `default` is made with it."""

    name: Name
    description: limits.Description | None = None
    type: limits.Name = "process"
    #: Left empty: the template of the type.
    base_job_template: limits.SchemaMap = {}
    is_paused: bool = False
    concurrency_limit: Limit | None = None
    storage_configuration: StorageConfiguration = StorageConfiguration()


class WorkPoolUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /work_pools/{name}`. A field that is left out stays as it is."""

    description: limits.Description | msgspec.UnsetType | None = msgspec.UNSET
    is_paused: bool | msgspec.UnsetType | None = msgspec.UNSET
    base_job_template: limits.SchemaMap | msgspec.UnsetType | None = msgspec.UNSET
    concurrency_limit: Limit | msgspec.UnsetType | None = msgspec.UNSET
    storage_configuration: StorageConfiguration | msgspec.UnsetType | None = msgspec.UNSET


class PoolStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Who serves a pool, and how many runs are due in it."""

    id: UUID
    name: str
    workers_online: int
    last_heard_at: datetime | None = None
    due_runs: int = 0


class DueRunsOfPool(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/{name}/get_scheduled_flow_runs`. No queues means all of them."""

    work_queue_names: limits.Names = []
    scheduled_before: Instant | None = None
    scheduled_after: Instant | None = None
    limit: Limit | None = None


class DueRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that a worker of the pool may propose PENDING for."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: FlowRun


class SlotHolder(msgspec.Struct, frozen=True, kw_only=True):
    """A run that takes up a slot. Times in seconds."""

    id: UUID
    name: str
    state_type: StateType | None = None
    state_name: str | None = None
    start_time: datetime | None = None
    state_timestamp: datetime | None = None
    time_in_current_state: float | None = None


class QueueSlots(msgspec.Struct, frozen=True, kw_only=True):
    """The slots of one queue, and the first of those who hold them."""

    queue_id: UUID
    queue_name: str
    active_slots: int
    concurrency_limit: int | None = None
    flow_run_count: int | None = None
    flow_runs: list[SlotHolder] = []


class WorkPoolSlots(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /work_pools/{name}/concurrency_status`: a page of its queues."""

    active_slots: int
    count: int
    limit: int
    page: int
    pages: int
    concurrency_limit: int | None = None
    queues: list[QueueSlots] = []


class SlotsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of both `concurrency_status` requests. Pages count from 1."""

    page: Annotated[int, msgspec.Meta(ge=1)] = 1
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] | None = None
    flow_run_limit: Annotated[int, msgspec.Meta(ge=0, le=200)] = 10
