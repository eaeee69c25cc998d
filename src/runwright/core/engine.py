"""The life of a flow run and of a task run, without colour, clock, network or threads.

Both are generators of effects (`core/effects.py`). A driver performs each effect and sends the
answer back, or throws what went wrong. That is all a driver does, so nothing is written twice for
synchronous and asynchronous code.
"""

from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeGuard, assert_never

import msgspec

from runwright.core.effects import (
    Announce,
    AwaitInputs,
    Call,
    Chosen,
    DrawJitter,
    FlowEffect,
    Granted,
    Hit,
    Judge,
    Outcome,
    Persist,
    Proposal,
    Propose,
    Raised,
    ReadCache,
    Record,
    Refused,
    Returned,
    RunStopped,
    SleepUntil,
    TaskEffect,
    TimedOut,
    UpstreamFailed,
    Waiting,
)
from runwright.core.ids import NewId
from runwright.core.states import NO_DETAILS, State, StateDetails, StateName, StateType
from runwright.core.texts import LONGEST_NAME, error_text, message_of, text_of
from runwright.errors import ParameterError

_AWAIT_INPUTS = AwaitInputs()
_READ_CACHE = ReadCache()
_DRAW_JITTER = DrawJitter()
_NOT_RETRIABLE = StateDetails(retriable=False)


class Life(msgspec.Struct, frozen=True):
    """What every run needs: the time and identifiers."""

    now: Callable[[], datetime]
    new_id: NewId

    def state(
        self,
        type_: StateType,
        name: str,
        message: str | None = None,
        data: Any = None,
        details: StateDetails = NO_DETAILS,
    ) -> State:
        """A new state, entered now. Users' texts come in here: they are cut, and encodable."""
        return State(
            id=self.new_id(),
            type=type_,
            name=name if name.isascii() else message_of(name, LONGEST_NAME),
            timestamp=self.now(),
            message=None if message is None else message_of(message),
            data=data,
            state_details=details,
        )


class TaskPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What of a task's options decides its life."""

    retries: int = 0
    #: Seconds before each retry; the last one stands for all that follow. Empty: none.
    retry_delays: Sequence[float] = ()
    #: A delay of d becomes one between d and d * (1 + jitter).
    retry_jitter: float = 0.0
    has_retry_condition: bool = False
    has_inputs: bool = True
    is_cached: bool = False
    is_persisted: bool = False
    has_hooks: bool = False


class Ended(msgspec.Struct, frozen=True):
    """The last state of a run, and what it left in memory. None: it never came to be called."""

    state: State
    outcome: Outcome | None


TaskLife = Generator[TaskEffect, Any, Ended]
FlowLife = Generator[FlowEffect, Any, Ended]


def run_task(plan: TaskPlan, life: Life) -> TaskLife:
    """A task run from its inputs to its last state.

    Whatever an effect throws, the run's end is recorded before this returns or raises.

    Raises:
        RunStopped: the execution around it ends; its last state has been recorded.
    """
    hit: Hit | None = None
    try:
        if plan.has_inputs:
            yield _AWAIT_INPUTS
        if plan.is_cached:
            hit = yield _READ_CACHE
    except UpstreamFailed as error:
        state = life.state(StateType.PENDING, StateName.NOT_READY, text_of(error))
        yield from _record_end(state, 0)
        return Ended(state, None)
    except GeneratorExit:
        raise
    except BaseException as error:  # noqa: BLE001  # a key function, a broken cache, a stop
        return (yield from _end_task(plan, life, Raised(error), 0))
    if hit is not None:
        return (yield from _from_cache(plan, life, hit))
    return (yield from _attempts(plan, life))


def _from_cache(plan: TaskPlan, life: Life, hit: Hit) -> TaskLife:
    state = life.state(StateType.COMPLETED, StateName.CACHED, data=hit.reference)
    ended = Ended(state, Returned(hit.value))
    yield from _record_end(state, 0)
    if plan.has_hooks:
        yield Announce(state, ended.outcome)
    return ended


def _attempts(plan: TaskPlan, life: Life) -> TaskLife:
    run_count = 0
    while True:
        run_count += 1
        name = StateName.RUNNING if run_count == 1 else StateName.RETRYING
        running = life.state(StateType.RUNNING, name)
        try:
            yield Record(running, run_count)
            if plan.has_hooks:
                yield Announce(running)
            outcome: Outcome = yield Call(run_count)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # however it ended, that is its outcome
            outcome = Raised(error)
        if not isinstance(outcome, Returned):
            try:
                if (yield from _prepare_retry(plan, life, outcome, run_count)):
                    continue
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001  # stopped while it waited
                outcome = Raised(error)
        return (yield from _end_task(plan, life, outcome, run_count))


def _prepare_retry(
    plan: TaskPlan, life: Life, outcome: Outcome, run_count: int
) -> Generator[TaskEffect, Any, bool]:
    """Whether the run is to be tried again; if so, that moment has come."""
    deserves_retry = yield from _deserves_retry(plan, life, outcome, run_count)
    if deserves_retry:
        yield from _pause_before_retry(plan, life, outcome, run_count)
    return deserves_retry


def _deserves_retry(
    plan: TaskPlan, life: Life, outcome: Outcome, run_count: int
) -> Generator[TaskEffect, Any, bool]:
    if run_count > plan.retries:
        return False
    state = final_state(life, outcome)
    if state.type is not StateType.FAILED:
        return False
    if not plan.has_retry_condition:
        return True
    error = outcome.error if isinstance(outcome, Raised) else RuntimeError(state.message)
    try:
        return bool((yield Judge(error, state)))
    except Exception:  # noqa: BLE001  # the run ends with its own error, not with the judge's
        return False


def _pause_before_retry(
    plan: TaskPlan, life: Life, outcome: Outcome, run_count: int
) -> Generator[TaskEffect, Any, None]:
    seconds = retry_delay(plan.retry_delays, run_count)
    if seconds and plan.retry_jitter:
        seconds *= 1 + plan.retry_jitter * (yield _DRAW_JITTER)
    message = final_state(life, outcome).message
    due = life.now() + timedelta(seconds=seconds)
    details = StateDetails(scheduled_time=due)
    waiting = life.state(StateType.SCHEDULED, StateName.AWAITING_RETRY, message, details=details)
    yield Record(waiting, run_count)
    if seconds > 0:
        yield SleepUntil(due)


def _end_task(plan: TaskPlan, life: Life, outcome: Outcome, run_count: int) -> TaskLife:
    reference = None
    if plan.is_persisted and _has_result(outcome):
        try:
            reference = yield Persist(outcome.value)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # a result that cannot be kept is a failure
            outcome = Raised(error)
    state = final_state(life, outcome, reference)
    try:  # as `_record_end` does: a generator less, on the way of every task
        yield Record(state, run_count)
    except GeneratorExit:
        raise
    except BaseException:
        yield Record(state, run_count)
        raise
    if plan.has_hooks:
        yield Announce(state, outcome)
    if isinstance(outcome, Raised) and not isinstance(outcome.error, Exception):
        raise outcome.error
    return Ended(state, outcome)


def _record_end(state: State, run_count: int) -> Generator[TaskEffect, Any, None]:
    """Record the last state. An interruption in the middle of that does not lose it.

    The same state is recorded once more then, which changes nothing if it had been stored.
    """
    try:
        yield Record(state, run_count)
    except GeneratorExit:
        raise
    except BaseException:
        yield Record(state, run_count)
        raise


class FlowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What of a flow's options decides its life. Retries are granted by whoever decides states."""

    is_persisted: bool = False
    has_hooks: bool = False
    #: The state in which the run already is when its life begins here: a claimed run's Running.
    begun: State | None = None


def run_flow(plan: FlowPlan, life: Life) -> FlowLife:
    """A flow run from Running to its last state, in-process retries included.

    An interruption (of the user, or an order to cancel) ends the run wherever it arrives.

    Raises:
        RunStopped: the run is another's now, or its end is reported by others.
    """
    run_count = 0
    outcome: Outcome | None = None
    state = plan.begun or life.state(StateType.PENDING, StateName.PENDING)
    while not state.is_terminal:
        run_count += state.type is StateType.RUNNING
        try:
            state, outcome = yield from _next_state(plan, life, state, run_count, outcome)
        except GeneratorExit:
            raise
        except BaseException as error:
            if isinstance(error, Exception) or _is_ended_by_others(error):
                raise
            outcome = Raised(error)
            state = yield from _propose(life, final_state(life, outcome))
    if plan.has_hooks:
        yield Announce(state, outcome)
    return Ended(state, outcome)


def _next_state(
    plan: FlowPlan, life: Life, state: State, run_count: int, outcome: Outcome | None
) -> Generator[FlowEffect, Any, tuple[State, Outcome | None]]:
    """One step from a state that is not final. The outcome is that of the last call."""
    match state.type:
        case StateType.RUNNING:
            called = yield from _one_call(plan, state, run_count)
            return (yield from _propose_end(plan, life, called))
        case StateType.SCHEDULED | StateType.PAUSED:
            return (yield from _start_again(life, state)), outcome
        case StateType.CANCELLING:
            cancelled = life.state(StateType.CANCELLED, StateName.CANCELLED)
            return (yield from _propose(life, cancelled)), outcome
        case _:
            return (yield from _propose(life, _running(life))), outcome


def _is_ended_by_others(error: BaseException) -> bool:
    """Whoever stops an execution for another reason than a cancellation reports its end."""
    return isinstance(error, RunStopped) and error.reason != "cancelled"


def _running(life: Life) -> State:
    return life.state(StateType.RUNNING, StateName.RUNNING)


def _start_again(life: Life, state: State) -> Generator[FlowEffect, Any, State]:
    due = state.state_details.scheduled_time
    try:
        if due is not None and due > life.now():
            # By whose clock? Never longer than the state itself says, if that one is ahead.
            yield SleepUntil(min(due, life.now() + max(due - state.timestamp, timedelta())))
    except RunStopped as stop:
        if _is_ended_by_others(stop):
            raise
        return life.state(StateType.CANCELLING, StateName.CANCELLING)
    return (yield from _propose(life, _running(life)))


def _one_call(plan: FlowPlan, state: State, run_count: int) -> Generator[FlowEffect, Any, Outcome]:
    try:
        if plan.has_hooks:
            yield Announce(state)
        return (yield Call(run_count))
    except GeneratorExit:
        raise
    except BaseException as error:  # noqa: BLE001  # however it ended, that is its outcome
        return Raised(error)


def _propose_end(
    plan: FlowPlan, life: Life, outcome: Outcome
) -> Generator[FlowEffect, Any, tuple[State, Outcome]]:
    """Propose the state that the outcome means; others may grant another, such as a retry."""
    error = outcome.error if isinstance(outcome, Raised) else None
    if error is not None and _is_ended_by_others(error):
        raise error
    reference = None
    if plan.is_persisted and _has_result(outcome):
        try:
            reference = yield Persist(outcome.value)
        except GeneratorExit:
            raise
        except BaseException as error:  # a result that cannot be kept is a failure
            if _is_ended_by_others(error):
                raise
            outcome = Raised(error)
    state = yield from _propose(life, final_state(life, outcome, reference))
    return state, outcome


def _propose(life: Life, state: State) -> Generator[FlowEffect, Any, State]:
    while True:
        answer: Proposal = yield Propose(state)
        match answer:
            case Granted():
                return answer.state
            case Waiting():
                yield SleepUntil(answer.until)
                state = msgspec.structs.replace(state, id=life.new_id(), timestamp=life.now())
            case Refused():
                raise RunStopped("lease_lost")
            case _:
                assert_never(answer)


def _has_result(outcome: Outcome) -> TypeGuard[Returned | Chosen]:
    """Whether there is a value that can be kept."""
    if isinstance(outcome, Chosen):
        return outcome.type == StateType.COMPLETED and outcome.value is not None
    return isinstance(outcome, Returned)


def retry_delay(delays: Sequence[float], number: int) -> float:
    """Seconds before the retry of that number, counted from 1."""
    return delays[min(number, len(delays)) - 1] if delays else 0.0


def final_state(  # noqa: PLR0911  # one for each outcome
    life: Life, outcome: Outcome, reference: Any = None
) -> State:
    """The state that an outcome means."""
    match outcome:
        case Returned():
            return life.state(StateType.COMPLETED, StateName.COMPLETED, data=reference)
        case Chosen():
            type_ = StateType(outcome.type)
            return life.state(type_, outcome.name, outcome.message, data=reference)
        case Raised(error=RunStopped(reason="cancelled", message=message)):
            message = message or "The run was cancelled."
            return life.state(StateType.CANCELLED, StateName.CANCELLED, message)
        case Raised(error=RunStopped(reason=reason)):
            return life.state(StateType.CRASHED, StateName.CRASHED, f"Stopped: {reason}.")
        case Raised(error=ParameterError()):
            # The same arguments will not fit the next time either.
            message = error_text(outcome.error)
            return life.state(StateType.FAILED, StateName.FAILED, message, details=_NOT_RETRIABLE)
        case Raised(error=TimedOut()):
            return life.state(StateType.FAILED, StateName.TIMED_OUT, text_of(outcome.error))
        case Raised(error=Exception()):
            message = error_text(outcome.error)
            return life.state(StateType.FAILED, StateName.FAILED, message)
        case Raised():
            message = f"Aborted by {error_text(outcome.error)}".rstrip(": ")
            return life.state(StateType.CRASHED, StateName.CRASHED, message)
        case _:
            assert_never(outcome)
