"""Filters of resources as conditions, and the ways from one resource to another.

`narrowed(flow_run, filters)` are the conditions that every filter of a request puts on the flow
runs it selects; those on other resources become EXISTS.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, Table, and_, exists, not_, or_, select

from runwright.api.filters import (
    ArtifactFilter,
    AutomationFilter,
    BlockDocumentFilter,
    BlockSchemaFilter,
    BlockTypeFilter,
    Criterion,
    DeploymentFilter,
    ExistsIs,
    FilterBody,
    FlowFilter,
    FlowRunFilter,
    IdIs,
    LatestArtifactFilter,
    LogFilter,
    NullIs,
    StateIs,
    TaskRunFilter,
    TextIs,
    TextLike,
    VariableFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from runwright.storage.criteria import Condition, among, condition_on, joined, like
from runwright.storage.tables import (
    artifact,
    automation,
    block_document,
    block_schema,
    block_type,
    deployment,
    flow,
    flow_run,
    log,
    task_run,
    variable,
    work_pool,
    work_queue,
)

#: The member of a body that filters each table.
_MEMBER: dict[Table, str] = {
    flow: "flows",
    flow_run: "flow_runs",
    task_run: "task_runs",
    deployment: "deployments",
    work_pool: "work_pools",
    work_queue: "work_pool_queues",
    artifact: "artifacts",
    log: "logs",
    variable: "variables",
    block_type: "block_types",
    block_schema: "block_schemas",
    block_document: "block_documents",
    automation: "automations",
}

#: How a row of the first table is related to rows of the second: the tables between, and the
#: condition that ties them.
_WAYS: dict[tuple[Table, Table], tuple[tuple[Table, ...], Condition]] = {
    (block_document, block_type): ((), block_type.c.id == block_document.c.block_type_id),
    (block_document, block_schema): ((), block_schema.c.id == block_document.c.block_schema_id),
    (block_type, block_schema): ((), block_schema.c.block_type_id == block_type.c.id),
    (flow_run, flow): ((), flow.c.id == flow_run.c.flow_id),
    (flow_run, task_run): ((), task_run.c.flow_run_id == flow_run.c.id),
    (flow_run, deployment): ((), deployment.c.id == flow_run.c.deployment_id),
    (flow_run, work_pool): ((), work_pool.c.id == flow_run.c.work_pool_id),
    (flow_run, work_queue): ((), work_queue.c.id == flow_run.c.work_queue_id),
    (flow, flow_run): ((), flow_run.c.flow_id == flow.c.id),
    (flow, task_run): (
        (flow_run,),
        and_(flow_run.c.flow_id == flow.c.id, task_run.c.flow_run_id == flow_run.c.id),
    ),
    (flow, deployment): ((), deployment.c.flow_id == flow.c.id),
    (flow, work_queue): (
        (deployment,),
        and_(deployment.c.flow_id == flow.c.id, work_queue.c.id == deployment.c.work_queue_id),
    ),
    (flow, work_pool): (
        (deployment, work_queue),
        and_(
            deployment.c.flow_id == flow.c.id,
            work_queue.c.id == deployment.c.work_queue_id,
            work_pool.c.id == work_queue.c.work_pool_id,
        ),
    ),
    (task_run, flow_run): ((), flow_run.c.id == task_run.c.flow_run_id),
    (task_run, flow): (
        (flow_run,),
        and_(flow_run.c.id == task_run.c.flow_run_id, flow.c.id == flow_run.c.flow_id),
    ),
    (task_run, deployment): (
        (flow_run,),
        and_(flow_run.c.id == task_run.c.flow_run_id, deployment.c.id == flow_run.c.deployment_id),
    ),
    (task_run, work_pool): (
        (flow_run,),
        and_(flow_run.c.id == task_run.c.flow_run_id, work_pool.c.id == flow_run.c.work_pool_id),
    ),
    (task_run, work_queue): (
        (flow_run,),
        and_(flow_run.c.id == task_run.c.flow_run_id, work_queue.c.id == flow_run.c.work_queue_id),
    ),
    (deployment, flow): ((), flow.c.id == deployment.c.flow_id),
    (deployment, flow_run): ((), flow_run.c.deployment_id == deployment.c.id),
    (deployment, task_run): (
        (flow_run,),
        and_(flow_run.c.deployment_id == deployment.c.id, task_run.c.flow_run_id == flow_run.c.id),
    ),
    (deployment, work_queue): ((), work_queue.c.id == deployment.c.work_queue_id),
    (deployment, work_pool): (
        (work_queue,),
        and_(
            work_queue.c.id == deployment.c.work_queue_id,
            work_pool.c.id == work_queue.c.work_pool_id,
        ),
    ),
    (work_queue, work_pool): ((), work_pool.c.id == work_queue.c.work_pool_id),
    (artifact, flow_run): ((), flow_run.c.id == artifact.c.flow_run_id),
    (artifact, task_run): ((), task_run.c.id == artifact.c.task_run_id),
    (artifact, flow): (
        (flow_run,),
        and_(flow_run.c.id == artifact.c.flow_run_id, flow.c.id == flow_run.c.flow_id),
    ),
    (artifact, deployment): (
        (flow_run,),
        and_(flow_run.c.id == artifact.c.flow_run_id, deployment.c.id == flow_run.c.deployment_id),
    ),
}

#: Where a row says itself to which row of the other table it belongs.
_REFERENCE: dict[tuple[Table, Table], Column[Any]] = {
    (flow_run, flow): flow_run.c.flow_id,
    (flow_run, deployment): flow_run.c.deployment_id,
    (flow_run, work_pool): flow_run.c.work_pool_id,
    (flow_run, work_queue): flow_run.c.work_queue_id,
    (task_run, flow_run): task_run.c.flow_run_id,
    (deployment, flow): deployment.c.flow_id,
    (artifact, flow_run): artifact.c.flow_run_id,
}


def narrowed(table: Table, filters: FilterBody) -> list[Condition]:
    """The conditions that `filters` put on the rows of `table`."""
    conditions: list[Condition] = []
    own = getattr(filters, _MEMBER[table], None) if table in _MEMBER else None
    if own is not None and (condition := condition_of(own)) is not None:
        conditions.append(condition)
    for other, name in _MEMBER.items():
        criteria = getattr(filters, name, None)
        if other is table or criteria is None:
            continue
        way = _WAYS[table, other]  # else its body would not have that member
        reference, one = _REFERENCE.get((table, other)), _only_id(criteria)
        if reference is not None and one is not None:
            conditions.append(reference == one)  # of which there is an index, in the usual order
            continue
        between, tie = way
        related = select(1).select_from(other, *between).where(tie)
        if (condition := condition_of(criteria)) is not None:
            related = related.where(condition)
        conditions.append(exists(related.correlate(table)))
    return conditions


def _only_id(criteria: Criterion) -> UUID | None:
    """The one id that is asked for, where nothing else is."""
    given = [name for name in criteria.__struct_fields__ if getattr(criteria, name) is not None]
    ids = getattr(criteria, "id", None)
    if given not in (["operator", "id"], ["id", "operator"]) or not isinstance(ids, IdIs):
        return None
    if ids.any_ is None or (ids.not_any_, ids.is_null_) != (None, None):
        return None
    return ids.any_[0] if len(ids.any_) == 1 else None


def condition_of(criteria: Criterion) -> Condition | None:
    """The condition that the filter of one resource puts on its table."""
    table = _TABLE[type(criteria)]
    conditions: list[Condition] = []
    for name in criteria.__struct_fields__:
        criterion = getattr(criteria, name)
        if name == "operator" or criterion is None:
            continue
        special = _SPECIAL.get((type(criteria), name))
        if special is not None:
            condition = special(criterion)
        elif isinstance(criterion, StateIs):
            condition = _state_is(table, criterion)
        else:
            condition = condition_on(table.c["message" if name == "text" else name], criterion)
        if condition is not None:
            conditions.append(condition)
    return joined(criteria.operator, conditions)


def _state_is(table: Table, criterion: StateIs) -> Condition | None:
    conditions = [
        condition_on(table.c[column], part)
        for column, part in (("state_type", criterion.type), ("state_name", criterion.name))
        if part is not None
    ]
    return joined(criterion.operator, [c for c in conditions if c is not None])


def _flow_has_deployment(criterion: NullIs) -> Condition | None:
    if criterion.is_null_ is None:
        return None
    has_one = exists(select(1).where(deployment.c.flow_id == flow.c.id).correlate(flow))
    return not_(has_one) if criterion.is_null_ else has_one


def _queue_name(table: Table) -> Callable[[TextIs], Condition | None]:
    def condition(criterion: TextIs) -> Condition | None:
        parts: list[Condition] = (
            []
            if criterion.is_null_ is None
            else [
                table.c.work_queue_id.is_(None)
                if criterion.is_null_
                else table.c.work_queue_id.is_not(None)
            ]
        )
        named = condition_on(work_queue.c.name, msgspec.structs.replace(criterion, is_null_=None))
        if named is not None:
            tied = select(1).where(work_queue.c.id == table.c.work_queue_id, named)
            parts.append(exists(tied.correlate(table)))
        return joined(criterion.operator, parts)

    return condition


def _child_of(criterion: IdIs) -> Condition | None:
    by_flow_run = condition_on(flow_run.c.parent_flow_run_id, criterion)
    if by_flow_run is None or not criterion.any_:
        return by_flow_run
    # Peers' clients tell the parent task run alone.
    by_task_run = flow_run.c.parent_task_run_id.in_(
        select(task_run.c.id).where(among(task_run.c.flow_run_id, criterion.any_))
    )
    return or_(by_flow_run, by_task_run)


def _has_subflow(criterion: ExistsIs) -> Condition | None:
    if criterion.exists_ is None:
        return None
    child = flow_run.alias("child")
    has_one = exists(
        select(1).where(child.c.parent_task_run_id == task_run.c.id).correlate(task_run)
    )
    return has_one if criterion.exists_ else not_(has_one)


def _flow_or_deployment_name(criterion: TextLike) -> Condition | None:
    if criterion.like_ is None:
        return None
    of_flow = select(1).where(flow.c.id == deployment.c.flow_id, like(flow.c.name, criterion.like_))
    return or_(like(deployment.c.name, criterion.like_), exists(of_flow.correlate(deployment)))


_TABLE: dict[type, Table] = {
    FlowFilter: flow,
    FlowRunFilter: flow_run,
    TaskRunFilter: task_run,
    DeploymentFilter: deployment,
    WorkPoolFilter: work_pool,
    WorkQueueFilter: work_queue,
    LogFilter: log,
    ArtifactFilter: artifact,
    LatestArtifactFilter: artifact,
    VariableFilter: variable,
    BlockTypeFilter: block_type,
    BlockSchemaFilter: block_schema,
    BlockDocumentFilter: block_document,
    AutomationFilter: automation,
}
_SPECIAL: dict[tuple[type, str], Callable[[Any], Condition | None]] = {
    (BlockSchemaFilter, "block_capabilities"): lambda criterion: condition_on(
        block_schema.c.capabilities, criterion
    ),
    (LatestArtifactFilter, "latest_id"): lambda criterion: condition_on(artifact.c.id, criterion),
    (FlowFilter, "deployment"): _flow_has_deployment,
    (FlowRunFilter, "work_queue_name"): _queue_name(flow_run),
    (FlowRunFilter, "parent_flow_run_id"): _child_of,
    (TaskRunFilter, "subflow_runs"): _has_subflow,
    (DeploymentFilter, "work_queue_name"): _queue_name(deployment),
    (DeploymentFilter, "flow_or_deployment_name"): _flow_or_deployment_name,
}
