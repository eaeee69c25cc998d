"""A worker's heartbeat, and what it must be told: `POST .../workers/{instance_id}/sync`."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, or_, select, update

from runwright.api.executions import ClaimedRun, ExecutionRef, SyncRequest
from runwright.core.states import TERMINAL, StateType
from runwright.server.keys import LOCAL_ADMIN, Principal
from runwright.server.policy import Policy
from runwright.server.problems import Conflict, Denied, Missing
from runwright.server.use_cases.claim_runs import claims_not_received
from runwright.storage.dialect import Dialect
from runwright.storage.due_runs import mark_queues_polled
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, work_pool, work_queue, worker
from runwright.storage.workers import make_room

_HEARTBEAT_S = 10
_POOL = Prepared(
    select(work_pool.c.id, work_pool.c.type, work_pool.c.is_paused).where(
        work_pool.c.name == bindparam("pool_name")
    )
)
_QUEUES = Prepared(
    select(work_queue.c.id, work_queue.c.name, work_queue.c.last_polled).where(
        work_queue.c.work_pool_id == bindparam("pool_id")
    )
)
_held_columns = select(
    flow_run.c.id, flow_run.c.claim_token, flow_run.c.execution_id, flow_run.c.state_type,
    flow_run.c.cancel_requested_at,
)  # fmt: skip
_HELD = Prepared(_held_columns.where(flow_run.c.id == bindparam("run_id")))
_KEEP = Prepared(
    update(flow_run)
    .where(
        flow_run.c.id == bindparam("run_id"),
        flow_run.c.claim_token == bindparam("token"),
        flow_run.c.work_pool_id == bindparam("pool_id"),
        flow_run.c.execution_id == bindparam("execution", type_=flow_run.c.execution_id.type),
        flow_run.c.state_type == str(StateType.PENDING),
    )
    .values(lease_expires_at=bindparam("lease", type_=flow_run.c.lease_expires_at.type))
)
#: With more than these one long statement is faster than as many short ones.
_FEW = 8
_RENEWED = (
    "updated", "name", "type", "version", "queues", "slot_limit", "last_heartbeat_time",
    "stopped_at", "host", "key_id",
)  # fmt: skip


def _upsert_own(dialect: Dialect) -> Any:
    """A new row, or a change of the one that this key has made in this pool; else no row."""
    fresh = dialect.insert(worker)
    told = fresh.excluded
    is_own = or_(worker.c.key_id.is_(None), worker.c.key_id == told.key_id)
    return fresh.on_conflict_do_update(
        index_elements=["id"],
        set_={name: told[name] for name in _RENEWED},
        where=is_own & (worker.c.work_pool_id == told.work_pool_id),
    ).returning(worker.c.created)


_UPSERT = Prepared(_upsert_own, columns=[column.key for column in worker.c])


class Greeting(NamedTuple):
    """What a worker is told at once, and where its work is."""

    pool_id: UUID
    is_paused: bool
    unknown_queues: list[str]
    claimed: list[ClaimedRun]
    cancel: list[ExecutionRef]
    lost: list[ExecutionRef]


def greet_worker(
    tx: Transaction,
    pool_name: str,
    instance_id: UUID,
    request: SyncRequest,
    policy: Policy,
    *,
    asker: Principal = LOCAL_ADMIN,
) -> Greeting:
    """Note that the worker lives; resend the claims it does not know of; look at those it holds.

    Raises:
        Missing: there is no such pool.
        Conflict: the pool is for workers of another type.
        Denied: the asker's key is for another pool, or the instance is of another key or pool.
        TooManyWorkers: the key has no room for another one.
    """
    pool = tx.execute(_POOL, {"pool_name": pool_name}).first()
    own = asker.work_pool_id
    if own is not None and (pool is None or pool.id != own):
        raise Denied("This key speaks for another work pool.", status=403)
    if pool is None:
        raise Missing(
            f"There is no work pool named {pool_name!r}. Create it: runwright work-pool create "
            f"{pool_name}",
            code="work_pool_not_found",
        )
    if pool.type != request.type:
        raise Conflict(
            f"It is of type {pool.type!r}, and this worker launches executions of type "
            f"{request.type!r}. Give the worker a pool of its type, or make one: "
            f"runwright work-pool create NAME --type {request.type}",
            code="work_pool_type",
        )
    _note_heartbeat(tx, pool.id, instance_id, request, asker.key_id)
    queues = tx.execute(_QUEUES, {"pool_id": pool.id}).all()
    if not request.stopping:
        _note_polled(tx, queues, request.queues)
    claimed: list[ClaimedRun] = []
    if not request.stopping:
        claimed = claims_not_received(tx, pool.id, instance_id, request, policy)
    cancel, lost = orders(tx, request.executions)
    if request.launching:
        _keep_pending(tx, pool.id, request, policy)
    return Greeting(
        pool_id=pool.id,
        is_paused=pool.is_paused,
        unknown_queues=[name for name in request.queues if name not in {q.name for q in queues}],
        claimed=claimed,
        cancel=cancel,
        lost=lost,
    )


def orders(
    tx: Transaction, executions: list[ExecutionRef]
) -> tuple[list[ExecutionRef], list[ExecutionRef]]:
    """Of the executions a worker holds: those to cancel, and those no longer its own."""
    rows = _held(tx, [each.flow_run_id for each in executions])
    cancel: list[ExecutionRef] = []
    lost: list[ExecutionRef] = []
    for each in executions:
        row = rows.get(each.flow_run_id)
        if row is None or (row.claim_token, row.execution_id) != (each.token, each.execution_id):
            lost.append(each)
        elif row.cancel_requested_at is not None and row.state_type not in TERMINAL:
            cancel.append(each)
    return cancel, lost


def _keep_pending(tx: Transaction, pool_id: UUID, request: SyncRequest, policy: Policy) -> None:
    """What a worker is still about to start, because its image is being pulled, stays its own."""
    lease = tx.now + policy.pending_lease
    for each in request.executions:
        if each.execution_id in request.launching:
            tx.execute(
                _KEEP,
                {
                    "run_id": each.flow_run_id,
                    "pool_id": pool_id,
                    "token": each.token,
                    "execution": each.execution_id,
                    "lease": lease,
                },
            )


def _held(tx: Transaction, run_ids: list[UUID]) -> dict[UUID, Any]:
    if len(run_ids) > _FEW:
        found = tx.execute(_held_columns.where(flow_run.c.id.in_(run_ids))).all()
    else:
        found = [row for run_id in run_ids for row in tx.execute(_HELD, {"run_id": run_id}).all()]
    return {row.id: row for row in found}


def _note_heartbeat(
    tx: Transaction, pool_id: UUID, instance_id: UUID, request: SyncRequest, key_id: UUID | None
) -> None:
    now = tx.now
    row = {
        "id": instance_id,
        "created": now,
        "updated": now,
        "work_pool_id": pool_id,
        "name": request.worker_name,
        "type": request.type,
        "version": request.version,
        "queues": request.queues,
        "slot_limit": request.limit,
        "last_heartbeat_time": now,
        "heartbeat_interval_seconds": _HEARTBEAT_S,
        "stopped_at": now if request.stopping else None,
        "host": None if request.host is None else msgspec.to_builtins(request.host),
        "key_id": key_id,
    }
    noted = tx.execute(_UPSERT, row).first()
    if noted is None:
        raise Denied(
            f"The worker instance {instance_id} belongs to another key or work pool: an instance "
            "speaks with the key and for the pool that it began with. Start a new worker.",
            status=403,
        )
    if noted.created == now:
        make_room(tx, key_id, instance_id)


def _note_polled(tx: Transaction, queues: Sequence[Any], wanted: list[str]) -> None:
    """Somebody asks for the work of these queues (none named: of all). Not noted at each poll."""
    before = tx.now - timedelta(seconds=_HEARTBEAT_S)
    stale = [
        queue.id
        for queue in queues
        if (not wanted or queue.name in wanted)
        and (queue.last_polled is None or queue.last_polled < before)
    ]
    if stale:
        mark_queues_polled(tx, stale)
