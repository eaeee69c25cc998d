"""Task runs that wait for a process to carry them out, and those processes.

A delivery is there from when the task run is asked for; it has a holder from when it was sent. The
holder loses it when it disconnects, or is not seen for a while, before the task run has left
SCHEDULED: then the next one gets it. So what was asked for is delivered at least once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, delete, insert, or_, select, update

from runwright.api.task_workers import TaskWorker
from runwright.core.states import StateType
from runwright.storage.tables import task_delivery, task_run, task_worker

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

#: Woken when there is something to deliver.
DEFERRED = "deferred-tasks"
#: A worker that was not seen for so long is taken for dead.
LONGEST_SILENCE = timedelta(seconds=60)
_d, _w = task_delivery.c, task_worker.c


def defer(tx: "Transaction", task_run_id: UUID, task_key: str, due: datetime) -> None:
    """Deliver the task run from `due` on, to a process that knows its task."""
    tx.execute(delete(task_delivery).where(_d.task_run_id == task_run_id))
    tx.execute(
        insert(task_delivery).values(
            task_run_id=task_run_id, task_key=task_key, due_at=due, task_worker_id=None
        )
    )
    tx.wake(DEFERRED)


def take_next(tx: "Transaction", worker_id: UUID, keys: Sequence[str]) -> UUID | None:
    """The task run that has waited longest, now held by the worker; None: none is due."""
    free = or_(_d.task_worker_id.is_(None), _w.seen_at < tx.now - LONGEST_SILENCE)
    found = (
        select(_d.task_run_id)
        .select_from(
            task_delivery.join(task_run, task_run.c.id == _d.task_run_id).outerjoin(
                task_worker, _w.id == _d.task_worker_id
            )
        )
        .where(
            _d.task_key.in_(keys),
            _d.due_at <= tx.now,
            task_run.c.state_type == str(StateType.SCHEDULED),
            free,
        )
        .order_by(_d.due_at, _d.task_run_id)
        .limit(1)
        .with_for_update(of=task_delivery, skip_locked=True)
    )
    task_run_id = tx.execute(found).scalar()
    if task_run_id is not None:
        tx.execute(
            update(task_delivery)
            .where(_d.task_run_id == task_run_id)
            .values(task_worker_id=worker_id)
        )
    return task_run_id


def next_due(tx: "Transaction", keys: Sequence[str]) -> datetime | None:
    """When the next task run that nobody holds is due."""
    waiting = and_(_d.task_key.in_(keys), _d.task_worker_id.is_(None), _d.due_at > tx.now)
    return tx.execute(select(_d.due_at).where(waiting).order_by(_d.due_at).limit(1)).scalar()


def connect(tx: "Transaction", worker_id: UUID, identifier: str, keys: Sequence[str]) -> None:
    """A worker is there."""
    tx.execute(
        insert(task_worker).values(
            id=worker_id, identifier=identifier, task_keys=list(keys), seen_at=tx.now
        )
    )


def see(tx: "Transaction", worker_id: UUID) -> None:
    """The worker is still there; what it holds and has begun needs no delivery any more."""
    tx.execute(update(task_worker).where(_w.id == worker_id).values(seen_at=tx.now))
    begun = select(task_run.c.id).where(
        task_run.c.id == _d.task_run_id, task_run.c.state_type != str(StateType.SCHEDULED)
    )
    tx.execute(delete(task_delivery).where(_d.task_worker_id == worker_id, begun.exists()))


def disconnect(tx: "Transaction", worker_id: UUID) -> None:
    """The worker is gone: what it held and has not begun is delivered again."""
    see(tx, worker_id)
    tx.execute(delete(task_worker).where(_w.id == worker_id))
    tx.wake(DEFERRED)


def workers_seen(tx: "Transaction") -> list[TaskWorker]:
    """Who is there, by identifier; those that fell silent are forgotten."""
    rows: Sequence[Any] = tx.execute(
        select(task_worker)
        .where(_w.seen_at >= tx.now - LONGEST_SILENCE)
        .order_by(_w.identifier, _w.id)
    ).all()
    return [
        TaskWorker(identifier=row.identifier, task_keys=row.task_keys, timestamp=row.seen_at)
        for row in rows
    ]


def forget_silent(tx: "Transaction") -> None:
    """Forget workers whose server died with them: what they held is delivered again."""
    tx.execute(delete(task_worker).where(_w.seen_at < tx.now - LONGEST_SILENCE))
