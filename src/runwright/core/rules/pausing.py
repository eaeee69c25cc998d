"""Pause (the process waits), suspend (the process goes, another one resumes), resume."""

from runwright.core.rules.derived import failed
from runwright.core.states import StateType
from runwright.core.transitions import Abort, Accept, Decision, Reject, Replace, Transition

_GOES_ON = frozenset({StateType.RUNNING, StateType.SCHEDULED})


def pause_only_if_running(move: Transition) -> Decision:
    """Only a Running run pauses, and once for each pause key."""
    if move.proposed.type is not StateType.PAUSED:
        return Accept()
    if move.current is None:
        return Abort("A run without a state cannot pause.")
    if move.current.type is not StateType.RUNNING:
        return Reject(f"Only a Running run can pause; this one is {move.current.name}.")
    details = move.proposed.state_details
    if details.pause_key is not None and details.pause_key in move.run.pause_keys:
        return Reject("The run has paused here before: it goes on.")
    return Accept()


def suspend_only_if_resumable(move: Transition) -> Decision:
    """A run that gives up its process needs a deployment, so that a worker can resume it."""
    proposed = move.proposed
    if proposed.type is not StateType.PAUSED or not proposed.state_details.pause_reschedule:
        return Accept()
    if move.run.is_subflow:
        return Abort("A subflow cannot be suspended: it runs in its parent's process.")
    if not move.run.has_deployment:
        return Abort("A run without a deployment cannot be suspended: nothing could resume it.")
    return Accept()


def resume_in_time(move: Transition) -> Decision:
    """A paused run resumes before its pause times out; a suspended one through the queue."""
    if move.current is None or move.current.type is not StateType.PAUSED:
        return Accept()
    if move.proposed.type not in _GOES_ON:
        return Accept()
    details = move.current.state_details
    if details.pause_timeout is not None and details.pause_timeout < move.now:
        return Replace(
            failed(move, "The run was paused and not resumed in time."),
            "The pause has timed out: the run cannot be resumed.",
        )
    if details.pause_reschedule and move.proposed.type is StateType.RUNNING:
        return Reject("A suspended run has no process: schedule it to resume it.")
    return Accept()
