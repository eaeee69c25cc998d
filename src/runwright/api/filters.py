"""Filters: one Struct for each shape of criterion, one for each resource made of those shapes.

A criterion that is left out does not narrow anything. Criteria combine by `operator`. A field that
is not known is refused: a filter without it would match everything.
"""

from typing import Literal

import msgspec

from runwright.api import limits
from runwright.core.instants import Instant
from runwright.core.states import StateType

Operator = Literal["and_", "or_"]


class Criterion(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """One condition on one column."""

    operator: Operator = "and_"


class IdIs(Criterion, frozen=True, kw_only=True):
    """Among these ids, or not among them; where the column may be empty, empty or not."""

    any_: limits.FilterIds | None = None
    not_any_: limits.FilterIds | None = None
    is_null_: bool | None = None


class TextIs(Criterion, frozen=True, kw_only=True):
    """Equal to one of these, none of these, like it (any case), beginning with, there at all."""

    any_: limits.FilterTexts | None = None
    not_any_: limits.FilterTexts | None = None
    like_: limits.SearchText | None = None
    startswith_: limits.FilterPrefixes | None = None
    exists_: bool | None = None
    is_null_: bool | None = None


class TextLike(Criterion, frozen=True, kw_only=True):
    """Contains this, in any case."""

    like_: limits.SearchText | None = None


class TagsAre(Criterion, frozen=True, kw_only=True):
    """Has all of these tags, any of them, or none at all."""

    all_: limits.FilterTexts | None = None
    any_: limits.FilterTexts | None = None
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


class TextSearch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that must, and with a minus must not, be in the message."""

    query: limits.SearchText


class StateTypeIs(Criterion, frozen=True, kw_only=True):
    """Of these types, or of none of them."""

    any_: limits.Few[StateType] | None = None
    not_any_: limits.Few[StateType] | None = None


class StateIs(Criterion, frozen=True, kw_only=True):
    """The present state."""

    type: StateTypeIs | None = None
    name: TextIs | None = None


class CreatorIs(Criterion, frozen=True, kw_only=True):
    """Who made it."""

    id_: limits.FilterIds | None = None
    type_: limits.FilterTexts | None = None
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
    flow_or_deployment_name: TextLike | None = None
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


class LatestArtifactFilter(ArtifactFilter, frozen=True, kw_only=True):
    """Which of the newest artifacts of each key."""

    latest_id: IdIs | None = None


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


class FilterBody(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Criteria on one resource, and on those that it is related to."""


class Filters(FilterBody, frozen=True, kw_only=True):
    """Criteria on flows, runs and deployments, and on what those are related to: their `/count`."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None


class Paging(FilterBody, frozen=True, kw_only=True):
    """Which part of a list. `limit` is 200 at most, and 200 when left out."""

    sort: limits.Name | None = None
    limit: int | None = None
    offset: int | None = None


class Query(Paging, frozen=True, kw_only=True):
    """Flows, runs or deployments: the body of their `/filter`."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None


class FlowQuery(Query, frozen=True, kw_only=True):
    """Body of `POST /flows/filter`."""

    #: The same as `work_pool_queues`, as Prefect's client calls them.
    work_queues: WorkQueueFilter | None = None


class PageQuery(Filters, frozen=True, kw_only=True):
    """Flows, runs or deployments by pages: the body of their `/paginate`. Pages count from 1."""

    sort: limits.Name | None = None
    limit: int | None = None
    page: int | None = None


class ArtifactFilters(FilterBody, frozen=True, kw_only=True):
    """Criteria on artifacts and on the runs that made them."""

    artifacts: ArtifactFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    flows: FlowFilter | None = None
    deployments: DeploymentFilter | None = None


class ArtifactQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /artifacts/filter`."""

    artifacts: ArtifactFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    flows: FlowFilter | None = None
    deployments: DeploymentFilter | None = None


class LatestArtifactFilters(ArtifactFilters, frozen=True, kw_only=True):
    """The same of the newest artifact of each key."""

    artifacts: LatestArtifactFilter | None = None


class LatestArtifactQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /artifacts/latest/filter`."""

    artifacts: LatestArtifactFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    flows: FlowFilter | None = None
    deployments: DeploymentFilter | None = None


class LogQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /logs/filter`."""

    logs: LogFilter | None = None


class WorkPoolFilters(FilterBody, frozen=True, kw_only=True):
    """Body of `POST /work_pools/count`."""

    work_pools: WorkPoolFilter | None = None


class WorkPoolQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /work_pools/filter`."""

    work_pools: WorkPoolFilter | None = None


class VariableFilters(FilterBody, frozen=True, kw_only=True):
    """Body of `POST /variables/count`."""

    variables: VariableFilter | None = None


class VariableQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /variables/filter`."""

    variables: VariableFilter | None = None


class BlockTypeQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /block_types/filter`."""

    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class BlockSchemaQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /block_schemas/filter`."""

    block_schemas: BlockSchemaFilter | None = None


class BlockDocumentFilters(FilterBody, frozen=True, kw_only=True):
    """Body of `POST /block_documents/count`."""

    block_documents: BlockDocumentFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class BlockDocumentQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /block_documents/filter`."""

    block_documents: BlockDocumentFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None
    include_secrets: bool = False
    #: Of Prefect's client, which always sends it: of no effect.
    block_schema_type: limits.Name | None = None


class AutomationFilters(FilterBody, frozen=True, kw_only=True):
    """Body of `POST /automations/count`."""

    automations: AutomationFilter | None = None


class AutomationQuery(Paging, frozen=True, kw_only=True):
    """Body of `POST /automations/filter`."""

    automations: AutomationFilter | None = None
