"""Deployments on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.filters import DeploymentFilter
from runwright.api.flow_runs import FlowRunPolicy
from runwright.api.schedules import PositiveInt, Schedule, ScheduleCreate, ScheduleUpdate
from runwright.api.states import StateCreate
from runwright.core.instants import Instant

DeploymentStatus = Literal["READY", "NOT_READY"]
DeploymentName = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^/%&><]+$")]
Retries = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Patterns = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=300)]], msgspec.Meta(max_length=200)
]


class ConcurrencyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a run that finds its deployment at its limit."""

    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]
    #: Seconds.
    grace_period_seconds: Annotated[int, msgspec.Meta(ge=60, le=86400)] | None = None


class VersionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where a version comes from: `type` is for example `vcs:git`."""

    type: limits.Name
    version: limits.Name


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A flow with what is needed to run it without anybody calling it."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    flow_id: UUID
    version: str | None = None
    version_info: dict[str, Any] | None = None
    description: str | None = None
    paused: bool = False
    schedules: list[Schedule] = []
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit: dict[str, Any] | None = None
    job_variables: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    pull_steps: list[dict[str, Any]] | None = None
    tags: list[str] = []
    labels: dict[str, Any] = {}
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    last_polled: datetime | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    path: str | None = None
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    created_by: dict[str, Any] | None = None
    updated_by: dict[str, Any] | None = None
    #: READY while a worker of its pool, or the process that serves it, is there.
    status: DeploymentStatus | None = "NOT_READY"
    enforce_parameter_schema: bool = True
    # Runwright's own: the flow's `retries`, which hold even for a process that died before it
    # had loaded the flow.
    retries: int = 0
    retry_delay_seconds: float | None = None
    #: Counts the changes of what its runs execute; None until the first one.
    version_number: int | None = None
    #: Job variables that a run may set without the scope `runs:infrastructure`: `cpus`,
    #: `env.LOG_LEVEL`, or patterns as `env.APP_*`.
    overridable_job_variables: list[str] = []


class DeploymentVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment executed from one change to the next."""

    number: int
    created: datetime
    version: str | None = None
    image: str | None = None
    entrypoint: str | None = None
    rolled_back_to: int | None = None
    created_by: dict[str, Any] | None = None
    content: dict[str, Any] = {}


class RollBack(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /deployments/{id}/rollback`. Without a number: the version before."""

    version_number: Annotated[int, msgspec.Meta(ge=1)] | None = None


class DeploymentCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /deployments/`: 201, or 200 when it replaced the one of that flow and name."""

    name: DeploymentName
    flow_id: UUID
    version: limits.Name | None = None
    version_info: VersionInfo | None = None
    description: limits.Description | None = None
    paused: bool = False
    #: Left out: the schedules there are stay. Given: these are the schedules, and no others.
    schedules: limits.Schedules[ScheduleCreate] | msgspec.UnsetType = msgspec.UNSET
    #: Runwright's own: read `schedules` as `PATCH` does, which keeps named ones that are not given.
    keep_named_schedules: bool | msgspec.UnsetType = msgspec.UNSET
    concurrency_limit: PositiveInt | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit_id: UUID | None = None
    enforce_parameter_schema: bool = True
    parameter_openapi_schema: limits.SchemaMap | None = None
    parameters: limits.Parameters = {}
    pull_steps: limits.Steps | None = None
    tags: limits.Tags = []
    labels: limits.Labels | None = None
    work_pool_name: limits.Name | None = None
    work_queue_name: limits.Name | None = None
    job_variables: limits.JsonMap | None = None
    path: limits.Path | None = None
    entrypoint: limits.Path | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    retries: Retries = 0
    retry_delay_seconds: Seconds | None = None
    #: See `Deployment`. Left out: what is there stays.
    overridable_job_variables: Patterns | msgspec.UnsetType = msgspec.UNSET


class DeploymentUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /deployments/{id}`. A field that is left out stays as it is."""

    version: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    version_info: VersionInfo | msgspec.UnsetType | None = msgspec.UNSET
    description: limits.Description | msgspec.UnsetType | None = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    schedules: limits.Schedules[ScheduleUpdate] | msgspec.UnsetType = msgspec.UNSET
    concurrency_limit: PositiveInt | msgspec.UnsetType | None = msgspec.UNSET
    concurrency_options: ConcurrencyOptions | msgspec.UnsetType | None = msgspec.UNSET
    global_concurrency_limit_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    enforce_parameter_schema: bool | msgspec.UnsetType | None = msgspec.UNSET
    parameter_openapi_schema: limits.SchemaMap | msgspec.UnsetType | None = msgspec.UNSET
    parameters: limits.Parameters | msgspec.UnsetType | None = msgspec.UNSET
    pull_steps: limits.Steps | msgspec.UnsetType | None = msgspec.UNSET
    tags: limits.Tags | msgspec.UnsetType = msgspec.UNSET
    work_pool_name: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    work_queue_name: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    job_variables: limits.JsonMap | msgspec.UnsetType | None = msgspec.UNSET
    path: limits.Path | msgspec.UnsetType | None = msgspec.UNSET
    entrypoint: limits.Path | msgspec.UnsetType | None = msgspec.UNSET
    # Blocks of older clients: taken, and of no effect.
    storage_document_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    infrastructure_document_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    retries: Retries | msgspec.UnsetType = msgspec.UNSET
    retry_delay_seconds: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    overridable_job_variables: Patterns | msgspec.UnsetType = msgspec.UNSET


class DeploymentPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of deployments; pages count from 1."""

    results: list[Deployment]
    count: int
    limit: int
    pages: int
    page: int


class DeploymentRunCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /deployments/{id}/create_flow_run`.

    Without a state the run is due at once. `state.state_details.scheduled_time` says when else.
    """

    state: StateCreate | None = None
    name: limits.Name | None = None
    #: They are laid over those of the deployment.
    parameters: limits.Parameters = {}
    enforce_parameter_schema: bool | None = None
    context: limits.JsonMap = {}
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy | None = None
    tags: limits.Tags = []
    idempotency_key: limits.Name | None = None
    labels: limits.Labels | None = None
    parent_task_run_id: UUID | None = None
    work_queue_name: limits.Name | None = None
    job_variables: limits.JsonMap | None = None


class CreatedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one run of a bulk creation."""

    status: Literal["CREATED", "FAILED"]
    flow_run_id: UUID | None = None
    error: str | None = None


class CreatedRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /deployments/{id}/create_flow_run/bulk`, in the order of the request."""

    results: list[CreatedRun]


class ScheduleRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /deployments/{id}/schedule`: make its scheduled runs now."""

    start_time: Instant | None = None
    end_time: Instant | None = None
    #: Seconds, or an ISO 8601 duration.
    min_time: float | timedelta | None = None
    min_runs: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    max_runs: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None


class DueRunsOfDeployments(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /deployments/get_scheduled_flow_runs`."""

    deployment_ids: limits.Ids
    scheduled_before: Instant | None = None
    limit: Annotated[int, msgspec.Meta(ge=0)] | None = None


class DeploymentsToDelete(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /deployments/bulk_delete`."""

    deployments: DeploymentFilter | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 50
