"""One process at a time has a run."""

from runwright.core.rules.derived import cancelled, scheduled
from runwright.core.states import StateName, StateType
from runwright.core.transitions import Abort, Accept, Decision, Reject, Replace, Slot, Transition

#: Why a run was cancelled that found no slot.
NO_SLOT = "Cancelled: the deployment has no free slot, and its limit cancels new runs."


def claim_only_once(move: Transition) -> Decision:
    """PENDING is the claim: whoever comes second, or while a process is alive, stops.

    The one who has the claim may go on to a PENDING state of another name, such as Submitting.
    """
    if move.current is None or move.proposed.type is not StateType.PENDING:
        return Accept()
    if move.current.type is StateType.PENDING:
        next_step = move.proposed.name not in {StateName.PENDING, move.current.name}
        return Accept() if next_step else Abort("Another worker has claimed this run.")
    if move.current.type is StateType.RUNNING:
        return Abort("The run is Running: it cannot be claimed again.")
    if move.current.type is StateType.SCHEDULED and move.run.has_lease:
        return Abort("A process of this run is alive and waits for its next try.")
    return Accept()


def start_only_once(move: Transition) -> Decision:
    """A second process of a run that is Running stops before it loads any user code."""
    if move.current is None or move.current.type is not StateType.RUNNING:
        return Accept()
    if move.proposed.type is not StateType.RUNNING:
        return Accept()
    begins = {StateName.RUNNING, StateName.RETRYING, move.current.name}
    if move.proposed.name in begins:
        return Abort("Another process runs this run.")
    return Accept()


def respect_limits(move: Transition) -> Decision:
    """A claim needs a free slot where pool, queue or deployment has a limit, and none is paused;
    and if another run called for it, that it was not stopped.
    """
    slot, owner = move.run.slot, move.run.slot_of
    if slot is Slot.FREE or move.proposed.type is not StateType.PENDING:
        return Accept()
    if move.current is None or move.current.type is not StateType.SCHEDULED:
        return Accept()
    if slot is Slot.PAUSED:
        return Reject(f"It waits because {owner} is paused.")
    if slot is Slot.ORPHANED:
        return Reject(f"It is to be cancelled, because {owner}, which called it, was stopped.")
    reason = f"The concurrency limit of {owner} is reached"
    if slot is Slot.CANCEL_NEW:
        return Replace(cancelled(move, NO_SLOT), f"{reason}: new runs are cancelled.")
    due = move.now + move.run.slot_patience
    state = scheduled(move, StateName.AWAITING_CONCURRENCY_SLOT, due)
    return Replace(state, f"{reason}: the run waits for a slot.")
