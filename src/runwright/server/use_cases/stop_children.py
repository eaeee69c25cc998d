"""With a run that was stopped go the runs that it called, in the same transaction.

Between the two no worker can be given a child of a stopped run, and one that was claimed already
never starts. Beyond `_MOST` it is the canceller's to find the rest; meanwhile no claim takes them.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, or_, select

from runwright.core.decide import decide
from runwright.core.states import State, StateType
from runwright.core.transitions import Accept, Replace, RunFacts, Transition
from runwright.server.policy import Policy
from runwright.server.use_cases.tell_parent import tell_parent
from runwright.storage.engine import Transaction
from runwright.storage.moves import new_state, present_state, record_move
from runwright.storage.runs import has_not_ended, lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run

#: Runs that are stopped in one transaction, of all generations.
_MOST = 100
#: What a run says that was stopped with its parent.
WHY = "The run that called it was stopped."
_c = flow_run.c
#: Runs of their own (not subflows in the same process) that go on though nobody needs them.
GOES_ON = (
    # In the words of the index: there are few such runs, however long the history.
    _c.parent_flow_run_id.is_not(None),
    _c.end_time.is_(None),
    _c.execution_root_id.is_(None),
    _c.cancel_requested_at.is_(None),
    or_(_c.state_type.is_(None), has_not_ended(_c.state_type)),
    or_(_c.state_type.is_(None), _c.state_type != str(StateType.CANCELLING)),
)
_CHILDREN = Prepared(
    lambda dialect: (
        select(_c.id)
        .where(dialect.among(_c.parent_flow_run_id, "parent_ids"), *GOES_ON)
        .order_by(_c.id)
        .limit(bindparam("most", type_=Integer))
    )
)


def stop_children(tx: Transaction, parent_ids: Sequence[UUID], policy: Policy) -> None:
    """Cancel the children of stopped runs, and theirs: at once where no process is alive."""
    left = _MOST
    while parent_ids and left > 0:
        found = tx.execute(_CHILDREN, {"parent_ids": list(parent_ids), "most": left}).scalars()
        left -= len(found)
        parent_ids = [run_id for run_id in found if _stop(tx, run_id, policy)]


def _stop(tx: Transaction, run_id: UUID, policy: Policy) -> bool:
    """Whether there was anything left to stop."""
    run = lock_run(tx, run_id)
    if run is None or run.cancel_requested_at is not None:
        return False
    proposed = new_state(tx, policy.new_id(), StateType.CANCELLING, "Cancelling", WHY)
    state = _decided(tx, run, proposed)
    if state is None:
        return False
    wanted = {"cancel_requested_at": tx.now} if state is proposed else {}
    run = record_move(tx, run, state, **wanted)
    if run.parent_task_run_id is not None:
        tell_parent(tx, run, state, policy)
    return True


def _decided(tx: Transaction, run: Any, proposed: State) -> State | None:
    facts = RunFacts(has_lease=run.lease_expires_at is not None)
    move = Transition(current=present_state(run), proposed=proposed, now=tx.now, run=facts)
    match decide(move):
        case Accept():
            return proposed
        case Replace(state=state):
            return state
        case _:
            return None
