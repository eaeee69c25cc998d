"""How every pool stands: who serves it and what waits, in a few statements for all of them."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from runwright.api.work_pools import PoolStanding
from runwright.core.states import StateType
from runwright.storage.queries import MAX_LIMIT
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, work_pool, worker
from runwright.storage.workers import is_alive

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c, _w = flow_run.c, worker.c
_MOST_WORKERS = 10_000
_SEEN_LATELY = timedelta(hours=1)
_POOLS = Prepared(
    select(work_pool.c.id, work_pool.c.name).order_by(work_pool.c.name).limit(MAX_LIMIT)
)
_BEATS = Prepared(
    select(_w.work_pool_id, _w.last_heartbeat_time, _w.heartbeat_interval_seconds)
    .where(
        _w.stopped_at.is_(None),
        _w.last_heartbeat_time >= bindparam("since", type_=_w.last_heartbeat_time.type),
    )
    .limit(_MOST_WORKERS)
)
_LAST_HEARD = Prepared(
    select(_w.work_pool_id, func.max(_w.last_heartbeat_time).label("at")).group_by(_w.work_pool_id)
)
_DUE = Prepared(
    select(_c.work_pool_id, func.count().label("count"))
    .where(
        _c.work_pool_id.is_not(None),
        _c.state_type == str(StateType.SCHEDULED),
        _c.lease_expires_at.is_(None),
        _c.due_at <= bindparam("now", type_=_c.due_at.type),
    )
    .group_by(_c.work_pool_id)
)


def pool_standings(tx: "Transaction") -> list[PoolStanding]:
    """The first 200 pools by name."""
    beats = tx.execute(_BEATS, {"since": tx.now - _SEEN_LATELY}).all()
    online = Counter(
        row.work_pool_id
        for row in beats
        if is_alive(row.last_heartbeat_time, row.heartbeat_interval_seconds, tx.now)
    )
    heard = {row.work_pool_id: row.at for row in tx.execute(_LAST_HEARD).all()}
    due = {row.work_pool_id: row.count for row in tx.execute(_DUE, {"now": tx.now}).all()}
    return [
        PoolStanding(
            id=pool.id,
            name=pool.name,
            workers_online=online[pool.id],
            last_heard_at=heard.get(pool.id),
            due_runs=due.get(pool.id, 0),
        )
        for pool in tx.execute(_POOLS).all()
    ]
