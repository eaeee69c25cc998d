"""How work pools and their queues are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from runwright.api.work_pools import StorageConfiguration, WorkPool, WorkPoolStatus
from runwright.api.work_queues import WorkQueue, WorkQueueStatus
from runwright.storage.api_keys import KEYS_REVOKED, topic_of_key
from runwright.storage.queries import Resource
from runwright.storage.tables import api_key, flow_run, work_pool, work_queue
from runwright.storage.workers import POLLED_LATELY, beats, is_alive

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_p, _q = work_pool.c, work_queue.c
_pool_slots = (
    select(func.count())
    .where(flow_run.c.work_pool_id == _p.id, flow_run.c.lease_expires_at.is_not(None))
    .correlate(work_pool)
    .scalar_subquery()
    .label("active_slots")
)
_queue_slots = (
    select(func.count())
    .where(flow_run.c.work_queue_id == _q.id, flow_run.c.lease_expires_at.is_not(None))
    .correlate(work_queue)
    .scalar_subquery()
    .label("active_slots")
)


def _pool_to_wire(row: Any, now: datetime) -> WorkPool:
    status: WorkPoolStatus = "NOT_READY"
    if row.is_paused:
        status = "PAUSED"
    elif is_alive(row.last_beat, row.beat_interval, now):
        status = "READY"
    return WorkPool(
        id=row.id,
        created=row.created,
        updated=row.updated,
        name=row.name,
        type=row.type,
        description=row.description,
        base_job_template=row.base_job_template,
        is_paused=row.is_paused,
        concurrency_limit=row.concurrency_limit,
        storage_configuration=msgspec.convert(row.storage_configuration, StorageConfiguration),
        default_queue_id=row.default_queue_id,
        status=status,
        active_slots=row.active_slots,
    )


def _queue_to_wire(row: Any, now: datetime) -> WorkQueue:
    polled = max(filter(None, (row.last_polled, row.last_beat)), default=None)
    status: WorkQueueStatus = "NOT_READY"
    if row.is_paused:
        status = "PAUSED"
    elif polled is not None and now - polled <= POLLED_LATELY:
        status = "READY"
    return WorkQueue(
        id=row.id,
        created=row.created,
        updated=row.updated,
        name=row.name,
        description=row.description,
        is_paused=row.is_paused,
        concurrency_limit=row.concurrency_limit,
        priority=row.priority,
        work_pool_id=row.work_pool_id,
        work_pool_name=row.work_pool_name,
        last_polled=polled,
        status=status,
        active_slots=row.active_slots,
    )


WORK_POOLS: Resource[WorkPool] = Resource(
    table=work_pool,
    columns=(*work_pool.columns, _pool_slots, *beats(_p.id)),
    to_wire=_pool_to_wire,
    sorts={"NAME_ASC": (_p.name.asc(), _p.id)},
)
WORK_QUEUES: Resource[WorkQueue] = Resource(
    table=work_queue,
    columns=(
        *work_queue.columns,
        _p.name.label("work_pool_name"),
        _queue_slots,
        *beats(_q.work_pool_id, of_queue=True),
    ),
    source=work_queue.join(work_pool, _p.id == _q.work_pool_id),
    to_wire=_queue_to_wire,
    sorts={
        "PRIORITY_ASC": (_q.priority.asc(), _q.name, _q.id),
        "NAME_ASC": (_q.name.asc(), _q.id),
    },
)

_pool_by_name = WORK_POOLS.select().where(_p.name == bindparam("wanted_name"))
_pool_row = select(work_pool).where(_p.name == bindparam("wanted_name"))
_pool_names = select(_p.name).order_by(_p.name).limit(20)
_queue_by_name = WORK_QUEUES.select().where(
    _p.name == bindparam("wanted_pool"), _q.name == bindparam("wanted_name")
)
_queues_of_pool = WORK_QUEUES.select().where(_q.work_pool_id == bindparam("wanted_pool_id"))


def find_pool(tx: "Transaction", name: str) -> WorkPool | None:
    """The pool of that name, with its status."""
    row = tx.execute(_pool_by_name, {"wanted_name": name}).first()
    return None if row is None else _pool_to_wire(row, tx.now)


def pool_row(tx: "Transaction", name: str) -> Any:
    """The row of the pool of that name, or None."""
    return tx.execute(_pool_row, {"wanted_name": name}).first()


def pool_names(tx: "Transaction") -> list[str]:
    """The first names there are."""
    return tx.execute(_pool_names).scalars()


def find_queue(tx: "Transaction", pool_name: str, name: str) -> WorkQueue | None:
    """The queue of that name in that pool."""
    found = {"wanted_pool": pool_name, "wanted_name": name}
    row = tx.execute(_queue_by_name, found).first()
    return None if row is None else _queue_to_wire(row, tx.now)


def queues_of(tx: "Transaction", pool_id: UUID) -> list[WorkQueue]:
    """All queues of a pool, the one that is served first first."""
    statement = _queues_of_pool.order_by(*WORK_QUEUES.sorts["PRIORITY_ASC"])
    rows = tx.execute(statement, {"wanted_pool_id": pool_id}).all()
    return [_queue_to_wire(row, tx.now) for row in rows]


def update_pool(tx: "Transaction", pool_id: UUID, changes: dict[str, Any]) -> None:
    """Set some columns of a pool."""
    tx.execute(update(work_pool).where(_p.id == pool_id).values(changes | {"updated": tx.now}))


def update_queue(tx: "Transaction", queue_id: UUID, changes: dict[str, Any]) -> None:
    """Set some columns of a queue."""
    tx.execute(update(work_queue).where(_q.id == queue_id).values(changes | {"updated": tx.now}))


def make_room(tx: "Transaction", pool_id: UUID, priority: int) -> None:
    """Move the queues of a pool from that priority on back by one, if one stands there."""
    there = select(_q.id).where(_q.work_pool_id == pool_id, _q.priority == priority)
    if tx.execute(there).first() is None:
        return
    tx.execute(
        update(work_queue)
        .where(_q.work_pool_id == pool_id, _q.priority >= priority)
        .values(priority=_q.priority + 1)
    )


def last_priority(tx: "Transaction", pool_id: UUID) -> int:
    """The priority of the queue that is served last; 0 where there is none."""
    return tx.execute(select(func.max(_q.priority)).where(_q.work_pool_id == pool_id)).scalar() or 0


def delete_pool(tx: "Transaction", pool_id: UUID) -> None:
    """Delete a pool with its queues, workers and their keys. Its runs stay, without a pool."""
    keys = tx.execute(select(api_key.c.id).where(api_key.c.work_pool_id == pool_id)).all()
    for key in keys:
        tx.wake(topic_of_key(key.id))
    if keys:
        tx.wake(KEYS_REVOKED)
    tx.execute(delete(work_pool).where(_p.id == pool_id))


def delete_queue(tx: "Transaction", queue_id: UUID) -> None:
    """Delete a queue. Its runs stay."""
    tx.execute(delete(work_queue).where(_q.id == queue_id))
