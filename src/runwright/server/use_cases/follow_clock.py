"""What was planned by a clock that has been set back since."""

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, update

from runwright.core.states import StateName, StateType
from runwright.storage.engine import Transaction
from runwright.storage.schedules import replan_all
from runwright.storage.tables import flow_run

_c = flow_run.c
_waits = (_c.state_type == str(StateType.SCHEDULED), _c.lease_expires_at.is_(None))


def follow_clock_back(tx: Transaction, was: datetime) -> None:
    """It was `was` at least, and is earlier now: nobody is to wait until then again.

    Schedules are planned anew: instants that come a second time fire, unless they have their run.
    What was due is due still. Who waited for a while, for its next try, waits no longer than that.
    """
    replan_all(tx)
    was_due = or_(_c.due_at <= was, _c.due_at <= _c.state_timestamp)
    _set_due(tx, tx.now, *_waits, _c.due_at > tx.now, was_due)
    retries = select(_c.id, _c.due_at, _c.state_timestamp).where(
        *_waits,
        _c.state_name == str(StateName.AWAITING_RETRY),
        _c.state_timestamp > tx.now,
        _c.due_at > _c.state_timestamp,
    )
    for run_id, due_at, since in tx.execute(retries).all():
        _set_due(tx, tx.now + (due_at - since), _c.id == run_id)


def _set_due(tx: Transaction, due_at: datetime, *which: ColumnElement[bool]) -> None:
    columns = {"due_at": due_at, "next_scheduled_start_time": due_at}
    tx.execute(update(flow_run).where(*which).values(columns))
