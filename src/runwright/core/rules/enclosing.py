"""Task runs live inside a flow run."""

from runwright.core.states import TERMINAL, StateType
from runwright.core.transitions import Abort, Accept, Decision, Transition

_STOPPED = TERMINAL | {StateType.CANCELLING}


def start_only_in_living_flow(move: Transition) -> Decision:
    """No task starts in a flow run that has ended or is being cancelled."""
    if move.proposed.type is not StateType.RUNNING or move.run.enclosing_state not in _STOPPED:
        return Accept()
    return Abort(f"The flow run of this task is {move.run.enclosing_state}: it cannot start.")
