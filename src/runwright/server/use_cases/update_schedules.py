"""A deployment's schedules brought up to date by a later deploy.

Where every schedule has a slug, each one is changed, renamed (`replaces`) or added by its slug, and
those that the request does not mention stay. Otherwise the request's list replaces them all.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from runwright.api.schedules import ScheduleCreate, ScheduleUpdate
from runwright.core.ids import NewId
from runwright.server.problems import Conflict, Unprocessable
from runwright.server.use_cases.edit_schedules import (
    add_schedules,
    change_schedule,
    refuse_twins,
    replace_schedules,
)
from runwright.storage.engine import Transaction
from runwright.storage.schedules import locked_schedules, update_schedule

Wanted = Sequence[ScheduleCreate | ScheduleUpdate]


def update_schedules(tx: Transaction, deployment: Any, wanted: Wanted, new_id: NewId) -> None:
    """Bring the schedules of a deployment up to date.

    Raises:
        Unprocessable: one has no slug among named ones, cannot be renamed, or is new without a
            definition; or code `invalid_schedule`.
        Conflict: code `schedule_exists`: two of one slug.
    """
    rows = list(locked_schedules(tx, deployment.id))
    if not rows or any(row.slug is None for row in rows):
        replace_schedules(tx, deployment, [_as_new(each) for each in wanted], new_id)
        return
    if any(not _slug(each) for each in wanted):
        named = ", ".join(sorted(row.slug for row in rows))
        raise Unprocessable(
            f"The schedules of deployment {deployment.name!r} have slugs ({named}), and one of the "
            "request has none: give it a slug, so that it is clear which one it changes.",
            field="schedules",
        )
    by_slug = {row.slug: row for row in rows}
    refuse_twins(wanted)
    _refuse_collisions(wanted, by_slug)
    # A slug may go from one to the next (a chain, a swap): all are given up before any is taken.
    changed = {_slug(each): row for each in wanted if (row := by_slug.get(each.replaces or ""))}
    for slug, row in changed.items():
        if row.slug != slug:
            update_schedule(tx, row.id, {"slug": None})
    given_up = {row.slug for row in changed.values()}
    for each in wanted:
        slug = _slug(each)
        row = changed.get(slug) or (by_slug.get(slug) if slug not in given_up else None)
        if row is None:
            add_schedules(tx, deployment, [_as_new(each)], new_id)
        else:
            change_schedule(tx, deployment, row.id, _as_change(each))


def _slug(wanted: ScheduleCreate | ScheduleUpdate) -> str | None:
    return None if wanted.slug is msgspec.UNSET else wanted.slug


def _refuse_collisions(wanted: Wanted, by_slug: dict[Any, Any]) -> None:
    replaced = [each.replaces for each in wanted if each.replaces]
    for each in wanted:
        if not each.replaces:
            continue
        if replaced.count(each.replaces) > 1:
            raise Unprocessable(
                f"Two schedules replace {each.replaces!r}: only one can.", field="schedules"
            )
        if _slug(each) in by_slug and _slug(each) not in replaced:
            raise Conflict(
                f"The schedule {each.replaces!r} cannot be renamed to {_slug(each)!r}: the "
                "deployment has one of that slug. Rename or delete that one too.",
                code="schedule_exists",
                status=422,
            )


def _given(wanted: ScheduleCreate | ScheduleUpdate) -> dict[str, Any]:
    """The fields of a request, but for the one that says which schedule is meant."""
    fields = ((name, getattr(wanted, name)) for name in wanted.__struct_fields__)
    return {
        name: value for name, value in fields if value is not msgspec.UNSET and name != "replaces"
    }


def _as_change(wanted: ScheduleCreate | ScheduleUpdate) -> ScheduleUpdate:
    return ScheduleUpdate(**_given(wanted))


def _as_new(wanted: ScheduleCreate | ScheduleUpdate) -> ScheduleCreate:
    given = _given(wanted)
    if given.get("schedule") is None:
        raise Unprocessable("A new schedule needs its `schedule`.", field="schedules")
    if given.get("active", 0) is None:
        del given["active"]
    return ScheduleCreate(**given)
