"""Ends runs whose holders have fallen silent, and makes their next attempts.

Any number of reapers may run: each row is judged under its lock, by its lease as it is then.

It is also the one that notices when the clock was set back, since it notes the time of each pass
and reads that of the last in one transaction.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from runwright.core.liveness import Pass, is_our_outage, plan_pass
from runwright.core.states import StateType
from runwright.server.policy import Policy
from runwright.server.services.service import LAST_PASS, note_pass
from runwright.server.use_cases.end_execution import end_run
from runwright.server.use_cases.follow_clock import follow_clock_back
from runwright.server.use_cases.release_run import give_back
from runwright.storage.engine import Storage, Transaction
from runwright.storage.runs import lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run
from runwright.storage.unsupervised import extend_all, lapsed_anew

_c = flow_run.c
_AT_ONCE = 100
#: When most leases were last excused together: for all replicas to know.
_EXCUSE = "reaper's excuse"
#: Replicas do not read the clock and note it in one order.
_SET_BACK = timedelta(seconds=1)
_now = bindparam("now", type_=_c.lease_expires_at.type)
_LAPSED = Prepared(
    select(_c.id)
    .where(_c.lease_expires_at < _now)
    .order_by(_c.lease_expires_at)
    .limit(_AT_ONCE)
    .with_for_update(skip_locked=True, key_share=True)
)
_FIGURES = Prepared(
    select(func.count(), func.count(func.distinct(_c.worker_id))).where(_c.lease_expires_at < _now)
)
_LEASED = Prepared(select(func.count()).where(_c.lease_expires_at.is_not(None)))


class Reaper:
    """Ends what has lapsed."""

    name = "reaper"

    def __init__(self, storage: Storage, policy: Policy) -> None:
        self._storage = storage
        self._policy = policy

    async def one_pass(self) -> None:
        # What was too large for a full disk were renewals too: nobody is to blame for those.
        excuse = self._storage.was_full()
        while await self._storage.write(lambda tx: self._pass(tx, excuse=excuse)) == _AT_ONCE:
            pass  # there are more

    def _pass(self, tx: Transaction, *, excuse: bool) -> int:
        """End what has lapsed; how many runs were looked at."""
        now, ttl = tx.now, self._policy.running_lease
        last = tx.execute(LAST_PASS, {"service": self.name}).scalar()
        note_pass(tx, self.name)
        if last is not None and last - now > _SET_BACK:
            follow_clock_back(tx, last)
        if excuse or plan_pass(last, now, ttl) is Pass.EXTEND or self._is_our_outage(tx):
            extend_all(tx, self._policy.client_lease)
            return 0
        lapsed = tx.execute(_LAPSED, {"now": now}).scalars()
        for run_id in lapsed:
            reap(tx, run_id, self._policy)
        return len(lapsed)

    def _is_our_outage(self, tx: Transaction) -> bool:
        lapsed, holders = tx.execute(_FIGURES, {"now": tx.now}).one()
        leased = tx.execute(_LEASED).scalar()
        if not is_our_outage(lapsed=lapsed, leased=leased, holders=holders):
            return False
        excused_at = tx.execute(LAST_PASS, {"service": _EXCUSE}).scalar()
        if excused_at is not None and excused_at <= tx.now:  # else by a clock set back since
            lapsed, holders = lapsed_anew(tx, excused_at, self._policy.client_lease)
            if not is_our_outage(lapsed=lapsed, leased=leased, holders=holders):
                return False
        note_pass(tx, _EXCUSE)
        return True


def reap(tx: Transaction, run_id: UUID, policy: Policy) -> None:
    """End one run whose lease has lapsed; nothing where it has been renewed meanwhile."""
    run = lock_run(tx, run_id)
    if run is None or run.lease_expires_at is None or run.lease_expires_at >= tx.now:
        return
    silence = _silence(run)
    if run.cancel_requested_at is not None or run.state_type == StateType.CANCELLING:
        message = f"Cancelled. {silence}"
        end_run(tx, run, StateType.CANCELLED, message, policy, was_reported=False)
    elif run.state_type == StateType.PENDING and run.launch_count < policy.most_launches:
        give_back(tx, run, "Its worker did not start it in time.", policy)
    else:
        end_run(tx, run, StateType.CRASHED, silence, policy, was_reported=False)


def _silence(run: Any) -> str:
    if run.lease_seconds is None:
        return "Nothing was heard of it, nor of its worker, for too long."
    return f"Nothing was heard of its process for {run.lease_seconds:g} s."
