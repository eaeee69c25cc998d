"""A subflow of a client that speaks REST is shown in its parent as a task run."""

from typing import Any

import msgspec
from sqlalchemy import select

from runwright.api.journal import TaskRunMoved
from runwright.core.states import State
from runwright.server.policy import Policy
from runwright.storage.engine import Transaction
from runwright.storage.tables import task_run
from runwright.storage.task_states import record_task_states

_STAND_IN = select(task_run.c.id, task_run.c.flow_run_id)


def tell_parent(tx: Transaction, run: Any, state: State, policy: Policy) -> None:
    """The task run that stands for a subflow in its parent enters the states of the subflow."""
    parent = tx.execute(_STAND_IN.where(task_run.c.id == run.parent_task_run_id)).first()
    if parent is None:
        return
    details = msgspec.structs.replace(
        state.state_details, child_flow_run_id=run.id, transition_id=None
    )
    copied = msgspec.structs.replace(state, id=policy.new_id(), state_details=details)
    entry = TaskRunMoved(task_run_id=parent.id, state=copied)
    record_task_states(tx, [entry], {parent.flow_run_id})
