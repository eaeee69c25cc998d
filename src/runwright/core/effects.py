"""What the life of a run asks of the world. The engine yields these; a handler performs them.

The answer of an effect is sent back into the engine; what goes wrong while it is performed, and
whatever ends the run from outside (a timeout, a cancellation), is thrown into it.
"""

from datetime import datetime
from typing import Any

import msgspec

from runwright.core.states import State


class Propose(msgspec.Struct, frozen=True):
    """Ask for a flow run's move to `state`. Answer: `Granted`, `Waiting` or `Refused`."""

    state: State


class Record(msgspec.Struct, frozen=True):
    """A task run entered `state`; task runs are decided where they run. Answer: None."""

    state: State
    run_count: int


class AwaitInputs(msgspec.Struct, frozen=True):
    """Wait for upstream runs and put their results into the arguments. Answer: None.

    Throws `UpstreamFailed` when one of them did not complete.
    """


class ReadCache(msgspec.Struct, frozen=True):
    """Look for a result under the task run's cache key. Answer: a `Hit`, or None."""


class Call(msgspec.Struct, frozen=True):
    """Call the user's function. Answer: a `Verdict`; throws what the function raised."""

    run_count: int


class Persist(msgspec.Struct, frozen=True):
    """Store a result, where results are stored. Answer: what `State.data` holds, or None."""

    value: Any


class SleepUntil(msgspec.Struct, frozen=True):
    """Do nothing until `instant`. Answer: None."""

    instant: datetime


class Judge(msgspec.Struct, frozen=True):
    """Ask the user's `retry_condition_fn` whether `error` deserves a retry. Answer: bool."""

    error: BaseException
    state: State


class DrawJitter(msgspec.Struct, frozen=True):
    """A random number from 0 up to, and without, 1."""


class Announce(msgspec.Struct, frozen=True):
    """Call the user's hooks for `state`, reached with `outcome`. Answer: None."""

    state: State
    outcome: "Outcome | None" = None


TaskEffect = (
    Record | AwaitInputs | ReadCache | Call | Persist | SleepUntil | Judge | DrawJitter | Announce
)
FlowEffect = Propose | Call | Persist | SleepUntil | Announce


class Granted(msgspec.Struct, frozen=True):
    """This is the run's state now; not always the one that was proposed."""

    state: State


class Waiting(msgspec.Struct, frozen=True):
    """Not yet: propose again at `until`."""

    until: datetime


class Refused(msgspec.Struct, frozen=True):
    """Stop working on the run."""

    reason: str


Proposal = Granted | Waiting | Refused


class Hit(msgspec.Struct, frozen=True):
    """A stored result: the value, and what `State.data` holds."""

    value: Any
    reference: Any = None


class Returned(msgspec.Struct, frozen=True):
    """The user's function ended with a value."""

    value: Any


class Raised(msgspec.Struct, frozen=True):
    """The user's function, or the engine in its place, ended with an error."""

    error: BaseException


class Chosen(msgspec.Struct, frozen=True):
    """The user's function returned states or futures: they decide how the run ends."""

    #: Of the states in `core.states.TERMINAL`.
    type: str
    name: str
    message: str | None
    #: What the run's state holds: a value, an error, or states.
    value: Any


Verdict = Returned | Chosen
Outcome = Returned | Raised | Chosen


class UpstreamFailed(Exception):
    """Something the task run depends on did not complete; the message says what."""


class TimedOut(TimeoutError):
    """The user's function took longer than its `timeout_seconds`."""


class RunStopped(BaseException):
    """The execution must end. `reason`: "cancelled", "shutdown", "lease_lost" or "journal_lost".

    No `Exception`, so that users' `except Exception` does not swallow it.
    """

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        #: What the state of the run says, if there is more to say than the reason.
        self.message = message
