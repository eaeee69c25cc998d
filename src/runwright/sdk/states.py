"""States as users meet them: with the value or the error at hand, not only a reference to it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from runwright.clock import SystemClock, new_id
from runwright.core.states import (
    NO_DETAILS,
    TERMINAL,
    StateDetails,
    StateName,
    StateType,
)
from runwright.core.states import State as StateRecord
from runwright.errors import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    NotReadyRun,
    RunEnded,
    UnfinishedRun,
)

R = TypeVar("R", covariant=True)  # noqa: PLC0105  # reads better than R_co in users' tooltips

_CLOCK = SystemClock()
_ENDED: dict[StateType, type[RunEnded]] = {
    StateType.FAILED: FailedRun,
    StateType.CRASHED: CrashedRun,
    StateType.CANCELLED: CancelledRun,
}


class State(Generic[R]):
    """One state of a run. `data` is what the run left: its value, its error, or a reference."""

    __slots__ = (
        "data", "id", "message", "name", "state_details", "task_run_id", "timestamp", "type",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913  # the fields of the record
        self,
        *,
        type: StateType | str,  # noqa: A002  # its name everywhere
        name: str | None = None,
        message: str | None = None,
        data: Any = None,
        id: UUID | None = None,  # noqa: A002
        timestamp: datetime | None = None,
        state_details: StateDetails = NO_DETAILS,
    ) -> None:
        self.type = StateType(type)
        self.name = name or self.type.value.capitalize()
        self.message = message
        self.data = data
        self.id = id or new_id()
        self.timestamp = timestamp or _CLOCK.now()
        self.state_details = state_details
        #: The task run it is a state of, where that is known.
        self.task_run_id: UUID | None = state_details.task_run_id

    @classmethod
    def of(cls, record: StateRecord, data: Any = None) -> "State[Any]":
        """The recorded state, with what is in memory in place of the reference."""
        state: State[Any] = cls.__new__(cls)
        state.type = record.type
        state.name = record.name
        state.message = record.message
        state.data = record.data if data is None else data
        state.id = record.id
        state.timestamp = record.timestamp
        state.state_details = record.state_details
        state.task_run_id = record.state_details.task_run_id
        return state

    def result(self, raise_on_failure: bool = True) -> R:  # the peer's
        """What the run returned.

        For a run that did not complete, what ended it is raised, or returned when
        `raise_on_failure` is False.

        Raises:
            UnfinishedRun: the run has not ended.
            RunEnded: the run ended otherwise, and its own error is not at hand.
            MissingResult: the value was not persisted.
        """
        if self.type is StateType.COMPLETED:
            return _value(self)
        error = _error(self)
        if raise_on_failure:
            raise error
        return error  # type: ignore[return-value]  # as documented

    async def aresult(self, raise_on_failure: bool = True) -> R:
        """The same, to be awaited."""
        return self.result(raise_on_failure)

    def is_scheduled(self) -> bool:
        """Waits for its time."""
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        """Waits to be run."""
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        """Runs now."""
        return self.type is StateType.RUNNING

    def is_paused(self) -> bool:
        """Waits to be resumed."""
        return self.type is StateType.PAUSED

    def is_cancelling(self) -> bool:
        """Somebody cancelled it; it has not ended yet."""
        return self.type is StateType.CANCELLING

    def is_completed(self) -> bool:
        """Ended well."""
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        """Ended with an error."""
        return self.type is StateType.FAILED

    def is_cancelled(self) -> bool:
        """Ended because somebody cancelled it."""
        return self.type is StateType.CANCELLED

    def is_crashed(self) -> bool:
        """Its process ended without an outcome."""
        return self.type is StateType.CRASHED

    def is_final(self) -> bool:
        """Nothing can follow but a rerun."""
        return self.type in TERMINAL

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        mine = (self.type, self.name, self.message, self.state_details)
        return mine == (other.type, other.name, other.message, other.state_details)

    __hash__ = None  # type: ignore[assignment]  # equal by content, and `data` may be anything

    def __reduce__(self) -> Any:
        fields = (self.type, self.name, self.message, self.data)
        return (_rebuild, (*fields, self.id, self.timestamp, self.state_details))

    def __repr__(self) -> str:
        parts = [] if self.message is None else [f"message={self.message!r}"]
        parts.append(f"type={self.type.value}")
        return f"{self.name}({', '.join(parts)})"


def _rebuild(*fields: Any) -> State[Any]:
    names = ("type", "name", "message", "data", "id", "timestamp", "state_details")
    return State(**dict(zip(names, fields, strict=True)))


def _value(state: State[Any]) -> Any:
    data = state.data
    # Late: references only occur where results are persisted.
    if isinstance(data, dict) or type(data).__name__ == "ResultReference":
        from runwright.sdk.results import ResultReference, result_store

        reference = ResultReference.of(data)
        if reference is not None:
            from runwright.settings import load_settings

            return result_store(load_settings()).read(reference)
    if state.state_details.untrackable_result:
        raise MissingResult(
            "The run completed, but its result was not persisted and cannot be had in this "
            "process. Set persist_result=True on it."
        )
    if isinstance(data, State):
        return data.result()
    return data


def _error(state: State[Any]) -> BaseException:
    data = state.data
    if isinstance(data, BaseException):
        return data
    if state.type not in TERMINAL:
        if state.name == StateName.NOT_READY:
            return NotReadyRun(state.message or "The run never started.")
        return UnfinishedRun(f"The run has not ended: it is {state.name}. Wait for it first.")
    for inner in states_in(data):
        if not inner.is_completed():
            return _error(inner)
    message = str(data) if isinstance(data, str) else state.message
    return _ENDED[state.type](message or f"The run ended as {state.name}.")


def is_state(value: Any) -> bool:
    """Whether it is a state of this module."""
    return isinstance(value, State)


def states_in(value: Any) -> list[State[Any]]:
    """The value itself when it is a state, or the states in a collection of states."""
    if isinstance(value, State):
        return [value]
    if isinstance(value, list | tuple | set | frozenset) and value:
        return list(value) if all(map(is_state, value)) else []
    if isinstance(value, dict) and value and all(map(is_state, value.values())):
        return list(value.values())
    return []


def summarize(states: Iterable[State[Any]]) -> str:
    """How many states of each name, as "2 Failed, 1 NotReady"."""
    counts: dict[str, int] = {}
    for state in states:
        counts[state.name] = counts.get(state.name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def get_state_exception(state: State[Any]) -> BaseException:
    """What ended the run; for states that did not complete."""
    return _error(state)


def raise_state_exception(state: State[Any]) -> None:
    """Raise what ended the run, when it did not complete."""
    if not state.is_completed():
        raise _error(state)


def Completed(*, name: str | None = None, message: str | None = None, data: Any = None) -> State:  # noqa: N802  # read as types
    """A run that ended well."""
    return State(type=StateType.COMPLETED, name=name, message=message, data=data)


def Failed(*, name: str | None = None, message: str | None = None, data: Any = None) -> State:  # noqa: N802
    """A run that ended with an error."""
    return State(type=StateType.FAILED, name=name, message=message, data=data)


def Crashed(*, name: str | None = None, message: str | None = None, data: Any = None) -> State:  # noqa: N802
    """A run whose process ended without an outcome."""
    return State(type=StateType.CRASHED, name=name, message=message, data=data)


def Cancelled(*, name: str | None = None, message: str | None = None, data: Any = None) -> State:  # noqa: N802
    """A run that somebody cancelled."""
    return State(type=StateType.CANCELLED, name=name, message=message, data=data)


def Cancelling(*, name: str | None = None, message: str | None = None) -> State:  # noqa: N802
    """A run that somebody cancelled and that has not ended yet."""
    return State(type=StateType.CANCELLING, name=name, message=message)


def Running(*, name: str | None = None, message: str | None = None) -> State:  # noqa: N802
    """A run that runs."""
    return State(type=StateType.RUNNING, name=name, message=message)


def Pending(*, name: str | None = None, message: str | None = None) -> State:  # noqa: N802
    """A run about to start."""
    return State(type=StateType.PENDING, name=name, message=message)


def Scheduled(  # noqa: N802
    *,
    scheduled_time: datetime | None = None,
    name: str | None = None,
    message: str | None = None,
) -> State:
    """A run that waits for its time."""
    details = StateDetails(scheduled_time=scheduled_time or _CLOCK.now())
    return State(type=StateType.SCHEDULED, name=name, message=message, state_details=details)


def Paused(*, name: str | None = None, message: str | None = None) -> State:  # noqa: N802
    """A run that waits to be resumed."""
    return State(type=StateType.PAUSED, name=name, message=message)
