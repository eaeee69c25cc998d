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
        """A new state, entered now."""
        return State(
            id=self.new_id(),
            type=type_,
            name=name,
            timestamp=self.now(),
            message=message,
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

    Raises:
        RunStopped: the execution around it ends; its last state has been recorded.
    """
    try:
        if plan.has_inputs:
            yield _AWAIT_INPUTS
        if plan.is_cached:
            hit: Hit | None = yield _READ_CACHE
            if hit is not None:
                return (yield from _from_cache(plan, life, hit))
    except UpstreamFailed as error:
        state = life.state(StateType.PENDING, StateName.NOT_READY, str(error))
        yield Record(state, 0)
        return Ended(state, None)
    except Exception as error:  # noqa: BLE001  # the user's key function, a broken cache
        return (yield from _end_task(plan, life, Raised(error), 0))
    return (yield from _attempts(plan, life))


def _from_cache(plan: TaskPlan, life: Life, hit: Hit) -> TaskLife:
    state = life.state(StateType.COMPLETED, StateName.CACHED, data=hit.reference)
    ended = Ended(state, Returned(hit.value))
    yield Record(state, 0)
    if plan.has_hooks:
        yield Announce(state, ended.outcome)
    return ended


def _attempts(plan: TaskPlan, life: Life) -> TaskLife:
    run_count = 0
    while True:
        run_count += 1
        name = StateName.RUNNING if run_count == 1 else StateName.RETRYING
        running = life.state(StateType.RUNNING, name)
        yield Record(running, run_count)
        try:
            if plan.has_hooks:
                yield Announce(running)
            outcome: Outcome = yield Call(run_count)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # however it ended, that is its outcome
            outcome = Raised(error)
        if isinstance(outcome, Returned) or not (
            yield from _deserves_retry(plan, life, outcome, run_count)
        ):
            return (yield from _end_task(plan, life, outcome, run_count))
        try:
            yield from _pause_before_retry(plan, life, outcome, run_count)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # stopped while it waited
            return (yield from _end_task(plan, life, Raised(error), run_count))


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
    return bool((yield Judge(error, state)))


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
        except Exception as error:  # noqa: BLE001  # a result that cannot be kept is a failure
            outcome = Raised(error)
    state = final_state(life, outcome, reference)
    yield Record(state, run_count)
    if plan.has_hooks:
        yield Announce(state, outcome)
    if isinstance(outcome, Raised) and not isinstance(outcome.error, Exception):
        raise outcome.error
    return Ended(state, outcome)


class FlowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What of a flow's options decides its life. Retries are granted by whoever decides states."""

    is_persisted: bool = False
    has_hooks: bool = False
    #: The state in which the run already is when its life begins here: a claimed run's Running.
    begun: State | None = None


def run_flow(plan: FlowPlan, life: Life) -> FlowLife:
    """A flow run from Running to its last state, in-process retries included.

    Raises:
        RunStopped: the run is another's now, or its end is reported by others.
    """
    run_count = 0
    outcome: Outcome | None = None
    state = plan.begun or life.state(StateType.PENDING, StateName.PENDING)
    while True:
        match state.type:
            case StateType.PENDING:
                state = yield from _propose(life, _running(life))
            case StateType.SCHEDULED | StateType.PAUSED:
                state = yield from _start_again(life, state)
            case StateType.RUNNING:
                run_count += 1
                outcome = yield from _one_call(plan, state, run_count)
                state, outcome = yield from _propose_end(plan, life, outcome)
            case StateType.CANCELLING:
                state = yield from _propose(
                    life, life.state(StateType.CANCELLED, StateName.CANCELLED)
                )
            case StateType.COMPLETED | StateType.FAILED | StateType.CANCELLED | StateType.CRASHED:
                if plan.has_hooks:
                    yield Announce(state, outcome)
                return Ended(state, outcome)
            case _:
                assert_never(state.type)


def _running(life: Life) -> State:
    return life.state(StateType.RUNNING, StateName.RUNNING)


def _start_again(life: Life, state: State) -> Generator[FlowEffect, Any, State]:
    due = state.state_details.scheduled_time
    try:
        if due is not None and due > life.now():
            # By whose clock? Never longer than the state itself says, if that one is ahead.
            yield SleepUntil(min(due, life.now() + max(due - state.timestamp, timedelta())))
    except RunStopped as stop:
        if stop.reason != "cancelled":
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
    if isinstance(error, RunStopped) and error.reason != "cancelled":
        raise error
    reference = None
    if plan.is_persisted and _has_result(outcome):
        try:
            reference = yield Persist(outcome.value)
        except Exception as error:  # noqa: BLE001  # a result that cannot be kept is a failure
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
        case Raised(error=RunStopped(reason="cancelled")):
            return life.state(StateType.CANCELLED, StateName.CANCELLED, "The run was cancelled.")
        case Raised(error=RunStopped(reason=reason)):
            return life.state(StateType.CRASHED, StateName.CRASHED, f"Stopped: {reason}.")
        case Raised(error=ParameterError()):
            # The same arguments will not fit the next time either.
            message = f"{type(outcome.error).__name__}: {outcome.error}"
            return life.state(StateType.FAILED, StateName.FAILED, message, details=_NOT_RETRIABLE)
        case Raised(error=TimedOut()):
            return life.state(StateType.FAILED, StateName.TIMED_OUT, str(outcome.error))
        case Raised(error=Exception()):
            message = f"{type(outcome.error).__name__}: {outcome.error}"
            return life.state(StateType.FAILED, StateName.FAILED, message)
        case Raised():
            message = f"Aborted by {type(outcome.error).__name__}: {outcome.error}".rstrip(": ")
            return life.state(StateType.CRASHED, StateName.CRASHED, message)
        case _:
            assert_never(outcome)
