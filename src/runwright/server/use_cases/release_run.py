"""Hands back a claimed run that never started: another worker may take it at once."""

from typing import Any
from uuid import UUID

from runwright.api.executions import ReleaseRequest
from runwright.api.states import AcceptDetails, OrchestrationResult, RejectDetails
from runwright.core.states import StateName, StateType
from runwright.server.policy import Policy
from runwright.server.problems import Missing
from runwright.server.use_cases.end_execution import end_run, lease_lost
from runwright.storage.engine import Transaction
from runwright.storage.moves import new_state, present_state, record_move
from runwright.storage.runs import lock_run


def release_run(
    tx: Transaction, run_id: UUID, request: ReleaseRequest, policy: Policy
) -> OrchestrationResult:
    """PENDING -> SCHEDULED, with the old claim fenced off; CANCELLED where that was asked for.

    Raises:
        Missing: there is no such run.
        Conflict: `lease_lost`, the run belongs to another execution.
    """
    run = lock_run(tx, run_id)
    if run is None:
        raise Missing(f"There is no flow run {run_id}.")
    if run.claim_token != request.token or run.execution_id != request.execution_id:
        raise lease_lost(run_id)
    if run.cancel_requested_at is not None and run.lease_expires_at is not None:
        ended = end_run(
            tx, run, StateType.CANCELLED, "Cancelled before it started.", policy, was_reported=True
        )
        return OrchestrationResult(
            state=present_state(ended), status="ACCEPT", details=AcceptDetails()
        )
    if run.state_type != StateType.PENDING:
        details = RejectDetails(reason="Only a run that has not started can be handed back.")
        return OrchestrationResult(state=present_state(run), status="REJECT", details=details)
    back = give_back(tx, run, request.reason or "Handed back by its worker.", policy)
    return OrchestrationResult(state=present_state(back), status="ACCEPT", details=AcceptDetails())


def give_back(tx: Transaction, run: Any, message: str, policy: Policy) -> Any:
    """Make a claimed run claimable again; its old claim is worth nothing from here on."""
    state = new_state(
        tx, policy.new_id(), StateType.SCHEDULED, StateName.SCHEDULED, message, due=tx.now
    )
    return record_move(
        tx, run, state, claim_token=run.claim_token + 1, lease_expires_at=None, worker_id=None
    )
