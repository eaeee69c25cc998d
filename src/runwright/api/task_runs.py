"""Task runs on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.states import StateCreate
from runwright.core.instants import Instant
from runwright.core.states import State, StateType


class TaskRunPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a task run is retried in its flow's process."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: float | limits.Delays | None = None
    retry_jitter_factor: float | None = None


class TaskRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a task. Durations are seconds."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    flow_run_id: UUID | None
    task_key: str
    dynamic_key: str
    task_version: str | None = None
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    empirical_policy: dict[str, Any] = {}
    tags: list[str] = []
    labels: dict[str, Any] = {}
    state_id: UUID | None = None
    task_inputs: dict[str, list[dict[str, Any]]] = {}
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    state: State | None = None


class TaskRunCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /task_runs/`: 201, or 200 with the task run of that flow run and key."""

    task_key: limits.Name
    dynamic_key: limits.Name
    flow_run_id: UUID | None = None
    id: UUID | None = None
    name: limits.Name | None = None
    state: StateCreate | None = None
    task_version: limits.Name | None = None
    cache_key: limits.Name | None = None
    cache_expiration: Instant | None = None
    empirical_policy: TaskRunPolicy = TaskRunPolicy()
    tags: limits.Tags = []
    labels: limits.Labels | None = None
    task_inputs: limits.TaskInputs = {}


class TaskRunUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /task_runs/{id}`."""

    name: limits.Name | msgspec.UnsetType = msgspec.UNSET


class StateCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many are in one state."""

    state_type: StateType
    count: int


class TaskRunPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of task runs; pages count from 1."""

    results: list[TaskRun]
    count: int
    limit: int
    pages: int
    page: int
