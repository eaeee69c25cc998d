"""A worker takes runs: each gets a new token, execution and credential, and a lease."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, bindparam, cast, func, literal, select

from runwright.api.executions import ClaimedRun, ExecutionSpec, SyncRequest
from runwright.core.job_overrides import overridden
from runwright.core.job_template import merge, resolve
from runwright.core.limits import Candidate, choose
from runwright.core.rules.claiming import NO_SLOT
from runwright.core.states import STOPS_CHILDREN, StateDetails, StateName, StateType
from runwright.server.keys import hash_secret
from runwright.server.policy import Policy
from runwright.server.use_cases.end_execution import end_run
from runwright.storage.claims import hold_open, offer
from runwright.storage.engine import Transaction
from runwright.storage.moves import new_state, record_move
from runwright.storage.runs import COLUMNS, lock_run, save
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment, flow, flow_run, work_pool, work_queue

_c, _d = flow_run.c, deployment.c
_parent = flow_run.alias("parent")
_parent_state = (
    select(_parent.c.state_type)
    .where(_parent.c.id == _c.parent_flow_run_id)
    .correlate(flow_run)
    .scalar_subquery()
)
#: Where a run stands, and all that its execution is told.
_WITH_SPEC = (
    select(
        *COLUMNS,
        _c.parameters, _c.tags, _c.deployment_version, _c.job_variables,
        flow.c.name.label("flow_name"), _d.name.label("deployment_name"),
        _d.entrypoint, _d.path, _d.pull_steps,
        _d.job_variables.label("deployment_job_variables"),
        work_pool.c.name.label("pool_name"), work_pool.c.base_job_template,
        work_queue.c.name.label("queue_name"), _parent_state.label("parent_state"),
    )
    .select_from(
        flow_run.join(flow, flow.c.id == _c.flow_id)
        .outerjoin(deployment, _d.id == _c.deployment_id)
        .outerjoin(work_pool, work_pool.c.id == _c.work_pool_id)
        .outerjoin(work_queue, work_queue.c.id == _c.work_queue_id)
    )
)  # fmt: skip
_LOCKED = Prepared(lambda dialect: _WITH_SPEC.where(dialect.among(_c.id, "run_ids")))
_TOLD = (
    _c.parameters, _c.job_variables, _d.job_variables, _d.pull_steps,
    work_pool.c.base_job_template,
)  # fmt: skip
#: Characters of what makes a spec large.
_SIZES = Prepared(
    lambda dialect: (
        select(
            _c.id,
            sum(
                (func.coalesce(func.length(cast(each, Text)), 0) for each in _TOLD),
                start=literal(0),
            ).label("size"),
        )
        .select_from(
            flow_run.outerjoin(deployment, _d.id == _c.deployment_id).outerjoin(
                work_pool, work_pool.c.id == _c.work_pool_id
            )
        )
        .where(dialect.among(_c.id, "run_ids"))
    )
)
#: What is handed over at once: so many characters, and always one run. The rest is for other
#: workers, or for the next poll. Only more runs than a few can come to so much.
_MOST_SIZE, _FEW = 4 * 1024 * 1024, 4
_encode = msgspec.json.Encoder(enc_hook=str).encode
_UNLISTED = Prepared(
    select(_c.id, _c.claim_token, _c.execution_id).where(
        _c.worker_id == bindparam("worker_id"),
        _c.work_pool_id == bindparam("pool_id"),
        _c.state_type == str(StateType.PENDING),
        _c.lease_expires_at.is_not(None),
    )
)


def claim_runs(
    tx: Transaction, pool_id: UUID, worker_id: UUID, request: SyncRequest, policy: Policy
) -> list[ClaimedRun]:
    """Take up to `request.free` runs, the most urgent first. Each goes to one worker."""
    offered = offer(tx, pool_id, request.queues, request.free)
    for run_id in offered.refused:
        run = lock_run(tx, run_id)
        end_run(tx, run, StateType.CANCELLED, NO_SLOT, policy, was_reported=False)
    chosen = hold_open(tx, _not_too_large(tx, choose(offered.candidates, offered.room)))
    runs = _with_spec(tx, [candidate.run_id for candidate in chosen])
    claimed: list[ClaimedRun] = []
    for candidate in chosen:
        run = runs[candidate.run_id]
        if run.parent_state in STOPS_CHILDREN:
            continue  # made after its parent was stopped: the canceller ends it
        execution_id, credential = policy.new_id(), policy.new_credential(run.id.hex)
        state = new_state(tx, policy.new_id(), StateType.PENDING, StateName.PENDING)
        details = StateDetails(scheduled_time=candidate.due_at)
        run = record_move(
            tx,
            run,
            msgspec.structs.replace(state, state_details=details),
            claim_token=run.claim_token + 1,
            execution_id=execution_id,
            worker_id=worker_id,
            worker_name=request.worker_name,
            claimed_at=tx.now,
            lease_expires_at=tx.now + policy.pending_lease,
            lease_seconds=policy.pending_lease.total_seconds(),
            launch_count=run.launch_count + 1,
            journal_next=0,
            exit_report=None,
            credential_hash=hash_secret(credential),
            deployment_version_number=candidate.version_number,
        )
        claimed += _handed_over(tx, run, credential, policy)
    return claimed


def _not_too_large(tx: Transaction, chosen: list[Candidate]) -> list[Candidate]:
    """As many of them, from the first on, as one answer has room for."""
    if len(chosen) <= _FEW:
        return chosen
    rows = tx.execute(_SIZES, {"run_ids": [each.run_id for each in chosen]})
    sizes = {row.id: row.size for row in rows}
    total = 0
    for number, each in enumerate(chosen):
        total += sizes.get(each.run_id, 0)
        if number and total > _MOST_SIZE:
            return chosen[:number]
    return chosen


def claims_not_received(
    tx: Transaction, pool_id: UUID, worker_id: UUID, request: SyncRequest, policy: Policy
) -> list[ClaimedRun]:
    """Claims of this worker that it does not know of: the answer was lost. They are sent again."""
    held = {each.execution_id for each in request.executions}
    again: list[ClaimedRun] = []
    size = 0
    for row in tx.execute(_UNLISTED, {"worker_id": worker_id, "pool_id": pool_id}):
        if row.execution_id in held:
            continue
        if size > _MOST_SIZE:
            break
        run = lock_run(tx, row.id)
        if run.claim_token == row.claim_token and run.state_type == StateType.PENDING:
            credential = policy.new_credential(run.id.hex)
            run = _with_spec(tx, [run.id])[run.id]
            run = save(tx, run, {"credential_hash": hash_secret(credential)})
            handed_over = _handed_over(tx, run, credential, policy)
            size += sum(len(_encode(each)) for each in handed_over)
            again += handed_over
    return again


def _handed_over(tx: Transaction, run: Any, credential: str, policy: Policy) -> list[ClaimedRun]:
    """The run with its credential; nothing, and the run crashed, where it cannot be described."""
    try:
        spec = _spec(run, credential)
    except ValueError as error:
        end_run(
            tx, run, StateType.CRASHED, f"It cannot be started: {error}", policy, was_reported=True
        )
        return []
    milliseconds = int(policy.pending_lease.total_seconds() * 1000)
    return [ClaimedRun(spec=spec, lease_ttl_ms=milliseconds)]


def _with_spec(tx: Transaction, run_ids: list[UUID]) -> dict[UUID, Any]:
    """Runs that this transaction has locked, with all that their executions are told."""
    if not run_ids:
        return {}
    return {run.id: run for run in tx.execute(_LOCKED, {"run_ids": run_ids})}


def _spec(run: Any, credential: str) -> ExecutionSpec:
    variables = merge(run.deployment_job_variables, run.job_variables)
    return ExecutionSpec(
        flow_run_id=run.id,
        flow_run_name=run.name,
        flow_id=run.flow_id,
        flow_name=run.flow_name,
        token=run.claim_token,
        execution_id=run.execution_id,
        credential=credential,
        attempt=run.attempt,
        root_run_id=run.root_run_id,
        run_count=run.run_count,
        retries_used=run.retries_used,
        parameters=run.parameters,
        tags=run.tags,
        scheduled_start_time=run.expected_start_time,
        deployment_id=run.deployment_id,
        deployment_name=run.deployment_name,
        deployment_version=run.deployment_version,
        entrypoint=run.entrypoint,
        path=run.path,
        pull_steps=run.pull_steps or [],
        work_pool_name=run.pool_name,
        work_queue_name=run.queue_name,
        job_configuration=resolve(run.base_job_template or {}, variables),
        overridden=overridden(run.job_variables),
    )
