"""Records a move of a flow run: the history, and every column that follows from it."""

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.limits import shortened_state
from runwright.core.states import TERMINAL, State, StateDetails, StateName, StateType
from runwright.storage.engine import Transaction
from runwright.storage.runs import INSERT_STATE, insert_run, save, save_policy

EVENTS = "events"
_GOES_ON = frozenset({StateType.RUNNING, StateType.SCHEDULED})


def present_state(run: Any) -> State | None:
    """The state the run is in."""
    return None if run.state is None else msgspec.convert(run.state, State)


def record_move(tx: Transaction, run: Any, state: State, **changes: Any) -> Any:
    """Put the run into `state`; the run as it is now.

    `changes` are columns of the claim that go with it: token, lease, execution and so on. Where
    they say nothing, an end frees the lease and everything else keeps it.
    """
    state = shortened_state(_of_run(state, run.id))
    at = max(tx.now, run.updated)  # the clock may have been set back since the state before
    columns = {**columns_after(run, state), **changes, "updated": at}
    moved = save(tx, run, columns)
    policy = _policy(run, state)
    if policy is not None:
        save_policy(tx, run.id, policy)
    _add_to_history(tx, moved, state)
    if state.type is StateType.CANCELLING and moved.worker_id is not None:
        tx.wake(f"worker:{moved.worker_id}")
    if run.work_pool_id is not None and (
        state.type is StateType.SCHEDULED
        or (run.lease_expires_at is not None and moved.lease_expires_at is None)
    ):
        tx.wake(f"pool:{run.work_pool_id}")  # there is a run to claim, or a slot to claim it with
    return moved


def begin_in(tx: Transaction, values: Mapping[str, Any], state: State) -> bool:
    """Make a run that is in `state` from the start. False where id or a unique key exists already.

    `values` are as for `insert_run`.
    """
    blank = SimpleNamespace(
        state_seq=0,
        state_type=None,
        total_run_time=0.0,
        run_count=0,
        start_time=None,
        expected_start_time=values.get("expected_start_time"),
    )
    state = _of_run(state, values["id"])
    if not insert_run(tx, {**values, **columns_after(blank, state)}):
        return False
    token = values.get("claim_token", 0)
    first = SimpleNamespace(id=values["id"], state_seq=1, claim_token=token, updated=tx.now)
    _add_to_history(tx, first, state)
    if values.get("work_pool_id") is not None and state.type is StateType.SCHEDULED:
        tx.wake(f"pool:{values['work_pool_id']}")
    return True


def _of_run(state: State, run_id: UUID) -> State:
    details = msgspec.structs.replace(state.state_details, flow_run_id=run_id)
    return msgspec.structs.replace(state, state_details=details)


def _add_to_history(tx: Transaction, run: Any, state: State) -> None:
    tx.execute(
        INSERT_STATE,
        {
            "id": state.id,
            "flow_run_id": run.id,
            "seq": run.state_seq,
            "type": str(state.type),
            "name": state.name,
            "timestamp": state.timestamp,
            "message": state.message,
            "state_details": state.state_details,
            "data": state.data,
            "claim_token": run.claim_token,
            "transition_id": state.state_details.transition_id,
            "received": run.updated,
        },
    )
    tx.wake(f"run:{run.id}")
    tx.wake(EVENTS)


def columns_after(run: Any, state: State) -> dict[str, Any]:
    """What a state says about the run's times and counts."""
    at = state.timestamp
    columns: dict[str, Any] = {
        "state_id": state.id,
        "state_type": str(state.type),
        "state_name": state.name,
        "state_timestamp": at,
        "state": msgspec.to_builtins(state),
        "state_seq": run.state_seq + 1,
        "due_at": None,
        "next_scheduled_start_time": None,
        "end_time": None,
    }
    columns |= _times(run, state, at)
    if state.type in TERMINAL:
        columns |= {"end_time": at, "lease_expires_at": None}
    return columns


def _times(run: Any, state: State, at: datetime) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    was_running = run.state_type == StateType.RUNNING
    if was_running:
        seconds = max(0.0, (at - run.state_timestamp).total_seconds())
        columns["total_run_time"] = run.total_run_time + seconds
    if run.expected_start_time is None:
        columns["expected_start_time"] = at
    if state.type is StateType.RUNNING and not was_running:
        columns["run_count"] = run.run_count + 1
        if run.start_time is None:
            columns["start_time"] = at
    if state.type is StateType.SCHEDULED:
        due = state.state_details.scheduled_time or at
        columns |= {"due_at": due, "next_scheduled_start_time": due}
        if run.run_count == 0:
            columns["expected_start_time"] = due
    return columns


def _policy(run: Any, state: State) -> dict[str, Any] | None:
    """Where the run has paused: there it goes on when it comes there again.

    A new try, from the beginning, pauses anew.
    """
    policy = run.empirical_policy or {}
    paused = policy.get("pause_keys") or []
    key = state.state_details.pause_key
    if state.type is StateType.PAUSED:
        changed = {"pause_keys": [*paused, key] if key else paused, "resuming": False}
    elif run.state_type == StateType.PAUSED and state.type in _GOES_ON:
        changed = {"resuming": True}
    elif paused and state.type is StateType.SCHEDULED and state.name != StateName.RESUMING:
        changed = {"pause_keys": [], "resuming": False}
    else:
        return None
    return policy | changed


def new_state(
    tx: Transaction, state_id: Any, kind: StateType, name: str, message: str | None = None,
    *, due: datetime | None = None,
) -> State:  # fmt: skip
    """A state that the server itself gives."""
    return State(
        id=state_id,
        type=kind,
        name=name,
        timestamp=tx.now,
        message=message,
        state_details=StateDetails(scheduled_time=due),
    )
