"""How a rule makes a state out of the proposed one."""

from datetime import datetime

import msgspec

from runwright.core.states import State, StateName, StateType
from runwright.core.transitions import Transition


def cancelled(move: Transition, message: str) -> State:
    """Cancelled, in place of whatever was proposed."""
    return msgspec.structs.replace(
        move.proposed,
        type=StateType.CANCELLED,
        name=StateName.CANCELLED,
        message=message,
        timestamp=move.now,
        data=None,
    )


def failed(move: Transition, message: str) -> State:
    """Failed, in place of whatever was proposed."""
    return msgspec.structs.replace(
        move.proposed,
        type=StateType.FAILED,
        name=StateName.FAILED,
        message=message,
        timestamp=move.now,
        data=None,
    )


def scheduled(move: Transition, name: str, due: datetime) -> State:
    """Scheduled for `due` under `name`; message and result of the proposed state are kept."""
    details = msgspec.structs.replace(move.proposed.state_details, scheduled_time=due)
    return msgspec.structs.replace(
        move.proposed,
        type=StateType.SCHEDULED,
        name=name,
        timestamp=move.now,
        state_details=details,
    )
