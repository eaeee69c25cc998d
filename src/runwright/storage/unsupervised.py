"""Leases of runs whose clients know of none: what is heard of them and of their workers is enough.

Such a run has no `lease_seconds`; nobody asks for its lease, and nobody knows its token.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import and_, false, func, or_, select, update

from runwright.core.states import StateType
from runwright.storage.tables import flow_run

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = flow_run.c
_runs_unsupervised = (
    _c.state_type == str(StateType.RUNNING),
    _c.lease_expires_at.is_not(None),
    _c.lease_seconds.is_(None),
)


def hear_of_runs(tx: "Transaction", run_ids: Sequence[UUID], until: datetime) -> None:
    """Runs have said that they live: believe it until then, and no longer."""
    tx.execute(
        update(flow_run)
        .where(_c.id.in_(run_ids), *_runs_unsupervised)
        .values(lease_expires_at=until)
    )


def hear_of_worker(tx: "Transaction", pool_id: UUID, name: str, until: datetime) -> None:
    """A worker lives: so do its runs, until then at least. It tells of those that end."""
    tx.execute(
        update(flow_run)
        .where(
            _c.work_pool_id == pool_id,
            _c.worker_name == name,
            _c.lease_expires_at < until,
            *_runs_unsupervised,
        )
        .values(lease_expires_at=until)
    )


def lapsed_anew(
    tx: "Transaction", extended_at: datetime, client_lease: timedelta
) -> tuple[int, int]:
    """How many leases have lapsed that were renewed since `extend_all`; of how many workers."""
    lapsed = _c.lease_expires_at < tx.now
    renewed = false()
    for seconds in tx.execute(select(_c.lease_seconds).where(lapsed).distinct()).scalars():
        term = client_lease if seconds is None else timedelta(seconds=seconds)
        own = _c.lease_seconds.is_(None) if seconds is None else _c.lease_seconds == seconds
        renewed = or_(renewed, and_(own, _c.lease_expires_at > extended_at + term))
    figures = select(func.count(), func.count(func.distinct(_c.worker_id)))
    count, workers = tx.execute(figures.where(lapsed, renewed)).one()
    return count, workers


def extend_all(tx: "Transaction", client_lease: timedelta) -> None:
    """Nobody could be heard for a while, or the clock was set: every lease is whole again.

    No more than whole: one from before the clock was put back would hide a death for as long.
    `client_lease` is for those whose clients know of none; the longer ones of these are left.
    """
    leased = _c.lease_expires_at.is_not(None)
    for seconds in tx.execute(select(_c.lease_seconds).where(leased).distinct()).scalars():
        if seconds is None:
            until = tx.now + client_lease
            outdated = and_(_c.lease_seconds.is_(None), _c.lease_expires_at < until)
        else:
            until = tx.now + timedelta(seconds=seconds)
            outdated = and_(_c.lease_seconds == seconds, leased)
        tx.execute(update(flow_run).where(outdated).values(lease_expires_at=until))
