"""What is known about a run that waits: its pool, queue and deployment, and who is online."""

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, select

from runwright.core.states import StateType
from runwright.core.waiting import (
    Holder,
    Place,
    PlaceKind,
    PlaceRef,
    WaitingFacts,
    WorkerSeen,
    queues_served,
)
from runwright.storage.claims import peek
from runwright.storage.due_runs import slot_holders
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment, flow, flow_run, work_pool, work_queue, worker
from runwright.storage.workers import is_alive

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c, _d, _p, _q, _w = flow_run.c, deployment.c, work_pool.c, work_queue.c, worker.c
#: Runs before it that are looked at, holders that are named, workers that are counted.
_MOST_AHEAD = 500
_MOST_HOLDERS = 10
_MOST_WORKERS = 2000
#: No worker that beats more seldom than this is told from a dead one.
_SEEN_LATELY = timedelta(hours=1)
_RUN = Prepared(
    select(
        _c.id, _c.state_type, _c.state_name, _c.due_at, _c.lease_expires_at, _c.worker_name,
        _c.work_pool_id, _c.work_queue_id, _c.deployment_id,
        _p.name.label("pool_name"), _p.type.label("pool_type"),
        _p.is_paused.label("pool_paused"), _p.concurrency_limit.label("pool_limit"),
        _q.name.label("queue_name"), _q.is_paused.label("queue_paused"),
        _q.concurrency_limit.label("queue_limit"),
        _d.name.label("deployment_name"), _d.paused.label("deployment_paused"),
        _d.concurrency_limit.label("deployment_limit"), _d.concurrency_options,
        flow.c.name.label("flow_name"),
    )
    .select_from(
        flow_run.join(flow, flow.c.id == _c.flow_id)
        .outerjoin(work_pool, _p.id == _c.work_pool_id)
        .outerjoin(work_queue, _q.id == _c.work_queue_id)
        .outerjoin(deployment, _d.id == _c.deployment_id)
    )
    .where(_c.id == bindparam("run_id"))
)  # fmt: skip
_WORKERS = Prepared(
    select(
        _w.id, _w.queues, _w.slot_limit, _w.last_heartbeat_time, _w.heartbeat_interval_seconds
    )
    .where(
        _w.work_pool_id == bindparam("pool_id"),
        _w.stopped_at.is_(None),
        _w.last_heartbeat_time >= bindparam("since", type_=_w.last_heartbeat_time.type),
    )
    .limit(_MOST_WORKERS)
)  # fmt: skip
_LAST_HEARD = Prepared(
    select(func.max(_w.last_heartbeat_time)).where(_w.work_pool_id == bindparam("pool_id"))
)
_HELD = Prepared(
    select(_c.worker_id, func.count().label("count"))
    .where(_c.work_pool_id == bindparam("pool_id"), _c.lease_expires_at.is_not(None))
    .group_by(_c.worker_id)
)


class _Owner(NamedTuple):
    kind: PlaceKind
    id: UUID | None
    name: str
    argument: str
    column: ColumnElement[Any]


def read_waiting(tx: "Transaction", run_id: UUID) -> WaitingFacts | None:
    """What is known about the run; None where there is none of that id."""
    run = tx.execute(_RUN, {"run_id": run_id}).first()
    if run is None:
        return None
    facts = WaitingFacts(
        now=tx.now,
        run_id=run.id,
        state_type=None if run.state_type is None else StateType(run.state_type),
        state_name=run.state_name,
        due_at=run.due_at,
        has_lease=run.lease_expires_at is not None,
        worker_name=run.worker_name,
    )
    if facts.state_type is not StateType.SCHEDULED or facts.has_lease:
        return facts
    return _with_places(tx, run, facts)


def _with_places(tx: "Transaction", run: Any, facts: WaitingFacts) -> WaitingFacts:
    pool_name, queue_name = run.pool_name or "", run.queue_name or ""
    quoted = shlex.quote(pool_name)
    pool = _Owner("work_pool", run.work_pool_id, pool_name, quoted, _c.work_pool_id)
    of_queue = f"{shlex.quote(queue_name)} --pool {quoted}"
    queue = _Owner("work_queue", run.work_queue_id, queue_name, of_queue, _c.work_queue_id)
    full_name = f"{run.flow_name}/{run.deployment_name}"
    of_deployment = _Owner(
        "deployment", run.deployment_id, full_name, shlex.quote(full_name), _c.deployment_id
    )
    options = run.concurrency_options or {}
    found = msgspec.structs.replace(
        facts,
        pool=_place(tx, pool, paused=run.pool_paused, limit=run.pool_limit),
        queue=_place(tx, queue, paused=run.queue_paused, limit=run.queue_limit),
        deployment=_place(
            tx,
            of_deployment,
            paused=run.deployment_paused,
            limit=run.deployment_limit,
            cancels_new=options.get("collision_strategy") == "CANCEL_NEW",
        ),
    )
    return found if run.work_pool_id is None else _with_line(tx, run, found)


def _with_line(tx: "Transaction", run: Any, facts: WaitingFacts) -> WaitingFacts:
    workers = _online(tx, run.work_pool_id)
    names = queues_served(workers, run.queue_name)
    found = peek(tx, run.work_pool_id, names, _MOST_AHEAD)
    return msgspec.structs.replace(
        facts,
        pool_type=run.pool_type,
        workers=workers,
        last_heard_at=tx.execute(_LAST_HEARD, {"pool_id": run.work_pool_id}).scalar(),
        line=found.candidates,
        room=found.room,
    )


def _place(
    tx: "Transaction",
    owner: _Owner,
    *,
    paused: bool | None,
    limit: int | None,
    cancels_new: bool = False,
) -> Place | None:
    if owner.id is None:
        return None
    place = Place(
        ref=PlaceRef(kind=owner.kind, id=owner.id, name=owner.name),
        argument=owner.argument,
        is_paused=bool(paused),
        limit=limit,
        cancels_new=cancels_new,
    )
    if limit is None:
        return place
    mine = owner.column == owner.id
    count = select(func.count()).where(mine, _c.lease_expires_at.is_not(None))
    return msgspec.structs.replace(
        place,
        in_use=tx.execute(count).scalar() or 0,
        holders=[
            Holder(id=each.id, name=each.name) for each in slot_holders(tx, mine, _MOST_HOLDERS)
        ],
    )


def _online(tx: "Transaction", pool_id: UUID) -> list[WorkerSeen]:
    rows = tx.execute(_WORKERS, {"pool_id": pool_id, "since": tx.now - _SEEN_LATELY}).all()
    held = {row.worker_id: row.count for row in tx.execute(_HELD, {"pool_id": pool_id}).all()}
    return [
        WorkerSeen(queues=row.queues, limit=row.slot_limit, in_use=held.get(row.id, 0))
        for row in rows
        if is_alive(row.last_heartbeat_time, row.heartbeat_interval_seconds, tx.now)
    ]
