"""Late marker: shows the runs that wait for a worker longer than they should.

A late run is still SCHEDULED and starts as soon as somebody takes it; only its name changes.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select

from runwright.core.ids import NewId
from runwright.core.states import State, StateDetails, StateName, StateType
from runwright.storage.engine import Storage, Transaction
from runwright.storage.moves import record_move
from runwright.storage.runs import lock_run
from runwright.storage.tables import flow_run

_BATCH = 200

_c = flow_run.c
_waiting = (
    select(_c.id, _c.state_id, _c.due_at, _c.state)
    .where(
        _c.state_type == str(StateType.SCHEDULED),
        _c.state_name == StateName.SCHEDULED,
        _c.lease_expires_at.is_(None),
        _c.due_at <= bindparam("patience_ended"),
    )
    .order_by(_c.due_at)
    .limit(_BATCH)
)


class LateMarker:
    """Marks runs that were due longer than `late_after` ago."""

    name = "late_marker"

    def __init__(self, storage: Storage, new_id: NewId, late_after: timedelta) -> None:
        self._storage = storage
        self._new_id = new_id
        self._late_after = late_after

    async def one_pass(self) -> int:
        """Mark all that are late now; how many there were."""
        marked = 0
        while True:
            seen, done = await self._storage.write(self._mark_some)
            marked += done
            if seen < _BATCH or not done:
                return marked

    def _mark_some(self, tx: Transaction) -> tuple[int, int]:
        rows = tx.execute(_waiting, {"patience_ended": tx.now - self._late_after}).all()
        return len(rows), sum(_mark(tx, row, self._new_id()) for row in rows)


def plan_late(due_at: datetime, details: StateDetails, *, state_id: UUID, now: datetime) -> State:
    """The state of a run that was due at `due_at` and still waits."""
    return State(
        id=state_id,
        type=StateType.SCHEDULED,
        name=StateName.LATE,
        timestamp=now,
        state_details=msgspec.structs.replace(details, scheduled_time=due_at),
    )


def _mark(tx: Transaction, row: Any, state_id: UUID) -> int:
    run = lock_run(tx, row.id)
    if run is None or run.state_id != row.state_id or run.lease_expires_at is not None:
        return 0  # somebody moved it in between
    details = msgspec.convert((row.state or {}).get("state_details") or {}, StateDetails)
    record_move(tx, run, plan_late(row.due_at, details, state_id=state_id, now=tx.now))
    return 1
