"""What has happened has happened: repeated moves, ended runs, moves that do not exist."""

from runwright.core.lifecycle import edge_between
from runwright.core.states import State, StateType
from runwright.core.transitions import Abort, Accept, Decision, Reject, Transition


def refuse_repeated_move(move: Transition) -> Decision:
    """A client that lost the answer asks again, with the same transition id."""
    transition_id = move.proposed.state_details.transition_id
    if transition_id is None or move.current is None:
        return Accept()
    known = (move.current.state_details.transition_id, move.run.last_transition_id)
    if transition_id in known:
        return Reject("This run has made this transition already.")
    return Accept()


def keep_ended_runs_ended(move: Transition) -> Decision:
    """Terminal is final. Only force leads out of it, along the forced edges of the lifecycle."""
    if move.current is None or not move.current.is_terminal:
        return Accept()
    if not move.force:
        if move.proposed.type is StateType.RUNNING and _kept_its_result(move.current):
            # The retry of its caller comes here again, and goes on with that result.
            return Reject("The run has completed, and its result was kept.")
        return Abort(
            f"The run has ended as {move.current.name} and cannot become {move.proposed.name}. "
            "Retry it to run it again."
        )
    if move.proposed.type is move.current.type:
        return Reject(f"The run is {move.current.name} already.")
    if edge_between(move.current.type, move.proposed.type) is None:
        return Abort(
            f"The run has ended as {move.current.name}: even force makes it only Scheduled "
            f"(a retry) or another terminal state, not {move.proposed.name}."
        )
    return Accept()


def _kept_its_result(state: State) -> bool:
    is_kept = isinstance(state.data, dict) and state.data.get("type") != "unpersisted"
    return state.type is StateType.COMPLETED and is_kept


def keep_to_the_lifecycle(move: Transition) -> Decision:
    """A move must be an edge of the lifecycle, and a forced edge needs force."""
    current = None if move.current is None else move.current.type
    edge = edge_between(current, move.proposed.type)
    if edge is not None and (move.force or not edge.forced):
        return Accept()
    if move.current is None:
        return Abort(f"A run cannot begin as {move.proposed.name}.")
    return Reject(f"A run that is {move.current.name} cannot become {move.proposed.name}.")
