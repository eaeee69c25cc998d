"""Runs made for schedules ahead of time, and what becomes of fires missed in an outage."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec

from runwright.core.backoff import Random
from runwright.core.ids import NewId
from runwright.core.masks import shown_of
from runwright.core.run_names import run_name
from runwright.core.schedules.planning import HORIZON, Horizon, plan_fires, unwanted
from runwright.core.schedules.schedule import InvalidSchedule, parse
from runwright.core.states import State, StateDetails, StateName, StateType
from runwright.storage.deployments import deployment_with_pool
from runwright.storage.engine import Transaction
from runwright.storage.new_runs import NewRun, begin_run
from runwright.storage.schedules import (
    delete_waiting_runs,
    due_schedules,
    update_schedule,
    waiting_runs,
)

#: Schedules in one transaction; of recurrence rules fewer, which may take a tenth of a second.
BATCH = 50
_MOST_RRULES = 5
_CREATOR = {"type": "SCHEDULE"}


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """What firing schedules needs beside the database."""

    new_id: NewId
    random: Random
    horizon: Horizon = HORIZON

    def fire_some(self, tx: Transaction) -> tuple[int, bool]:
        """Make the runs of up to 50 schedules whose time has come; how many there were, and
        whether there may be more.

        Cursor and runs move in one transaction, and a fire that has its run gets no other:
        any number of replicas may do this at once.
        """
        due = due_schedules(tx, BATCH)
        rows = list(_some(due))
        deployments: dict[UUID, Any] = {}
        for row in rows:
            if row.deployment_id not in deployments:
                deployments[row.deployment_id] = deployment_with_pool(tx, row.deployment_id)
            self._fire(tx, row, deployments[row.deployment_id])
        return len(rows), len(rows) < len(due) or len(due) == BATCH

    def fire_now(self, tx: Transaction, rows: list[Any], deployment: Any) -> None:
        """Make the runs of these locked schedules of one deployment."""
        for row in rows:
            self._fire(tx, row, deployment)

    def _fire(self, tx: Transaction, row: Any, deployment: Any) -> None:
        try:
            spec = parse(row.schedule)
        except InvalidSchedule:  # kept by an older version: it never fires
            update_schedule(tx, row.id, {"next_fire_at": None, "plan_at": None})
            return
        if row.next_fire_at is None:
            update_schedule(tx, row.id, {"plan_at": None})
            return
        try:
            plan = plan_fires(
                spec,
                next_fire_at=row.next_fire_at,
                now=tx.now,
                catchup=row.catchup,
                max_scheduled_runs=row.max_scheduled_runs,
                horizon=self.horizon,
            )
        except InvalidSchedule:  # the same: a rule that is refused by now
            update_schedule(tx, row.id, {"next_fire_at": None, "plan_at": None})
            return
        for fire in plan.fires:
            begin_run(tx, self._run(tx, row, deployment, fire))
        cursor = {"next_fire_at": plan.next_fire_at, "plan_at": plan.plan_at}
        update_schedule(tx, row.id, cursor)

    def _run(self, tx: Transaction, row: Any, deployment: Any, fire: datetime) -> NewRun:
        state = State(
            id=self.new_id(),
            type=StateType.SCHEDULED,
            name=StateName.SCHEDULED,
            timestamp=tx.now,
            message="Flow run scheduled",
            state_details=StateDetails(scheduled_time=fire),
        )
        parameters = {**deployment.parameters, **row.parameters}
        return NewRun(
            id=self.new_id(),
            name=run_name(self.random),
            flow_id=deployment.flow_id,
            state=state,
            deployment_id=deployment.id,
            deployment_version=deployment.version,
            work_pool_id=deployment.work_pool_id,
            work_queue_id=deployment.work_queue_id,
            parameters=parameters,
            shown_parameters=shown_of(parameters, deployment.parameter_openapi_schema),
            tags=list(dict.fromkeys([*deployment.tags, "auto-scheduled"])),
            labels=deployment.labels,
            created_by={**_CREATOR, "id": str(row.id), "display_value": row.slug},
            retries=deployment.retries,
            retry_delay_seconds=deployment.retry_delay_seconds,
            schedule_id=row.id,
            fire_key=fire_key(row, fire),
        )


def _some(rows: Iterable[Any]) -> Iterator[Any]:
    """As many as one transaction can plan without keeping others waiting for long."""
    rrules = 0
    for row in rows:
        rrules += "rrule" in row.schedule
        if rrules > _MOST_RRULES:
            return
        yield row


def fire_key(row: Any, fire: datetime) -> str:
    """Names one fire of one schedule in its deployment."""
    return f"{row.slug or row.id}@{fire.astimezone(UTC).isoformat()}"


def drop_missed(
    tx: Transaction, since: datetime, until: datetime, after: UUID | None
) -> UUID | None:
    """Delete the runs whose fires were missed in (since, until] and are not to be made up for.

    Goes by schedule, 50 of them with ids above `after`; the last id to go on from, or None.
    """
    rows = waiting_runs(tx, since, until, after, BATCH)
    doomed: list[UUID] = []
    last: UUID | None = None
    for schedule_id, group in groupby(rows, key=lambda row: row.id):
        runs = list(group)
        last = schedule_id
        by_time = {row.expected_start_time: row.run_id for row in runs}
        cursor = runs[0].next_fire_at
        drop = unwanted(
            list(by_time),
            catchup=runs[0].catchup,
            later_missed=cursor is not None and cursor <= until,
        )
        doomed += [by_time[fire] for fire in drop]
    if doomed:
        delete_waiting_runs(tx, doomed)
    return last
