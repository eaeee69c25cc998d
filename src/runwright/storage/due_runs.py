"""Runs that wait for a worker and could start: what workers that poll are shown.

Showing claims nothing; the claim is the move to PENDING.
"""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, update

from runwright.api.flow_runs import FlowRun
from runwright.api.work_pools import DueRun, SlotHolder, WorkPool
from runwright.api.work_queues import WorkQueue
from runwright.core.states import StateName, StateType
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.tables import deployment, flow_run, work_queue
from runwright.storage.workers import DEFAULT_INTERVAL

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = flow_run.c
_leased = flow_run.alias("leased")
_in_use = (
    select(func.count())
    .select_from(_leased)
    .where(_leased.c.deployment_id == deployment.c.id, _leased.c.lease_expires_at.is_not(None))
    .correlate(deployment)
    .scalar_subquery()
)
_held_back = exists(
    select(1)
    .where(
        deployment.c.id == _c.deployment_id,
        or_(
            deployment.c.paused.is_(True),
            and_(
                deployment.c.concurrency_limit.is_not(None),
                deployment.c.concurrency_limit <= _in_use,
            ),
        ),
    )
    .correlate(flow_run)
)


def due_runs(
    tx: "Transaction", before: datetime, limit: int, *conditions: ColumnElement[bool]
) -> list[FlowRun]:
    """Runs due by `before`, the earliest first; none of a paused or saturated deployment."""
    if limit <= 0:
        return []
    statement = (
        FLOW_RUNS.select()
        .where(
            _c.state_type == str(StateType.SCHEDULED),
            _c.lease_expires_at.is_(None),
            _c.due_at <= before,
            not_(_held_back),
            *conditions,
        )
        .order_by(_c.due_at, _c.id)
        .limit(limit)
    )
    return [FLOW_RUNS.to_wire(row, tx.now) for row in tx.execute(statement).all()]


def due_runs_of_queues(  # a poll is made of these
    tx: "Transaction",
    pool: WorkPool,
    queues: list[WorkQueue],
    *,
    before: datetime,
    after: datetime | None,
    limit: int,
) -> list[DueRun]:
    """Runs for a worker of the pool: queue by queue, within what their limits leave free."""
    if pool.is_paused:
        return []
    room = min(limit, _free(pool.concurrency_limit, pool.active_slots, limit))
    found: list[DueRun] = []
    for queue in queues:
        most = min(room - len(found), _free(queue.concurrency_limit, queue.active_slots, limit))
        if queue.is_paused or most <= 0:
            continue
        # Runs that have no queue of their own stand in the default one.
        mine = _c.work_queue_id == queue.id
        if queue.id == pool.default_queue_id:
            mine = or_(mine, and_(_c.work_pool_id == pool.id, _c.work_queue_id.is_(None)))
        late_enough = () if after is None else (_c.due_at >= after,)
        found += [
            DueRun(work_pool_id=pool.id, work_queue_id=queue.id, flow_run=run)
            for run in due_runs(tx, before, most, mine, *late_enough)
        ]
    return found


def slot_holders(
    tx: "Transaction", condition: ColumnElement[bool], limit: int, offset: int = 0
) -> list[SlotHolder]:
    """Runs that hold a lease, the longest running first."""
    statement = (
        select(_c.id, _c.name, _c.state_type, _c.state_name, _c.start_time, _c.state_timestamp)
        .where(condition, _c.lease_expires_at.is_not(None))
        .order_by(_c.state_timestamp, _c.id)
        .limit(limit)
        .offset(offset)
    )
    now = tx.now
    return [
        SlotHolder(
            id=row.id,
            name=row.name,
            state_type=row.state_type,
            state_name=row.state_name,
            start_time=row.start_time,
            state_timestamp=row.state_timestamp,
            time_in_current_state=(now - row.state_timestamp).total_seconds()
            if row.state_timestamp
            else None,
        )
        for row in tx.execute(statement).all()
    ]


def late_count(tx: "Transaction", queue_id: UUID) -> int:
    """How many runs of the queue are late."""
    late = select(func.count()).where(
        _c.work_queue_id == queue_id,
        _c.state_type == str(StateType.SCHEDULED),
        _c.state_name == StateName.LATE,
    )
    return tx.execute(late).scalar() or 0


def mark_queues_polled(tx: "Transaction", queue_ids: list[UUID]) -> None:
    """Note that somebody polls these queues; at most once in ten seconds.

    A queue that claims are being made from is noted at the next poll: nobody waits for a note.
    """
    now = tx.now
    polled = work_queue.c.last_polled
    stale = (
        select(work_queue.c.id)
        .where(
            work_queue.c.id.in_(queue_ids),
            or_(polled.is_(None), polled < now - DEFAULT_INTERVAL),
        )
        .with_for_update(key_share=True, skip_locked=True)
    )
    tx.execute(update(work_queue).where(work_queue.c.id.in_(stale)).values(last_polled=now))


def _free(limit: int | None, used: int | None, otherwise: int) -> int:
    return otherwise if limit is None else max(0, limit - (used or 0))
