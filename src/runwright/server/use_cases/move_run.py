"""A client proposes a state for a flow run: `POST /flow_runs/{id}/set_state`."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.states import (
    AbortDetails,
    AcceptDetails,
    OrchestrationResult,
    RejectDetails,
    SetState,
    StateCreate,
    WaitDetails,
)
from runwright.core.decide import decide
from runwright.core.states import STOPS_CHILDREN, State, StateName, StateType
from runwright.core.transitions import (
    Abort,
    Accept,
    Decision,
    Reject,
    Replace,
    RunFacts,
    Slot,
    Transition,
    Wait,
)
from runwright.server.policy import Policy
from runwright.server.problems import Missing
from runwright.server.use_cases.end_execution import end_what_ran_inside, insert_next_attempt
from runwright.server.use_cases.note_forced import note_forced
from runwright.server.use_cases.stop_children import stop_children
from runwright.server.use_cases.tell_parent import tell_parent
from runwright.storage.claims import slot_for
from runwright.storage.engine import Transaction
from runwright.storage.moves import present_state, record_move
from runwright.storage.runs import has_made, lock_run, read_run

_NAMES = {
    kind: {StateType.CANCELLING: "Cancelling"}.get(kind, kind.value.capitalize())
    for kind in StateType
}
_ALIVE = frozenset({StateType.PENDING, StateType.RUNNING})


def move_run(
    tx: Transaction, run_id: UUID, proposal: SetState, policy: Policy,
    *, by: dict[str, Any] | None = None,
) -> OrchestrationResult:  # fmt: skip
    """Judge a state proposed by anybody who may, and record what was decided.

    `by` is who proposes it, as in `created_by`: said where the move needed force.

    Raises:
        Missing: there is no such run.
    """
    run = lock_run(tx, run_id)
    if run is None:
        raise Missing(f"There is no flow run {run_id}.")
    proposed = _may_retry(state_of(proposal.state, policy.new_id(), tx))
    move = transition(tx, run, proposed, force=proposal.force)
    decision = decide(move)
    state = decided_state(decision, proposed)
    if state is None:
        return answer(decision, move.current)
    run = record_move(tx, run, state, **_claim_columns(tx, run, state, decision, policy))
    note_forced(tx, "flow-run", run, move.current, state, policy, by=by)
    if run.parent_task_run_id is not None:
        tell_parent(tx, run, state, policy)
    if state.type is StateType.CRASHED and move.current and move.current.type in _ALIVE:
        end_what_ran_inside(tx, run, StateType.CRASHED, policy)
        insert_next_attempt(tx, run, policy, was_reported=True)
    elif state.type in STOPS_CHILDREN:
        stop_children(tx, [run.id], policy)
    return answer(decision, present_state(run))


def transition(
    tx: Transaction,
    run: Any,
    proposed: State,
    *,
    force: bool = False,
    has_lease: bool | None = None,
) -> Transition:
    """The move with all that the rules may know."""
    transition_id = proposed.state_details.transition_id
    repeated = transition_id is not None and has_made(tx, run.id, transition_id)
    delay = run.retry_delay_seconds
    slot = Slot.FREE, ""
    if proposed.type is StateType.PENDING and run.state_type == StateType.SCHEDULED:
        slot = slot_for(tx, run)
    facts = RunFacts(
        retries=run.retries,
        retries_used=run.retries_used,
        retry_delay=None if delay is None else timedelta(seconds=delay),
        has_deployment=run.deployment_id is not None,
        has_lease=(run.lease_expires_at is not None or _root_has_lease(tx, run))
        if has_lease is None
        else has_lease,
        cancel_wanted=run.cancel_requested_at is not None,
        pause_keys=frozenset(run.empirical_policy.get("pause_keys") or ()),
        last_transition_id=transition_id if repeated else None,
        next_scheduled_start_time=run.next_scheduled_start_time,
        is_subflow=run.execution_root_id is not None,
        slot=slot[0],
        slot_of=slot[1],
    )
    return Transition(
        current=present_state(run), proposed=proposed, now=tx.now, run=facts, force=force
    )


def state_of(create: StateCreate, state_id: UUID, tx: Transaction) -> State:
    """A proposed state with id, time, and the usual name where it has none."""
    return State(
        id=state_id,
        type=create.type,
        name=create.name or _NAMES[create.type],
        timestamp=tx.now,
        message=create.message,
        state_details=create.state_details,
        data=create.data,
    )


def _may_retry(proposed: State) -> State:
    """The peer's clients call every failure of a flow not retriable, and mean its result."""
    if proposed.state_details.retriable is not False:
        return proposed
    details = msgspec.structs.replace(proposed.state_details, retriable=None)
    return msgspec.structs.replace(proposed, state_details=details)


def decided_state(decision: Decision, proposed: State) -> State | None:
    """The state to record, or None."""
    match decision:
        case Accept(state=state):
            return proposed if state is None else state
        case Replace(state=state):
            return state
        case _:
            return None


def answer(decision: Decision, state: State | None) -> OrchestrationResult:
    """A decision on the wire; `state` is the run's after it."""
    match decision:
        case Accept():
            return OrchestrationResult(state=state, status="ACCEPT", details=AcceptDetails())
        case Replace(reason=reason) | Reject(reason=reason):
            details = RejectDetails(reason=reason)
            return OrchestrationResult(state=state, status="REJECT", details=details)
        case Abort(reason=reason):
            return OrchestrationResult(
                state=state, status="ABORT", details=AbortDetails(reason=reason)
            )
        case Wait(delay=delay, reason=reason):
            seconds = max(1, round(delay.total_seconds()))
            details = WaitDetails(delay_seconds=seconds, reason=reason)
            return OrchestrationResult(state=None, status="WAIT", details=details)


def _claim_columns(
    tx: Transaction, run: Any, state: State, decision: Decision, policy: Policy
) -> dict[str, Any]:
    """What the move means for whoever holds the run. Its author is not known to be the holder."""
    columns: dict[str, Any] = {}
    supervised = run.lease_expires_at is not None and run.lease_seconds is not None
    fenced = {"claim_token": run.claim_token + 1}
    if isinstance(decision, Replace) and decision.spends_retry:
        columns["retries_used"] = run.retries_used + 1
    match state.type:
        case StateType.PENDING if run.state_type != StateType.PENDING:
            # A claim by a client that knows no tokens.
            columns |= fenced | {
                "execution_id": policy.new_id(),
                "credential_hash": None,
                "worker_id": None,
                "worker_name": None,
                "claimed_at": tx.now,
                "lease_seconds": None,
                "lease_expires_at": tx.now + policy.unsupervised_pending_lease,
                "launch_count": run.launch_count + 1,
                "journal_next": 0,
            }
        case StateType.RUNNING if not supervised and run.execution_root_id is None:
            # A worker whose name is known tells that it lives.
            known = run.worker_name is not None
            lease = policy.client_lease if known else policy.unsupervised_lease
            columns["lease_expires_at"] = tx.now + lease
        case StateType.SCHEDULED:
            in_process = not supervised and state.name == StateName.AWAITING_RETRY
            if not in_process and run.state_type is not None:
                columns |= fenced | {"lease_expires_at": None, "cancel_requested_at": None}
        case StateType.PAUSED if state.state_details.pause_reschedule:
            columns |= fenced | {"lease_expires_at": None}
        case StateType.CANCELLING:
            columns["cancel_requested_at"] = tx.now
        case _ if state.is_terminal and supervised:
            columns |= fenced
            if run.worker_id is not None:
                tx.wake(f"worker:{run.worker_id}")
    return columns


def _root_has_lease(tx: Transaction, run: Any) -> bool:
    if run.execution_root_id is None:
        return False
    root = read_run(tx, run.execution_root_id)
    return (
        root is not None
        and root.execution_id == run.execution_id
        and root.lease_expires_at is not None
    )
