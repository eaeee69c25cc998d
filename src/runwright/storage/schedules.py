"""How schedules are read and written, and the runs that were made for them ahead of time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update

from runwright.api.schedules import Schedule
from runwright.core.schedules import schedule as schedules
from runwright.core.states import StateType
from runwright.storage.tables import deployment, flow_run, schedule

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = schedule.c
_run = flow_run.c

#: Made for a schedule, and touched by nobody since.
_UNTOUCHED: tuple[ColumnElement[bool], ...] = (
    _run.auto_scheduled.is_(True),
    _run.state_type == str(StateType.SCHEDULED),
    _run.claim_token == 0,
    _run.lease_expires_at.is_(None),
)

_insert = insert(schedule)
_one = select(schedule).where(
    _c.id == bindparam("wanted_id"), _c.deployment_id == bindparam("wanted_deployment")
)
_rows_of = (
    select(schedule)
    .where(_c.deployment_id == bindparam("wanted_deployment"))
    .order_by(_c.created, _c.id)
)
_due = (
    select(
        schedule,
        deployment.c.flow_id,
        deployment.c.parameters.label("deployment_parameters"),
    )
    .join(deployment, deployment.c.id == _c.deployment_id)
    .where(
        _c.plan_at <= bindparam("now"),
        _c.active.is_(True),
        deployment.c.paused.is_(False),
    )
    .order_by(_c.plan_at)
    .limit(bindparam("most"))
    # Whoever comes second takes other rows: any number of replicas plan at once.
    .with_for_update(of=schedule, skip_locked=True)
)


def to_wire(row: Any, now: datetime) -> Schedule:
    """A row as clients see it."""
    return Schedule(
        id=row.id,
        created=row.created,
        updated=row.updated,
        schedule=row.schedule,
        deployment_id=row.deployment_id,
        active=row.active,
        max_scheduled_runs=row.max_scheduled_runs,
        parameters=row.parameters,
        slug=row.slug,
        catchup=row.catchup,
        next_fire_at=_next_fire(row, now) if row.active and row.plan_at is not None else None,
        version=row.version,
    )


def _next_fire(row: Any, now: datetime) -> datetime | None:
    try:
        return schedules.next_fire_time(schedules.parse(row.schedule), now)
    except schedules.InvalidSchedule:  # kept by an older version: shown without
        return None


def schedules_of(tx: "Transaction", deployment_ids: Sequence[UUID]) -> dict[UUID, list[Schedule]]:
    """The schedules of some deployments, oldest first."""
    found: dict[UUID, list[Schedule]] = {}
    if deployment_ids:
        statement = select(schedule).where(_c.deployment_id.in_(deployment_ids))
        for row in tx.execute(statement.order_by(_c.created, _c.id)).all():
            found.setdefault(row.deployment_id, []).append(to_wire(row, tx.now))
    return found


def locked_schedules(tx: "Transaction", deployment_id: UUID) -> Sequence[Any]:
    """The rows of a deployment's schedules, which nobody else changes until the commit."""
    return tx.execute(_rows_of.with_for_update(), {"wanted_deployment": deployment_id}).all()


def locked_schedule(tx: "Transaction", deployment_id: UUID, schedule_id: UUID) -> Any:
    """One of them, or None."""
    found = {"wanted_id": schedule_id, "wanted_deployment": deployment_id}
    return tx.execute(_one.with_for_update(), found).first()


def due_schedules(tx: "Transaction", most: int) -> Sequence[Any]:
    """Schedules whose runs have to be made now, locked, with what a run of them needs."""
    return tx.execute(_due, {"now": tx.now, "most": most}).all()


def insert_schedule(tx: "Transaction", values: dict[str, Any]) -> None:
    """Store a new schedule."""
    tx.execute(_insert, values | {"created": tx.now, "updated": tx.now, "version": 1})


def update_schedule(tx: "Transaction", schedule_id: UUID, changes: dict[str, Any]) -> None:
    """Set some columns of a schedule."""
    tx.execute(update(schedule).where(_c.id == schedule_id).values(changes))


def replan_all(tx: "Transaction") -> None:
    """Let every schedule that still fires be planned again from this instant on."""
    fires = _c.plan_at.is_not(None)
    tx.execute(update(schedule).where(fires).values(next_fire_at=tx.now, plan_at=tx.now))


def stop_schedules(tx: "Transaction", deployment_id: UUID) -> None:
    """Let no schedule of a deployment fire until it is started anew."""
    tx.execute(
        update(schedule)
        .where(_c.deployment_id == deployment_id)
        .values(next_fire_at=None, plan_at=None)
    )


def delete_schedules(tx: "Transaction", schedule_ids: Iterable[UUID]) -> int:
    """Delete schedules; how many there were."""
    return tx.execute(delete(schedule).where(_c.id.in_(list(schedule_ids)))).rowcount


def delete_coming_runs(tx: "Transaction", schedule_ids: Iterable[UUID]) -> int:
    """Delete the runs made for later fires of these schedules that nobody has claimed."""
    mine = _run.schedule_id.in_(list(schedule_ids))
    later = _run.expected_start_time > tx.now
    return tx.execute(delete(flow_run).where(mine, later, *_UNTOUCHED)).rowcount


def delete_coming_runs_of(tx: "Transaction", deployment_id: UUID) -> int:
    """Delete all such runs of a deployment."""
    mine = _run.deployment_id == deployment_id
    later = _run.expected_start_time > tx.now
    return tx.execute(delete(flow_run).where(mine, later, *_UNTOUCHED)).rowcount


def delete_waiting_runs_of(tx: "Transaction", deployment_id: UUID) -> int:
    """Delete the runs of a deployment that never started, whoever asked for them."""
    never_started = (
        _run.state_type == str(StateType.SCHEDULED),
        _run.run_count == 0,
        _run.attempt == 1,
        _run.lease_expires_at.is_(None),
    )
    mine = _run.deployment_id == deployment_id
    return tx.execute(delete(flow_run).where(mine, *never_started)).rowcount


def waiting_runs(
    tx: "Transaction", since: datetime, until: datetime, after: UUID | None, most: int
) -> Sequence[Any]:
    """Unclaimed runs of schedules that were due in (since, until], by schedule and time.

    Whole schedules only, `most` of them, with ids above `after`. Each row has the schedule's
    `catchup` and `next_fire_at`, and the run's id and time.
    """
    due = (_run.expected_start_time > since, _run.expected_start_time <= until)
    some = (
        select(_run.schedule_id)
        .where(*due, *_UNTOUCHED, _run.schedule_id.is_not(None))
        .distinct()
        .order_by(_run.schedule_id)
        .limit(most)
    )
    if after is not None:
        some = some.where(_run.schedule_id > after)
    ids = tx.execute(some).scalars()
    statement = (
        select(
            _c.id, _c.catchup, _c.next_fire_at, _run.id.label("run_id"), _run.expected_start_time
        )
        .join(schedule, _c.id == _run.schedule_id)
        .where(*due, *_UNTOUCHED, _c.id.in_(ids))
        .order_by(_c.id, _run.expected_start_time)
    )
    return tx.execute(statement).all() if ids else []


def delete_waiting_runs(tx: "Transaction", run_ids: Sequence[UUID]) -> int:
    """Delete those of the runs that still nobody has claimed."""
    statement = delete(flow_run).where(_run.id.in_(run_ids), *_UNTOUCHED)
    return tx.execute(statement).rowcount
