"""Schedules of a deployment made, replaced, changed, stopped and started again.

A schedule that changes loses the runs that were made ahead of time and nobody has claimed, and is
planned anew from now; one that does not change keeps its row and goes on where it was.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.schedules import Schedule, ScheduleCreate, ScheduleUpdate
from runwright.core.ids import NewId
from runwright.core.schedules.planning import start_of
from runwright.core.schedules.schedule import FIELDS, InvalidSchedule, parse, to_wire
from runwright.server.problems import Conflict, Missing, Unprocessable
from runwright.server.strictness import Unknown
from runwright.storage.engine import Transaction
from runwright.storage.schedules import (
    delete_coming_runs,
    delete_coming_runs_of,
    delete_schedules,
    insert_schedule,
    locked_schedule,
    locked_schedules,
    schedules_of,
    stop_schedules,
    update_schedule,
)

#: What makes a schedule another one; `created`, cursor and version follow from it.
_DEFINITION = ("schedule", "active", "parameters", "max_scheduled_runs", "catchup", "slug")


def add_schedules(
    tx: Transaction, deployment: Any, wanted: Sequence[ScheduleCreate], new_id: NewId
) -> list[Schedule]:
    """Add schedules to a deployment; those whose slug (or `replaces`) is there take its place.

    Raises:
        Unprocessable: code `invalid_schedule`.
        Conflict: code `schedule_exists`: two of one slug.
    """
    there = {row.slug: row for row in locked_schedules(tx, deployment.id) if row.slug is not None}
    ids = [_save(tx, deployment, each, _taken_by(each, there), new_id) for each in wanted]
    of_deployment = schedules_of(tx, [deployment.id]).get(deployment.id, [])
    return [each for each in of_deployment if each.id in ids]


def replace_schedules(
    tx: Transaction, deployment: Any, wanted: Sequence[ScheduleCreate], new_id: NewId
) -> None:
    """Let a deployment have these schedules and no others.

    Raises:
        Unprocessable: code `invalid_schedule`.
        Conflict: code `schedule_exists`: two of one slug.
    """
    refuse_twins(wanted)
    rows = list(locked_schedules(tx, deployment.id))
    matched: list[tuple[ScheduleCreate, Any]] = []
    for each in wanted:
        row = _match(each, rows)
        if row is not None:
            rows.remove(row)
        matched.append((each, row))
    if rows:  # before the others: their slugs may be wanted again
        gone = [row.id for row in rows]
        delete_coming_runs(tx, gone)
        delete_schedules(tx, gone)
    for each, row in matched:
        _save(tx, deployment, each, row, new_id)


def change_schedule(
    tx: Transaction, deployment: Any, schedule_id: UUID, wanted: ScheduleUpdate
) -> None:
    """Change what the request names.

    Raises:
        Missing: code `schedule_not_found`.
        Unprocessable: code `invalid_schedule`.
        Conflict: code `schedule_exists`: the deployment has one of the new slug.
    """
    row = locked_schedule(tx, deployment.id, schedule_id)
    if row is None:
        raise no_schedule(deployment, schedule_id)
    changes = _given(wanted)
    slug = changes.get("slug")
    others = locked_schedules(tx, deployment.id) if slug not in {None, row.slug} else ()
    if any(other.slug == slug for other in others):
        raise _slug_exists(str(slug))
    _edit(tx, deployment, row, {name: getattr(row, name) for name in _DEFINITION} | changes)


def delete_schedule(tx: Transaction, deployment: Any, schedule_id: UUID) -> None:
    """Delete a schedule and the runs made ahead for it.

    Raises:
        Missing: code `schedule_not_found`.
    """
    if locked_schedule(tx, deployment.id, schedule_id) is None:
        raise no_schedule(deployment, schedule_id)
    delete_coming_runs(tx, [schedule_id])
    delete_schedules(tx, [schedule_id])


def stop_all(tx: Transaction, deployment_id: UUID) -> None:
    """Let nothing of a deployment fire, and delete the runs made ahead that nobody has claimed."""
    locked_schedules(tx, deployment_id)
    stop_schedules(tx, deployment_id)
    delete_coming_runs_of(tx, deployment_id)


def start_all(tx: Transaction, deployment_id: UUID) -> None:
    """Let the active schedules of a deployment fire from now on; nothing is made up for."""
    for row in locked_schedules(tx, deployment_id):
        if row.active:
            update_schedule(tx, row.id, _cursor(tx, row.schedule, runs=True))


def no_schedule(deployment: Any, schedule_id: UUID) -> Missing:
    """What to say of a schedule that is not there."""
    return Missing(
        f"Deployment {deployment.name!r} has no schedule {schedule_id}.",
        code="schedule_not_found",
    )


def _save(
    tx: Transaction, deployment: Any, wanted: ScheduleCreate, row: Any, new_id: NewId
) -> UUID:
    definition = {name: getattr(wanted, name) for name in _DEFINITION}
    definition["schedule"] = _checked(wanted.schedule)
    if row is not None:
        _edit(tx, deployment, row, definition)
        return row.id
    made = new_id()
    runs = wanted.active and not deployment.paused
    insert_schedule(
        tx,
        definition
        | {"id": made, "deployment_id": deployment.id}
        | _cursor(tx, definition["schedule"], runs=runs),
    )
    return made


def _edit(tx: Transaction, deployment: Any, row: Any, definition: dict[str, Any]) -> None:
    changed = {
        name: value for name, value in definition.items() if _differs(value, getattr(row, name))
    }
    if not changed:
        return
    delete_coming_runs(tx, [row.id])
    runs = definition["active"] and not deployment.paused
    anew = {"version": row.version + 1, "updated": tx.now}
    update_schedule(tx, row.id, changed | anew | _cursor(tx, definition["schedule"], runs=runs))


def _differs(wanted: Any, there: Any) -> bool:
    return msgspec.to_builtins(wanted) != msgspec.to_builtins(there)


def _cursor(tx: Transaction, schedule: dict[str, Any], *, runs: bool) -> dict[str, Any]:
    first = start_of(parse(schedule), tx.now) if runs else None
    return {"next_fire_at": first, "plan_at": None if first is None else tx.now}


def _checked(schedule: dict[str, Any]) -> dict[str, Any]:
    try:
        spec = parse(schedule)
        _refuse_unknown(schedule)
        return to_wire(spec)
    except InvalidSchedule as error:
        kind = next((kind for kind in ("cron", "interval", "rrule") if kind in schedule), "")
        field = f"schedule.{kind}" if kind else "schedule"
        raise Unprocessable(str(error), field=field, code=error.code) from None


def _refuse_unknown(schedule: dict[str, Any]) -> None:
    kind = next(kind for kind in FIELDS if schedule.get(kind) is not None)
    others = {name for fields in FIELDS.values() for name in fields}
    for name, value in schedule.items():
        # Clients send the fields of all kinds, with null for those of the others.
        if name not in FIELDS[kind] and not (value is None and name in others):
            raise Unknown(name, "schedule", FIELDS[kind]).refusal()


def _given(wanted: ScheduleUpdate) -> dict[str, Any]:
    changes = {
        name: getattr(wanted, name)
        for name in _DEFINITION
        if getattr(wanted, name) is not msgspec.UNSET
    }
    for name in ("schedule", "active"):
        if changes.get(name, 0) is None:
            del changes[name]
    if "schedule" in changes:
        changes["schedule"] = _checked(changes["schedule"])
    return changes


def _match(wanted: ScheduleCreate, rows: Sequence[Any]) -> Any:
    """The row that becomes the wanted schedule: by slug, else the very same one without a slug."""
    for slug in (wanted.replaces, wanted.slug):
        for row in rows:
            if slug is not None and row.slug == slug:
                return row
    if wanted.slug is not None:
        return None
    plain = [row for row in rows if row.slug is None]
    same = _checked(wanted.schedule)
    return next((row for row in plain if not _differs(same, row.schedule)), None)


def _taken_by(wanted: ScheduleCreate, there: dict[str, Any]) -> Any:
    row = there.get(wanted.replaces or "") or there.get(wanted.slug or "")
    holder = there.get(wanted.slug or "")
    if row is not None and holder is not None and holder.id != row.id:
        raise _slug_exists(str(wanted.slug))
    return row


def refuse_twins(wanted: Sequence[ScheduleCreate | ScheduleUpdate]) -> None:
    """Refuse two schedules of one slug.

    Raises:
        Conflict: code `schedule_exists`.
    """
    slugs = [each.slug for each in wanted if isinstance(each.slug, str)]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise _slug_exists(slug)


def _slug_exists(slug: str) -> Conflict:
    return Conflict(
        f"Two schedules of one deployment cannot share the slug {slug!r}. Give one another slug.",
        code="schedule_exists",
    )
