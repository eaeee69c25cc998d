"""Makes a flow run that somebody asked for: `POST /flow_runs/`."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select

from runwright.api.flow_runs import FlowRunCreate
from runwright.core.masks import shown_of
from runwright.core.run_names import run_name
from runwright.server.policy import Policy
from runwright.server.problems import Conflict, Missing
from runwright.server.use_cases.job_overrides import refuse_overrides, refuse_placing
from runwright.server.use_cases.move_run import state_of
from runwright.storage.engine import Transaction
from runwright.storage.moves import begin_in
from runwright.storage.runs import insert_run, lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment, flow, flow_run, task_run, work_pool, work_queue

_FLOW = Prepared(select(flow.c.id).where(flow.c.id == bindparam("flow_id")))
_OF_KEY = Prepared(
    select(flow_run.c.id).where(
        flow_run.c.flow_id == bindparam("flow_id"), flow_run.c.idempotency_key == bindparam("key")
    )
)
_PARENT = Prepared(select(task_run.c.flow_run_id).where(task_run.c.id == bindparam("task_run_id")))
_DEPLOYMENT = Prepared(
    select(
        deployment.c.retries,
        deployment.c.retry_delay_seconds,
        deployment.c.version,
        deployment.c.parameter_openapi_schema,
        deployment.c.work_queue_id,
        deployment.c.overridable_job_variables,
        work_queue.c.work_pool_id,
    )
    .select_from(deployment.outerjoin(work_queue, work_queue.c.id == deployment.c.work_queue_id))
    .where(deployment.c.id == bindparam("deployment_id"))
)


class CreatedRun(NamedTuple):
    """The run, and whether it is new (201) or was there before (200)."""

    id: UUID
    is_new: bool


def create_run(
    tx: Transaction, body: FlowRunCreate, policy: Policy, *, may_override: bool = False
) -> CreatedRun:
    """Make the run, or find the one of the same idempotency key.

    `may_override`: it may set any job variable and go to any pool.

    Raises:
        Denied: code `job_variables_not_allowed`.
        Missing: there is no such flow, deployment, work pool or work queue.
        Conflict: a run of another flow has this id.
    """
    if tx.execute(_FLOW, {"flow_id": body.flow_id}).first() is None:
        raise Missing(f"There is no flow {body.flow_id}.")
    key = {"flow_id": body.flow_id, "key": body.idempotency_key}
    if body.idempotency_key is not None:
        known = tx.execute(_OF_KEY, key).scalar()
        if known is not None:
            return CreatedRun(known, is_new=False)
    run_id = body.id or policy.new_id()
    values = _values(tx, body, run_id, policy)
    allowed: list[str] = values.pop("overridable_job_variables", None) or []
    is_placed = values.pop("is_placed", False)
    if not may_override:
        refuse_overrides(body.job_variables, allowed)
        if is_placed:
            refuse_placing(f"{body.work_pool_name}")
    if body.state is None:
        is_new = insert_run(tx, values)
    else:
        is_new = begin_in(tx, values, state_of(body.state, policy.new_id(), tx))
    return CreatedRun(run_id if is_new else _made_before(tx, body, run_id), is_new=is_new)


def _made_before(tx: Transaction, body: FlowRunCreate, run_id: UUID) -> UUID:
    """The run that another request has made with the same key or id."""
    key = {"flow_id": body.flow_id, "key": body.idempotency_key}
    known = None if body.idempotency_key is None else tx.execute(_OF_KEY, key).scalar()
    if known is not None:
        return known
    run = lock_run(tx, run_id)
    if run is None or run.flow_id != body.flow_id:
        raise Conflict(
            f"There is a flow run {run_id} of another flow already: no two runs share an id. "
            "Leave the id out, and one is made.",
            code="flow_run_exists",
        )
    return run_id


def _values(tx: Transaction, body: FlowRunCreate, run_id: UUID, policy: Policy) -> dict[str, Any]:
    rules = body.empirical_policy
    values: dict[str, Any] = {
        "id": run_id,
        "name": body.name or run_name(policy.random),
        "flow_id": body.flow_id,
        "flow_version": body.flow_version,
        "parameters": body.parameters,
        "expected_start_time": tx.now,
        "context": body.context,
        "empirical_policy": rules,
        "tags": body.tags,
        "labels": body.labels or {},
        "idempotency_key": body.idempotency_key,
        "parent_task_run_id": body.parent_task_run_id,
        "job_variables": body.job_variables,
        "retries": max(0, rules.max_retries if rules.retries is None else rules.retries),
        "retry_delay_seconds": (rules.retry_delay_seconds or None)
        if rules.retry_delay is None
        else rules.retry_delay,
    }
    if body.parent_task_run_id is not None:
        parameters = {"task_run_id": body.parent_task_run_id}
        values["parent_flow_run_id"] = tx.execute(_PARENT, parameters).scalar()
    if body.deployment_id is not None:
        values |= _of_deployment(tx, body)
    if body.work_pool_name is not None:
        own_pool = values.get("work_pool_id")
        values |= _place(tx, body.work_pool_name, body.work_queue_name)
        if values["work_pool_id"] != own_pool:
            values["is_placed"] = True
    return values


def _of_deployment(tx: Transaction, body: FlowRunCreate) -> dict[str, Any]:
    found = tx.execute(_DEPLOYMENT, {"deployment_id": body.deployment_id}).first()
    if found is None:
        raise Missing(f"There is no deployment {body.deployment_id}.")
    values = {
        "deployment_id": body.deployment_id,
        "deployment_version": found.version,
        "shown_parameters": shown_of(body.parameters, found.parameter_openapi_schema),
        "work_queue_id": found.work_queue_id,
        "work_pool_id": found.work_pool_id,
        "overridable_job_variables": found.overridable_job_variables,
    }
    if body.empirical_policy.retries is None:
        values |= {"retries": found.retries, "retry_delay_seconds": found.retry_delay_seconds}
    return values


def _place(tx: Transaction, pool_name: str, queue_name: str | None) -> dict[str, Any]:
    pool = tx.execute(
        select(work_pool.c.id, work_pool.c.default_queue_id).where(work_pool.c.name == pool_name)
    ).first()
    if pool is None:
        raise Missing(f"There is no work pool named {pool_name!r}.")
    if queue_name is None:
        return {"work_pool_id": pool.id, "work_queue_id": pool.default_queue_id}
    queue_id = tx.execute(
        select(work_queue.c.id).where(
            work_queue.c.work_pool_id == pool.id, work_queue.c.name == queue_name
        )
    ).scalar()
    if queue_id is None:
        raise Missing(f"The work pool {pool_name!r} has no queue named {queue_name!r}.")
    return {"work_pool_id": pool.id, "work_queue_id": queue_id}
