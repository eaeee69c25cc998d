"""Runs that have stood still for longer than they should."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select, union_all

from runwright.api.flow_runs import StuckRun
from runwright.core.states import StateType
from runwright.core.stuck import (
    CANCELLING_FOR,
    GO_ON,
    LAPSED_FOR,
    OVERDUE_FOR,
    PENDING_FOR,
    Standing,
    why_stuck,
)
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.tables import flow_run

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = flow_run.c
#: Of each kind.
_MOST = 20


def stuck_runs(tx: "Transaction", cancel_grace: timedelta) -> list[StuckRun]:
    """The runs that stand still, twenty of each kind at most, the longest first."""
    now = tx.now
    kinds: list[tuple[ColumnElement[bool], ...]] = [
        (_c.lease_expires_at < now - LAPSED_FOR,),
        (_is(StateType.CANCELLING), _c.state_timestamp < now - cancel_grace - CANCELLING_FOR),
        (_is(StateType.PENDING), _c.state_timestamp < now - PENDING_FOR),
        (
            _is(StateType.SCHEDULED),
            _c.state_name.in_(GO_ON),
            _c.lease_expires_at.is_(None),
            _c.due_at < now - OVERDUE_FOR,
        ),
    ]
    firsts = [
        select(_c.id).where(*kind).order_by(_c.state_timestamp).limit(_MOST).subquery()
        for kind in kinds
    ]
    those = _c.id.in_(union_all(*(select(each.c.id) for each in firsts)))
    found = FLOW_RUNS.select().add_columns(_c.due_at, _c.lease_expires_at).where(those)
    stuck: list[StuckRun] = []
    for row in tx.execute(found.order_by(_c.state_timestamp, _c.id)).all():
        standing = Standing(
            state_type=StateType(row.state_type),
            state_name=row.state_name,
            since=row.state_timestamp,
            due_at=row.due_at,
            lease_expires_at=row.lease_expires_at,
            worker_name=row.worker_name,
        )
        why = why_stuck(standing, now, cancel_grace)
        if why is not None:
            run = FLOW_RUNS.to_wire(row, now)
            stuck.append(StuckRun(flow_run=run, since=row.state_timestamp, why=why))
    return stuck


def _is(kind: StateType) -> ColumnElement[bool]:
    return _c.state_type == str(kind)
