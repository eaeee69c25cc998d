"""Asks a flow run to end."""

from uuid import UUID

from runwright.api.states import OrchestrationResult, SetState, StateCreate
from runwright.core.states import StateType
from runwright.server.policy import Policy
from runwright.server.use_cases.move_run import move_run
from runwright.storage.engine import Transaction


def cancel_run(
    tx: Transaction, run_id: UUID, policy: Policy, reason: str | None = None
) -> OrchestrationResult:
    """Cancelled at once where no process is alive; else Cancelling until its process has gone.

    Raises:
        Missing: there is no such run.
    """
    state = StateCreate(type=StateType.CANCELLING, message=reason)
    return move_run(tx, run_id, SetState(state=state), policy)
