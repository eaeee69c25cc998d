"""A cancellation that was asked for is carried out, and nothing starts after it."""

from runwright.core.rules.derived import cancelled
from runwright.core.states import StateType
from runwright.core.transitions import Accept, Decision, Reject, Replace, Transition

_NEEDS_NO_PROCESS = frozenset({StateType.SCHEDULED, StateType.PAUSED})


def cancel_before_start(move: Transition) -> Decision:
    """With no process to wait for, Cancelling is Cancelled at once."""
    if move.current is None or move.proposed.type is not StateType.CANCELLING:
        return Accept()
    if move.run.has_lease or move.current.type not in _NEEDS_NO_PROCESS:
        return Accept()
    message = move.proposed.message or "Cancelled before it started."
    return Replace(cancelled(move, message), "No process of this run is alive: cancelled at once.")


def finish_cancelling(move: Transition) -> Decision:
    """A run being cancelled ends as Cancelled, however its process ends, and starts nothing."""
    if move.current is None or move.current.is_terminal:
        return Accept()
    cancelling = move.current.type is StateType.CANCELLING
    if not cancelling and not move.run.cancel_wanted:
        return Accept()
    proposed = move.proposed.type
    if proposed is StateType.CANCELLED or (proposed is StateType.CANCELLING and not cancelling):
        return Accept()
    if move.proposed.is_terminal:
        message = f"Cancelled; its process ended as {move.proposed.name}."
        return Replace(cancelled(move, message), "The run is being cancelled.")
    if proposed is StateType.RUNNING:
        message = "Cancelled before it could go on."
        return Replace(cancelled(move, message), "The run is being cancelled.")
    return Reject("The run is being cancelled: it can only become Cancelled.")
