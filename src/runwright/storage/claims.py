"""Which runs of a pool may be claimed now, under the locks that keep limits and pauses exact.

Locks, counts and candidates are separate statements, in this order: a statement sees what was
committed before it began, so the counts are taken after the locks are held. In one statement,
eight claimers were seen to pass a limit of 20 by half.

A pool, queue or deployment with a limit is locked against other claimers; without one, only against
being paused meanwhile: a pause waits for the claims that came before it, and those that come after
see it. Locks are taken in one order, pool, deployments, queues, runs, and what is locked after the
runs (`hold_open`) waits for nobody who could wait for a run.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Integer, and_, bindparam, func, or_, select, union_all
from sqlalchemy.sql import Executable

from runwright.core.limits import Candidate, Room
from runwright.core.states import STOPS_CHILDREN, StateType
from runwright.core.transitions import Slot
from runwright.storage.dialect import Dialect
from runwright.storage.engine import Transaction
from runwright.storage.runs import READ
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment, flow_run, work_pool, work_queue

_c = flow_run.c
_SPARE = 16
_LAST = 1_000_000
_MOST_REFUSED = 100
_POOL = Prepared(select(work_pool).where(work_pool.c.id == bindparam("pool_id")))
_in_pool = work_pool.c.id == bindparam("pool_id")
_POOL_SHARED = Prepared(select(work_pool).where(_in_pool).with_for_update(read=True))
_POOL_ALONE = Prepared(select(work_pool).where(_in_pool).with_for_update(key_share=True))
_queues = (
    select(work_queue)
    .where(work_queue.c.work_pool_id == bindparam("pool_id"))
    .order_by(work_queue.c.id)
)
_QUEUES = Prepared(_queues)
_QUEUES_ALONE = Prepared(_queues.with_for_update(key_share=True))
_due = and_(
    _c.work_pool_id == bindparam("pool_id"),
    _c.state_type == str(StateType.SCHEDULED),
    _c.lease_expires_at.is_(None),
    _c.due_at <= bindparam("now", type_=_c.due_at.type),
)
_deployments = (
    select(deployment.c.id, deployment.c.concurrency_limit, deployment.c.concurrency_options)
    .where(
        deployment.c.concurrency_limit.is_not(None),
        deployment.c.id.in_(select(_c.deployment_id).where(_due)),
    )
    .order_by(deployment.c.id)
)
_DEPLOYMENTS = Prepared(_deployments)
_DEPLOYMENTS_ALONE = Prepared(_deployments.with_for_update(key_share=True))
_QUEUE_ALONE = Prepared(
    select(work_queue)
    .where(work_queue.c.id == bindparam("wanted_id"))
    .with_for_update(key_share=True)
)
_DEPLOYMENT_ALONE = Prepared(
    select(
        deployment.c.id,
        deployment.c.name,
        deployment.c.paused,
        deployment.c.concurrency_limit,
        deployment.c.concurrency_options,
    )
    .where(deployment.c.id == bindparam("wanted_id"))
    .with_for_update(key_share=True)
)
_priority = func.coalesce(work_queue.c.priority, _LAST)
_open_runs = (
    select(
        _c.id,
        _c.due_at,
        _priority.label("priority"),
        _c.work_queue_id,
        _c.deployment_id,
        deployment.c.version_number,
    )
    .select_from(
        flow_run.outerjoin(work_queue, work_queue.c.id == _c.work_queue_id).outerjoin(
            deployment, deployment.c.id == _c.deployment_id
        )
    )
    .where(
        _due,
        or_(work_queue.c.id.is_(None), work_queue.c.is_paused.is_(False)),
        or_(deployment.c.id.is_(None), deployment.c.paused.is_(False)),
    )
    .order_by(_priority, _c.due_at, _c.id)
    .limit(bindparam("most", type_=Integer))
)


def _held_open(dialect: Dialect) -> Executable:
    queues = (
        select(work_queue.c.id)
        .where(dialect.among(work_queue.c.id, "queue_ids"), work_queue.c.is_paused.is_(False))
        .order_by(work_queue.c.id)
        .with_for_update(read=True)
        .cte("queues")
    )
    # Who pauses a deployment has it locked and waits for its runs, which the claim has locked.
    deployments = (
        select(deployment.c.id)
        .where(dialect.among(deployment.c.id, "deployment_ids"), deployment.c.paused.is_(False))
        .with_for_update(read=True, skip_locked=True)
        .cte("deployments")
    )
    return union_all(select(queues.c.id), select(deployments.c.id))


_HELD_OPEN = Prepared(_held_open)
_open_to_all = _open_runs.with_for_update(of=flow_run, skip_locked=True)
_OPEN_TO_ALL = Prepared(_open_to_all)
_ANY_DUE = Prepared(select(_c.id).where(_due).limit(1))
_NEXT_DUE = Prepared(
    select(func.min(_c.due_at)).where(
        _c.work_pool_id == bindparam("pool_id"),
        _c.state_type == str(StateType.SCHEDULED),
        _c.lease_expires_at.is_(None),
        _c.due_at > bindparam("now", type_=_c.due_at.type),
    )
)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a pool has for a worker: candidates in no order, and room for them."""

    room: Room
    candidates: list[Candidate] = []
    #: Runs that found no slot, of deployments that want such runs cancelled.
    refused: list[UUID] = []


def offer(tx: Transaction, pool_id: UUID, queue_names: Sequence[str], free: int) -> Offer:
    """The due runs of a pool and the slots left, locked until the transaction ends.

    With `queue_names`, only runs of those queues. Paused pools, queues and deployments offer none.
    """
    pool = _locked_pool(tx, pool_id)
    if pool is None or pool.is_paused or free <= 0:
        return Offer(room=Room(worker=0))
    deployments = tx.execute(_DEPLOYMENTS_ALONE, {"pool_id": pool.id, "now": tx.now}).all()
    room = _room(tx, pool, deployments, free)
    refused = _refused(tx, pool, deployments, room)
    if room.pool is not None and room.pool <= 0:
        return Offer(room=room, refused=refused)
    candidates = _candidates(tx, pool, queue_names, room)
    return Offer(room=room, candidates=candidates, refused=refused)


def hold_open(tx: Transaction, chosen: Sequence[Candidate]) -> list[Candidate]:
    """Those of the chosen runs whose queue and deployment are not paused, nor will be before the
    transaction ends. Runs of a deployment that is being changed right now are for the next claim.
    """
    if tx.dialect.name == "sqlite" or not chosen:  # its only writer is this transaction
        return list(chosen)
    wanted = {
        "queue_ids": sorted({each.queue_id for each in chosen if each.queue_id}),
        "deployment_ids": sorted({each.deployment_id for each in chosen if each.deployment_id}),
    }
    is_open = {None, *tx.execute(_HELD_OPEN, wanted).scalars()}
    return [each for each in chosen if {each.queue_id, each.deployment_id} <= is_open]


def peek(tx: Transaction, pool_id: UUID, queue_names: Sequence[str], most: int) -> Offer:
    """What `offer` would find, without its locks: the first `most` runs, for who only looks.

    Whether pool, queue or deployment is paused or full is for the caller to ask of their rows.
    """
    parameters = {"pool_id": pool_id, "now": tx.now}
    pool = tx.execute(_POOL, parameters).first()
    if pool is None:
        return Offer(room=Room(worker=0))
    deployments = tx.execute(_DEPLOYMENTS, parameters).all()
    queues = tx.execute(_QUEUES, parameters).all()
    room = _slots_left(tx, pool, queues, deployments, most)
    found = tx.execute(_within(_open_runs, queue_names, room), {**parameters, "most": most})
    return Offer(room=room, candidates=[_candidate(row) for row in found])


def slot_for(tx: Transaction, run: Any) -> tuple[Slot, str]:
    """What a claim of this one run finds, and with whom; locked like an offer.

    The run is locked already. Claimers that offer pass over locked runs, so nobody waits for who
    waits here.
    """
    if run.parent_flow_run_id is not None:
        parent = tx.execute(READ, {"run_id": run.parent_flow_run_id}).first()
        if parent is not None and parent.state_type in STOPS_CHILDREN:
            return Slot.ORPHANED, f"the run {parent.name!r}"
    pool = _locked_pool(tx, run.work_pool_id) if run.work_pool_id is not None else None
    of_deployment, queue = (
        None if each is None else tx.execute(statement, {"wanted_id": each}).first()
        for statement, each in (
            (_DEPLOYMENT_ALONE, run.deployment_id),
            (_QUEUE_ALONE, run.work_queue_id),
        )
    )
    owners = [
        (pool, _c.work_pool_id, "the work pool"),
        (queue, _c.work_queue_id, "the work queue"),
        (of_deployment, _c.deployment_id, "the deployment"),
    ]
    for row, column, what in owners:
        if row is None:
            continue
        owner = f"{what} {row.name!r}"
        if row.paused if row is of_deployment else row.is_paused:
            return Slot.PAUSED, owner
        if _left(tx, column, [row]).get(row.id, 1) <= 0:
            cancels = row is of_deployment and _cancels_new(row)
            return (Slot.CANCEL_NEW if cancels else Slot.ENQUEUE), owner
    return Slot.FREE, ""


def has_due_run(tx: Transaction, pool_id: UUID) -> bool:
    """Whether a claim is worth a transaction."""
    return tx.execute(_ANY_DUE, {"pool_id": pool_id, "now": tx.now}).first() is not None


def seconds_to_next_due(tx: Transaction, pool_id: UUID) -> float | None:
    """Until the next run of the pool is due; None where none is waiting."""
    due = tx.execute(_NEXT_DUE, {"pool_id": pool_id, "now": tx.now}).scalar()
    return None if due is None else (due - tx.now).total_seconds()


def _locked_pool(tx: Transaction, pool_id: UUID) -> Any:
    parameters = {"pool_id": pool_id}
    seen = tx.execute(_POOL, parameters).first()
    if seen is None:
        return None
    if seen.concurrency_limit is not None:
        return tx.execute(_POOL_ALONE, parameters).first()
    pool = tx.execute(_POOL_SHARED, parameters).first()
    # It was given a limit just now: the lock that we have is too weak. The next claim knows.
    return None if pool is None or pool.concurrency_limit is not None else pool


def _room(tx: Transaction, pool: Any, deployments: Sequence[Any], free: int) -> Room:
    parameters = {"pool_id": pool.id}
    queues = tx.execute(_QUEUES, parameters).all()
    if any(queue.concurrency_limit is not None for queue in queues):
        queues = tx.execute(_QUEUES_ALONE, parameters).all()
    return _slots_left(tx, pool, queues, deployments, free)


def _slots_left(
    tx: Transaction, pool: Any, queues: Sequence[Any], deployments: Sequence[Any], free: int
) -> Room:
    return Room(
        worker=free,
        pool=_left(tx, _c.work_pool_id, [pool]).get(pool.id),
        queues=_left(tx, _c.work_queue_id, queues),
        deployments=_left(tx, _c.deployment_id, deployments),
    )


def _refused(tx: Transaction, pool: Any, deployments: Sequence[Any], room: Room) -> list[UUID]:
    full = [
        each.id for each in deployments if room.deployments[each.id] <= 0 and _cancels_new(each)
    ]
    if not full:
        return []
    statement = (
        select(_c.id)
        .where(_due, _c.deployment_id.in_(full))
        .order_by(_c.due_at, _c.id)
        .limit(_MOST_REFUSED)
        .with_for_update(of=flow_run, skip_locked=True)
    )
    return list(tx.execute(statement, {"pool_id": pool.id, "now": tx.now}).scalars())


def _cancels_new(row: Any) -> bool:
    return (row.concurrency_options or {}).get("collision_strategy") == "CANCEL_NEW"


def _left(tx: Transaction, owner: Any, rows: Sequence[Any]) -> dict[UUID, int]:
    limits = {row.id: row.concurrency_limit for row in rows if row.concurrency_limit is not None}
    if not limits:
        return {}
    used = tx.execute(
        select(owner, func.count())
        .where(owner.in_(list(limits)), _c.lease_expires_at.is_not(None))
        .group_by(owner)
    ).all()
    in_use = {row[0]: row[1] for row in used}
    return {each: max(0, limit - in_use.get(each, 0)) for each, limit in limits.items()}


def _candidates(
    tx: Transaction, pool: Any, queue_names: Sequence[str], room: Room
) -> list[Candidate]:
    parameters = {"pool_id": pool.id, "now": tx.now, "most": room.worker * 4 + _SPARE}
    statement = _within(_open_to_all, queue_names, room)
    usual = statement is _open_to_all
    found = tx.execute(_OPEN_TO_ALL if usual else statement, parameters)
    return [_candidate(row) for row in found]


def _within(statement: Any, queue_names: Sequence[str], room: Room) -> Any:
    for column, left in ((_c.work_queue_id, room.queues), (_c.deployment_id, room.deployments)):
        full = [each for each, slots in left.items() if slots <= 0]
        if full:
            statement = statement.where(or_(column.is_(None), column.not_in(full)))
    if queue_names:
        statement = statement.where(work_queue.c.name.in_(list(queue_names)))
    return statement


def _candidate(row: Any) -> Candidate:
    return Candidate(
        run_id=row.id,
        due_at=row.due_at,
        priority=row.priority,
        queue_id=row.work_queue_id,
        deployment_id=row.deployment_id,
        version_number=row.version_number,
    )
