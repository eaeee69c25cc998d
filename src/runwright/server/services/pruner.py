"""Pruner: deletes what is older than it is kept, a little at a time.

Runs are kept for ever unless told otherwise. Only runs that have ended are deleted, with
everything of theirs; logs, events, the figures of workers' machines and what automations did go by
their own age; workers that were not heard of for a week go too, and sessions that ended as long
ago.
"""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select

from runwright.core.states import TERMINAL
from runwright.storage.automation_buckets import forget_old
from runwright.storage.criteria import among
from runwright.storage.deleting import delete_some
from runwright.storage.engine import Storage, Transaction
from runwright.storage.tables import (
    api_key,
    automation_action,
    automation_firing,
    concurrency_slot,
    event,
    flow_run,
    host_reading,
    log,
    worker,
)

_BATCH = 500
_MOST_BATCHES = 200
_WORKERS_KEPT = timedelta(days=7)
_SESSIONS_KEPT = timedelta(days=7)
#: What a trigger has counted, and not come to an end with.
_BUCKETS_KEPT = timedelta(days=90)
_ENDED = sorted(str(kind) for kind in TERMINAL)


class Pruner:
    """Deletes runs and logs older than their retention; None keeps them for ever."""

    name = "pruner"

    def __init__(
        self,
        storage: Storage,
        *,
        run_retention: timedelta | None = None,
        log_retention: timedelta | None = timedelta(days=30),
        host_retention: timedelta | None = timedelta(days=2),
        firing_retention: timedelta | None = timedelta(days=30),
    ) -> None:
        self._storage = storage
        self._run_retention = run_retention
        self._log_retention = log_retention
        self._host_retention = host_retention
        self._firing_retention = firing_retention

    async def one_pass(self) -> int:
        """Delete what is too old now, up to 100,000 rows of each kind; how many went."""
        deleted = 0
        for _ in range(_MOST_BATCHES):
            some = await self._delete_some()
            deleted += some
            if not some:
                break
        return deleted

    async def _delete_some(self) -> int:
        """A batch of each kind. What is too old is looked for beside the writer: there are not
        indexes for all of it, and a search through all rows would hold up every write.
        """
        await self._storage.write(lambda tx: forget_old(tx, tx.now - _BUCKETS_KEPT))
        found = await self._storage.survey(self._find)
        return sum([await self._storage.write(partial(_delete, *each)) for each in found])

    def _find(self, tx: Transaction) -> list[tuple[Table, ColumnElement[bool], list[UUID]]]:
        plan = plan_pruning(
            tx.now,
            run_retention=self._run_retention,
            log_retention=self._log_retention,
            host_retention=self._host_retention,
            firing_retention=self._firing_retention,
        )
        found = [
            (table, too_old, tx.execute(select(table.c.id).where(too_old).limit(_BATCH)).scalars())
            for table, too_old in plan
        ]
        return [each for each in found if each[2]]


def plan_pruning(
    now: datetime,
    *,
    run_retention: timedelta | None,
    log_retention: timedelta | None,
    host_retention: timedelta | None,
    firing_retention: timedelta | None = None,
) -> list[tuple[Table, ColumnElement[bool]]]:
    """Which rows of which tables are too old."""
    heard = worker.c.last_heartbeat_time
    too_old: list[tuple[Table, ColumnElement[bool]]] = [
        (worker, or_(heard < now - _WORKERS_KEPT, worker.c.stopped_at < now - _WORKERS_KEPT)),
        (concurrency_slot, concurrency_slot.c.expires_at < now),
        (api_key, _is_spent(now - _SESSIONS_KEPT)),
    ]
    if log_retention is not None:
        too_old.append((log, log.c.timestamp < now - log_retention))
        too_old.append((event, event.c.occurred < now - log_retention))
    if host_retention is not None:
        too_old.append((host_reading, host_reading.c.at < now - host_retention))
    if firing_retention is not None:
        too_old.append((automation_firing, _is_done(now - firing_retention)))
    if run_retention is not None:
        ended = flow_run.c.state_type.in_(_ENDED)
        too_old.append((flow_run, ended & (flow_run.c.end_time < now - run_retention)))
    return too_old


def _is_spent(before: datetime) -> ColumnElement[bool]:
    """A session or sign-in link that ended before then. Keys are kept: they say who made what."""
    ended = or_(api_key.c.expires_at < before, api_key.c.revoked_at < before)
    return and_(api_key.c.kind.in_(["session", "sign_in"]), ended)


def _is_done(before: datetime) -> ColumnElement[bool]:
    """An old firing, all of whose actions have come to an end."""
    pending = select(automation_action.c.firing_id).where(
        automation_action.c.firing_id == automation_firing.c.id,
        automation_action.c.status == "pending",
    )
    return and_(automation_firing.c.created < before, ~pending.exists())


def _delete(table: Table, too_old: ColumnElement[bool], ids: list[UUID], tx: Transaction) -> int:
    if table is flow_run:
        return delete_some(tx, too_old, ids)
    return tx.execute(delete(table).where(among(table.c.id, ids), too_old)).rowcount
