"""Carries cancellations to their end: runs without a process, and the children of stopped runs."""

from sqlalchemy import exists, or_, select

from runwright.core.states import STOPS_CHILDREN, StateType
from runwright.server.policy import Policy
from runwright.server.services.service import note_pass
from runwright.server.use_cases.cancel_run import cancel_run
from runwright.server.use_cases.end_execution import end_run
from runwright.server.use_cases.stop_children import GOES_ON, WHY
from runwright.storage.engine import Storage, Transaction
from runwright.storage.runs import lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run

_c = flow_run.c
_parent = flow_run.alias("parent")
_AT_ONCE = 100
_STOPPED = sorted(map(str, STOPS_CHILDREN))
#: Nobody is left who could say that it has stopped.
_ABANDONED = Prepared(
    select(_c.id)
    .where(
        _c.state_type == str(StateType.CANCELLING),
        _c.lease_expires_at.is_(None),
        _c.execution_root_id.is_(None),
    )
    .limit(_AT_ONCE)
)
#: Runs whose parent has been stopped: those that were made since, or did not stop with it.
_ORPHANS = Prepared(
    select(_c.id)
    .where(
        *GOES_ON,
        exists().where(
            _parent.c.id == _c.parent_flow_run_id,
            or_(*(_parent.c.state_type == kind for kind in _STOPPED)),
        ),
    )
    .limit(_AT_ONCE)
)


class Canceller:
    """Ends what was to be cancelled and has nobody left to say so."""

    name = "canceller"

    def __init__(self, storage: Storage, policy: Policy) -> None:
        self._storage = storage
        self._policy = policy

    async def one_pass(self) -> None:
        await self._storage.write(self._pass)

    def _pass(self, tx: Transaction) -> None:
        for run_id in tx.execute(_ABANDONED).scalars():
            run = lock_run(tx, run_id)
            if run is not None and run.state_type == StateType.CANCELLING:
                message = "Cancelled: none of its processes is alive."
                end_run(tx, run, StateType.CANCELLED, message, self._policy, was_reported=False)
        for run_id in tx.execute(_ORPHANS).scalars():
            cancel_run(tx, run_id, self._policy, WHY)
        note_pass(tx, self.name)
