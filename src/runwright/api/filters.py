"""Filters: one Struct for each shape of criterion, one for each resource made of those shapes.

A criterion that is left out does not narrow anything. Criteria combine by `operator`.
"""

from typing import Literal
from uuid import UUID

import msgspec

from runwright.core.instants import Instant
from runwright.core.states import StateType

Operator = Literal["and_", "or_"]


class Criterion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition on one column."""

    operator: Operator = "and_"


class IdIs(Criterion, frozen=True, kw_only=True):
    """Among these ids, or not among them; where the column may be empty, empty or not."""

    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None
    is_null_: bool | None = None


class TextIs(Criterion, frozen=True, kw_only=True):
    """Equal to one of these, none of these, like it (any case), beginning with, there at all."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None
    like_: str | None = None
    startswith_: list[str] | None = None
    exists_: bool | None = None
    is_null_: bool | None = None


class TagsAre(Criterion, frozen=True, kw_only=True):
    """Has all of these tags, any of them, or none at all."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class TimeIs(Criterion, frozen=True, kw_only=True):
    """At or before, at or after, or not set."""

    before_: Instant | None = None
    after_: Instant | None = None
    is_null_: bool | None = None


class NumberIs(Criterion, frozen=True, kw_only=True):
    """Between two bounds, both included."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class FlagIs(Criterion, frozen=True, kw_only=True):
    """True or false."""

    eq_: bool | None = None


class NullIs(Criterion, frozen=True, kw_only=True):
    """Whether there is none."""

    is_null_: bool | None = None


class ExistsIs(Criterion, frozen=True, kw_only=True):
    """Whether there is one."""

    exists_: bool | None = None


class TextSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Words that must, and with a minus must not, be in the message."""

    query: str


class StateTypeIs(Criterion, frozen=True, kw_only=True):
    """Of these types, or of none of them."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class StateIs(Criterion, frozen=True, kw_only=True):
    """The present state."""

    type: StateTypeIs | None = None
    name: TextIs | None = None


class CreatorIs(Criterion, frozen=True, kw_only=True):
    """Who made it."""

    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None


class FlowFilter(Criterion, frozen=True, kw_only=True):
    """Which flows."""

    id: IdIs | None = None
    name: TextIs | None = None
    tags: TagsAre | None = None
    deployment: NullIs | None = None


class FlowRunFilter(Criterion, frozen=True, kw_only=True):
    """Which flow runs."""

    id: IdIs | None = None
    name: TextIs | None = None
    tags: TagsAre | None = None
    deployment_id: IdIs | None = None
    work_queue_name: TextIs | None = None
    state: StateIs | None = None
    flow_version: TextIs | None = None
    start_time: TimeIs | None = None
    end_time: TimeIs | None = None
    expected_start_time: TimeIs | None = None
    next_scheduled_start_time: TimeIs | None = None
    parent_flow_run_id: IdIs | None = None
    parent_task_run_id: IdIs | None = None
    idempotency_key: TextIs | None = None
    created_by: CreatorIs | None = None
    # Runwright's own: all attempts of one lineage, and what one worker process took.
    root_run_id: IdIs | None = None
    worker_id: IdIs | None = None


class TaskRunFilter(Criterion, frozen=True, kw_only=True):
    """Which task runs."""

    id: IdIs | None = None
    name: TextIs | None = None
    tags: TagsAre | None = None
    state: StateIs | None = None
    start_time: TimeIs | None = None
    end_time: TimeIs | None = None
    expected_start_time: TimeIs | None = None
    subflow_runs: ExistsIs | None = None
    flow_run_id: IdIs | None = None


class DeploymentFilter(Criterion, frozen=True, kw_only=True):
    """Which deployments."""

    id: IdIs | None = None
    name: TextIs | None = None
    flow_or_deployment_name: TextIs | None = None
    paused: FlagIs | None = None
    tags: TagsAre | None = None
    work_queue_name: TextIs | None = None
    concurrency_limit: NumberIs | None = None


class WorkPoolFilter(Criterion, frozen=True, kw_only=True):
    """Which work pools."""

    id: IdIs | None = None
    name: TextIs | None = None
    type: TextIs | None = None


class WorkQueueFilter(Criterion, frozen=True, kw_only=True):
    """Which work queues."""

    id: IdIs | None = None
    name: TextIs | None = None


class LogFilter(Criterion, frozen=True, kw_only=True):
    """Which log records."""

    flow_run_id: IdIs | None = None
    task_run_id: IdIs | None = None
    level: NumberIs | None = None
    timestamp: TimeIs | None = None
    text: TextSearch | None = None


class ArtifactFilter(Criterion, frozen=True, kw_only=True):
    """Which artifacts."""

    id: IdIs | None = None
    key: TextIs | None = None
    flow_run_id: IdIs | None = None
    task_run_id: IdIs | None = None
    type: TextIs | None = None


class VariableFilter(Criterion, frozen=True, kw_only=True):
    """Which variables."""

    id: IdIs | None = None
    name: TextIs | None = None
    tags: TagsAre | None = None


class BlockTypeFilter(Criterion, frozen=True, kw_only=True):
    """Which types of blocks."""

    name: TextIs | None = None
    slug: TextIs | None = None


class BlockSchemaFilter(Criterion, frozen=True, kw_only=True):
    """Which schemas of blocks."""

    id: IdIs | None = None
    block_type_id: IdIs | None = None
    block_capabilities: TagsAre | None = None
    version: TextIs | None = None


class BlockDocumentFilter(Criterion, frozen=True, kw_only=True):
    """Which blocks."""

    id: IdIs | None = None
    name: TextIs | None = None
    is_anonymous: FlagIs | None = None
    block_type_id: IdIs | None = None


class AutomationFilter(Criterion, frozen=True, kw_only=True):
    """Which automations."""

    id: IdIs | None = None
    name: TextIs | None = None
    tags: TagsAre | None = None
    created: TimeIs | None = None


class Filters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Criteria on a resource and on what it is related to: the body of every `/count`."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None
    artifacts: ArtifactFilter | None = None
    logs: LogFilter | None = None
    variables: VariableFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None
    block_documents: BlockDocumentFilter | None = None
    automations: AutomationFilter | None = None


class Query(Filters, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every `/filter`. `limit` is 200 at most, and 200 when left out."""

    sort: str | None = None
    limit: int | None = None
    offset: int | None = None


class PageQuery(Filters, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every `/paginate`. Pages count from 1."""

    sort: str | None = None
    limit: int | None = None
    page: int | None = None
