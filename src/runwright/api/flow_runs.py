"""Flow runs on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.filters import FlowRunFilter
from runwright.api.states import OrchestrationResult, StateCreate
from runwright.core.states import State, StateType


class FlowRunPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is retried and paused. The first two are the older names of the second two."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: float | None = None
    pause_keys: limits.Names | None = None
    resuming: bool | None = False
    retry_type: limits.Name | None = None


class FlowRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a flow. Durations are seconds."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    flow_version: str | None = None
    #: As they were given: every attempt gets these.
    parameters: dict[str, Any] = {}
    #: As they are shown to people: defaults filled in, secrets masked. None: as they were given.
    shown_parameters: dict[str, Any] | None = None
    idempotency_key: str | None = None
    context: dict[str, Any] = {}
    empirical_policy: dict[str, Any] = {}
    tags: list[str] = []
    labels: dict[str, Any] = {}
    parent_task_run_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    #: How late it started, or is.
    estimated_start_time_delta: float = 0.0
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    state: State | None = None
    # Runwright's own: the lineage, the budget of retries, and who runs it.
    parent_flow_run_id: UUID | None = None
    root_run_id: UUID | None = None
    attempt: int = 1
    retries: int = 0
    retries_used: int = 0
    worker_name: str | None = None
    #: How its process ended: exit code, signal, OOM kill, peak memory, last lines.
    exit_report: dict[str, Any] | None = None
    #: What it ran: the deployment's version when it was claimed, and the image of its container.
    deployment_version_number: int | None = None
    image: str | None = None
    image_digest: str | None = None


class FlowRunCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /flow_runs/`. A repeated idempotency key answers with the run there is."""

    flow_id: UUID
    id: UUID | None = None
    name: limits.Name | None = None
    state: StateCreate | None = None
    flow_version: limits.Name | None = None
    parameters: limits.Parameters = {}
    context: limits.JsonMap = {}
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = FlowRunPolicy()
    tags: limits.Tags = []
    labels: limits.Labels | None = None
    idempotency_key: limits.Name | None = None
    deployment_id: UUID | None = None
    work_pool_name: limits.Name | None = None
    work_queue_name: limits.Name | None = None
    job_variables: limits.JsonMap | None = None


class FlowRunUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /flow_runs/{id}`. A field that is left out stays as it is."""

    name: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    flow_version: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    parameters: limits.Parameters | msgspec.UnsetType = msgspec.UNSET
    empirical_policy: FlowRunPolicy | msgspec.UnsetType = msgspec.UNSET
    tags: limits.Tags | msgspec.UnsetType = msgspec.UNSET
    infrastructure_pid: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    job_variables: limits.JsonMap | msgspec.UnsetType | None = msgspec.UNSET


class FlowRunsToDelete(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/bulk_delete`."""

    flow_runs: FlowRunFilter | None = None
    limit: int | None = None


class BulkSetState(FlowRunsToDelete, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/bulk_set_state`."""

    state: StateCreate
    force: bool = False


class FlowRunPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of flow runs; pages count from 1."""

    results: list[FlowRun]
    count: int
    limit: int
    pages: int
    page: int


class DeletedIds(msgspec.Struct, frozen=True, kw_only=True):
    """What a bulk deletion deleted."""

    deleted: list[UUID]


class StuckRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that stands still for longer than it should."""

    flow_run: FlowRun
    since: datetime
    why: str


class FlowRunOrchestrationResult(OrchestrationResult, frozen=True, kw_only=True):
    """What became of a state proposed for one of many runs."""

    flow_run_id: UUID


class BulkStateResults(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a state proposed for many runs."""

    results: list[FlowRunOrchestrationResult]


class HistoryState(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs were in one state during an interval. Sums are seconds."""

    state_type: StateType
    state_name: str
    count_runs: int
    sum_estimated_run_time: float = 0.0
    sum_estimated_lateness: float = 0.0


class HistoryInterval(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of a history."""

    interval_start: datetime
    interval_end: datetime
    states: list[HistoryState]


class Rerun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /flow_runs/{id}/rerun`."""

    #: A lineage of its own, which finds no results of earlier attempts.
    fresh: bool = False


class ResumeRun(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/{id}/resume`."""

    run_input: limits.JsonMap | None = None
