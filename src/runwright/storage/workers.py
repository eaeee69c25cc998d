"""How workers are read, and what their heartbeats say about pools, queues and deployments."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy import literal as value

from runwright.api.filters import TimeIs
from runwright.api.workers import Worker, WorkerFilter, WorkerStatus
from runwright.core.ids import NewId
from runwright.storage.criteria import condition_on
from runwright.storage.json_columns import array_has
from runwright.storage.tables import flow_run, work_queue, worker
from runwright.storage.types import Json

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

#: A worker that missed more heartbeats is taken for dead.
BEATS_MISSED = 3
#: Between two heartbeats, for a worker that does not say.
DEFAULT_INTERVAL = timedelta(seconds=10)
#: Rows of one key. Offline ones make room for new ones.
MOST_OF_A_KEY = 1_000
#: A queue or deployment that was polled within this time has somebody who serves it.
POLLED_LATELY = timedelta(seconds=60)
_MOST_LISTED = 2000


class TooManyWorkers(Exception):
    """A key has as many living workers as a key may have."""

    code = "too_many_workers"
    status = 409


_c = worker.c
_executions = (
    select(func.count())
    .where(flow_run.c.worker_id == _c.id, flow_run.c.lease_expires_at.is_not(None))
    .correlate(worker)
    .scalar_subquery()
    .label("executions")
)
_serves_queue = or_(_c.queues == value([], Json), array_has(_c.queues, work_queue.c.name))


def is_alive(last_beat: datetime | None, interval_seconds: int | None, now: datetime) -> bool:
    """No more than three heartbeats are missing."""
    if last_beat is None:
        return False
    interval = timedelta(seconds=interval_seconds) if interval_seconds else DEFAULT_INTERVAL
    return now - last_beat <= BEATS_MISSED * interval


def beats(
    pool_id: ColumnElement[Any], *, of_queue: bool = False
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The latest heartbeat among a pool's workers, and the longest interval any of them said.

    `of_queue`: only of those that serve the queue in the enclosing statement.
    """
    mine = and_(_c.work_pool_id == pool_id, _c.stopped_at.is_(None))
    if of_queue:
        mine = and_(mine, _serves_queue)
    latest = select(func.max(_c.last_heartbeat_time)).where(mine).correlate_except(worker)
    interval = select(func.max(_c.heartbeat_interval_seconds)).where(mine).correlate_except(worker)
    return (
        latest.scalar_subquery().label("last_beat"),
        interval.scalar_subquery().label("beat_interval"),
    )


def is_worker_of(tx: "Transaction", pool_id: UUID, worker_id: UUID) -> bool:
    """Whether this worker process was heard of in that pool."""
    found = select(_c.id).where(_c.id == worker_id, _c.work_pool_id == pool_id)
    return tx.execute(found).first() is not None


def workers_of(
    tx: "Transaction", pool_id: UUID, wanted: WorkerFilter | None, limit: int, offset: int
) -> list[Worker]:
    """Workers of a pool that the filter wants, the latest heard first."""
    statement = (
        select(worker, _executions)
        .where(_c.work_pool_id == pool_id)
        .order_by(_c.last_heartbeat_time.desc().nulls_last(), _c.id)
        .limit(_MOST_LISTED)
    )
    if wanted is not None and isinstance(wanted.last_heartbeat_time, TimeIs):
        condition = condition_on(_c.last_heartbeat_time, wanted.last_heartbeat_time)
        statement = statement if condition is None else statement.where(condition)
    found = (_to_wire(row, tx.now) for row in tx.execute(statement).all())
    return [each for each in found if _has_status(each.status, wanted)][offset : offset + limit]


def beat_by_name(
    tx: "Transaction",
    pool_id: UUID,
    name: str,
    interval_seconds: int | None,
    new_id: NewId,
    *,
    key_id: UUID | None = None,
) -> UUID:
    """Note the heartbeat of a worker that tells its name only, and return its id.

    Workers of one name and several keys are as many workers.

    Raises:
        TooManyWorkers: the key has no room for another one.
    """
    now = tx.now
    of_key = or_(_c.key_id.is_(None), _c.key_id == key_id)
    named = (_c.work_pool_id == pool_id, _c.name == name, _c.host.is_(None), of_key)
    found: UUID | None = tx.execute(
        select(_c.id).where(*named).order_by(_c.created).limit(1)
    ).scalar()
    seen: dict[str, Any] = {
        "updated": now,
        "last_heartbeat_time": now,
        "heartbeat_interval_seconds": interval_seconds,
        "stopped_at": None,
        "key_id": key_id,
    }
    if found is not None:
        tx.execute(update(worker).where(_c.id == found).values(seen))
        return found
    made = new_id()
    about = {"id": made, "created": now, "work_pool_id": pool_id, "name": name, "type": "process"}
    tx.execute(insert(worker).values(about | seen | {"queues": []}))
    make_room(tx, key_id, made)
    return made


def make_room(tx: "Transaction", key_id: UUID | None, newcomer: UUID) -> None:
    """Forget the offline workers of a key that were heard least recently, if it has too many.

    Raises:
        TooManyWorkers: all of them are alive.
    """
    if key_id is None:
        return
    of_key = _c.key_id == key_id
    count = tx.execute(select(func.count()).where(of_key)).scalar() or 0
    if count <= MOST_OF_A_KEY:
        return
    heard = (_c.id, _c.last_heartbeat_time, _c.heartbeat_interval_seconds, _c.stopped_at)
    rows = tx.execute(
        select(*heard)
        .where(of_key, _c.id != newcomer)
        .order_by(_c.last_heartbeat_time.asc().nulls_first(), _c.id)
    ).all()
    offline = [
        row.id
        for row in rows
        if row.stopped_at is not None
        or not is_alive(row.last_heartbeat_time, row.heartbeat_interval_seconds, tx.now)
    ]
    if not offline:
        raise TooManyWorkers(
            f"This key has {MOST_OF_A_KEY:,} workers that are alive, and cannot have more. Make "
            "another key for further ones: runwright key create NAME --kind worker --pool POOL"
        )
    # No more than needed: the readings of its machine, thousands perhaps, go with each of them.
    going = offline[: count - MOST_OF_A_KEY]
    tx.execute(delete(worker).where(_c.id.in_(going)))


def delete_named(tx: "Transaction", pool_id: UUID, name: str) -> int:
    """Forget all workers of that name; how many there were."""
    statement = delete(worker).where(_c.work_pool_id == pool_id, _c.name == name)
    return tx.execute(statement).rowcount


def _to_wire(row: Any, now: datetime) -> Worker:
    alive = row.stopped_at is None and is_alive(
        row.last_heartbeat_time, row.heartbeat_interval_seconds, now
    )
    return Worker(
        id=row.id,
        created=row.created,
        updated=row.updated,
        name=row.name,
        work_pool_id=row.work_pool_id,
        last_heartbeat_time=row.last_heartbeat_time,
        heartbeat_interval_seconds=row.heartbeat_interval_seconds,
        status="ONLINE" if alive else "OFFLINE",
        type=row.type,
        version=row.version,
        queues=row.queues,
        limit=row.slot_limit,
        executions=row.executions,
        host=row.host,
    )


def _has_status(status: WorkerStatus, wanted: WorkerFilter | None) -> bool:
    if wanted is None or wanted.status is None:
        return True
    among, not_among = wanted.status.any_, wanted.status.not_any_
    return (among is None or status in among) and (not_among is None or status not in not_among)
