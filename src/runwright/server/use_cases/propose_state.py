"""The holder of a run proposes the state it enters. What it does next depends on the answer."""

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from runwright.api.states import AcceptDetails, OrchestrationResult, RejectDetails
from runwright.core.decide import decide
from runwright.core.states import STOPS_CHILDREN, State, StateName, StateType
from runwright.core.transitions import Accept, Decision, Replace
from runwright.server.policy import Policy
from runwright.server.use_cases.move_run import answer, decided_state, transition
from runwright.server.use_cases.stop_children import stop_children
from runwright.storage.engine import Transaction
from runwright.storage.moves import present_state, record_move
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run_state

_RECORDED = Prepared(
    select(flow_run_state).where(
        flow_run_state.c.id == bindparam("state_id"),
        flow_run_state.c.flow_run_id == bindparam("run_id"),
    )
)


def propose_state(
    tx: Transaction, run: Any, proposed: State, policy: Policy, *, decided: bool = False,
    **changes: Any,
) -> tuple[Any, OrchestrationResult]:  # fmt: skip
    """Judge and record; the run as it is now, and the answer.

    `changes` are columns of the run that are written with the state.
    """
    move = transition(tx, run, proposed, has_lease=True)
    decision: Decision = Accept() if decided else decide(move)
    state = decided_state(decision, proposed)
    if state is None:
        return run, answer(decision, move.current)
    changes |= _claim_columns(tx, run, state, decision, policy)
    run = record_move(tx, run, state, **changes)
    if state.type in STOPS_CHILDREN:
        stop_children(tx, [run.id], policy)
    return run, answer(decision, present_state(run))


def repeat_answer(tx: Transaction, run: Any, proposed: State) -> OrchestrationResult | None:
    """The answer that was lost on its way; None where the proposal recorded nothing."""
    row = tx.execute(_RECORDED, {"state_id": proposed.id, "run_id": run.id}).first()
    if row is None:
        return None
    state = State(
        id=row.id,
        type=StateType(row.type),
        name=row.name,
        timestamp=row.timestamp,
        message=row.message,
        state_details=msgspec.convert(row.state_details or {}, type(proposed.state_details)),
        data=row.data,
    )
    if state.type is proposed.type:
        return OrchestrationResult(state=state, status="ACCEPT", details=AcceptDetails())
    return OrchestrationResult(
        state=state, status="REJECT", details=RejectDetails(reason="Repeated answer.")
    )


def _claim_columns(
    tx: Transaction, run: Any, state: State, decision: Decision, policy: Policy
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if (isinstance(decision, Replace) and decision.spends_retry) or (
        run.state_type == StateType.RUNNING and state.name == StateName.AWAITING_RETRY
    ):
        columns["retries_used"] = min(run.retries, run.retries_used + 1)
    if state.type is StateType.RUNNING and run.execution_root_id is None:
        seconds = run.lease_seconds
        if run.state_type == StateType.PENDING or seconds is None:
            seconds = policy.running_lease.total_seconds()
            columns["lease_seconds"] = seconds
        columns["lease_expires_at"] = tx.now + timedelta(seconds=seconds)
    elif state.type is StateType.CANCELLING:
        columns["cancel_requested_at"] = run.cancel_requested_at or tx.now
    elif state.type is StateType.PAUSED and state.state_details.pause_reschedule:
        # The process goes; who resumes the run claims it anew.
        columns |= {"lease_expires_at": None, "claim_token": run.claim_token + 1}
    return columns
