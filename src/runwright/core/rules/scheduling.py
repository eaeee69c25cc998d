"""Nothing runs before its time, and the time is not lost on the way."""

import msgspec

from runwright.core.states import State, StateName, StateType
from runwright.core.transitions import Accept, Decision, Reject, Transition, Wait


def late_only_if_scheduled(move: Transition) -> Decision:
    """Late says that nobody took the run; a run that somebody has cannot be Late."""
    proposed = move.proposed
    if proposed.type is not StateType.SCHEDULED or proposed.name != StateName.LATE:
        return Accept()
    if move.current is not None and move.current.type is StateType.SCHEDULED:
        if not move.run.has_lease:
            return Accept()
        return Reject("A process of the run waits for its next try: it is not Late.")
    return Reject("Only a Scheduled run can be Late.")


def keep_scheduled_time(move: Transition) -> Decision:
    """Scheduled states always say when; a claimed run keeps the time it was scheduled for."""
    details = move.proposed.state_details
    if details.scheduled_time is not None:
        return Accept()
    known = move.current and move.current.state_details.scheduled_time
    if move.proposed.type is StateType.SCHEDULED:
        due = known if known and move.proposed.name == StateName.LATE else move.now
    elif move.proposed.type is StateType.PENDING and known:
        due = known
    else:
        return Accept()
    return Accept(_due(move.proposed, due))


def wait_for_scheduled_time(move: Transition) -> Decision:
    """A run claimed or retried early waits until it is due.

    Not one that was due already when it came into its state: only the clock has changed since.
    """
    if move.current is None or move.proposed.type is not StateType.RUNNING:
        return Accept()
    if move.current.type not in {StateType.SCHEDULED, StateType.PENDING}:
        return Accept()
    due = move.current.state_details.scheduled_time
    if due is None or due <= max(move.now, move.current.timestamp):
        return Accept()
    return Wait(due - move.now, f"The run is scheduled for {due.isoformat()}.")


def _due(state: State, due: object) -> State:
    details = msgspec.structs.replace(state.state_details, scheduled_time=due)
    return msgspec.structs.replace(state, state_details=details)
