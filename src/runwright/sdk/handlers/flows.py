"""Performs the effects of a flow run."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_never

from runwright.api.journal import FlowRunPatched, FlowRunProposed, TaskRunMoved
from runwright.api.states import OrchestrationResult, WaitDetails
from runwright.core.effects import (
    Announce,
    Call,
    FlowEffect,
    Granted,
    Persist,
    Proposal,
    Propose,
    Refused,
    RunStopped,
    SleepUntil,
    TimedOut,
    Verdict,
    Waiting,
)
from runwright.core.states import State as StateRecord
from runwright.core.states import StateName, StateType
from runwright.errors import ParameterError, ServerError
from runwright.sdk.children import leave
from runwright.sdk.context import FlowRunContext, inside_flow_run
from runwright.sdk.handlers.tasks import left_by, stopped_by
from runwright.sdk.hooks import call_hooks, call_hooks_async, flow_run_of, hooks_for
from runwright.sdk.inputs import check_completed, replaced, resolve, upstreams
from runwright.sdk.logging import log_error, log_flow_state, log_unrecorded_end
from runwright.sdk.outcomes import verdict_of
from runwright.sdk.states import State
from runwright.sdk.task_runner import FLOW_FAILED

if TYPE_CHECKING:
    from runwright.api.journal import TaskRunInfo
    from runwright.sdk.stopping import Stop


class FlowHandler:
    """One flow run: its parameters, and how each effect is performed."""

    def __init__(self, context: FlowRunContext, wait_for: Any = None) -> None:
        self.context = context
        self.flow = context.flow
        self.wait_for = wait_for
        #: The call's arguments, once the parameters have been checked.
        self.arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        #: The task run that stands for a subflow in its parent.
        self.stand_in: TaskRunInfo | None = None
        #: The parameters as they were given, for each retry.
        self.parameters_anew: Callable[[], dict[str, Any]] | None = None
        #: Interrupts this run, where it is the root of its execution.
        self.stop: Stop | None = None
        #: The run around it has ended, and this one with it.
        self.is_abandoned = False
        #: What users' code raised before the run began: it is raised in place of the call.
        self.fault: BaseException | None = None
        #: Of the last attempt, not told yet.
        self.error: BaseException | None = None

    @contextmanager
    def holding_back_faults(self) -> Iterator[None]:
        """Users' code that fails before the run has begun fails the run, once it has begun."""
        try:
            yield
        except BaseException as error:  # raised again in `_begin_call`
            if isinstance(error, RecursionError) and self.context.parent is not None:
                raise  # no stack is left to begin with
            self.fault = error

    def perform(self, effect: FlowEffect) -> Any:
        """Perform an effect in this thread."""
        match effect:
            case Propose():
                if self.is_abandoned:
                    return Refused(_PARENT_ENDED)
                entry = self._entry(effect.state)
                return self._granted(self.context.channel.propose(entry), effect.state)
            case Call():
                return self._call(effect.run_count)
            case Persist():
                return self._persist(effect.value)
            case SleepUntil():
                return self.context.environment.sleep(self._seconds_until(effect.instant))
            case Announce():
                hooks = hooks_for(effect.state, self.flow)
                run = flow_run_of(self.context, State.of(effect.state, left_by(effect.outcome)))
                if hooks:
                    with inside_flow_run(self.context):
                        call_hooks(hooks, self.flow, run)
                        self.context.stop_runner(None)
                return None
            case _:
                assert_never(effect)

    async def perform_async(self, effect: FlowEffect) -> Any:
        """Perform an effect in an event loop, where an order to stop comes as a cancellation."""
        try:
            return await self._perform_async(effect)
        except BaseException as error:
            stopped = stopped_by(error, self.context.channel, self.stop)
            if stopped is not None:
                raise stopped from None
            raise

    async def _perform_async(self, effect: FlowEffect) -> Any:
        match effect:
            case Propose():
                if self.is_abandoned:
                    return Refused(_PARENT_ENDED)
                entry = self._entry(effect.state)
                result = await self.context.channel.propose_async(entry)
                return self._granted(result, effect.state)
            case Call():
                return await self._call_async(effect.run_count)
            case SleepUntil():
                seconds = self._seconds_until(effect.instant)
                return await self.context.environment.sleep_async(seconds)
            case Announce():
                hooks = hooks_for(effect.state, self.flow)
                run = flow_run_of(self.context, State.of(effect.state, left_by(effect.outcome)))
                if hooks:
                    with inside_flow_run(self.context):
                        await call_hooks_async(hooks, self.flow, run)
                        await self.context.stop_runner_async(None)
                return None
            case _:
                return self.perform(effect)

    def _entry(self, state: StateRecord) -> FlowRunProposed:
        if state.is_terminal and self.error is None:
            log_flow_state(self.context, state)
        return FlowRunProposed(flow_run_id=self.context.flow_run_id, state=state)

    def _granted(self, result: OrchestrationResult, proposed: StateRecord) -> Proposal:
        context = self.context
        if isinstance(result.details, WaitDetails):
            delay = timedelta(seconds=result.details.delay_seconds)
            return Waiting(context.environment.clock.now() + delay)
        if result.status == "ABORT":
            return Refused(getattr(result.details, "reason", None) or "")
        self.entered(result.state or proposed)
        return Granted(result.state or proposed)

    def entered(self, state: StateRecord) -> None:
        """The run is in this state now."""
        context = self.context
        context.state = state
        if context.start_time is None and state.type is StateType.RUNNING:
            context.start_time = state.timestamp
        if self.stand_in is not None and context.parent_task_run_id is not None:
            self._mirror(state, context)
        if state.is_terminal and context.parent is not None:
            context.parent.unfinished.discard(self)
        error, self.error = self.error, None
        if error is not None and state.is_terminal:  # nobody granted another attempt
            log_error(context, error)
            log_flow_state(context, state)
        if not state.is_terminal:
            log_flow_state(context, state, error)

    def _tell(self, error: BaseException) -> None:
        """Log the traceback; of an attempt that another may follow, once none does."""
        context = self.context
        used = context.run_count - 1 + (context.spec.retries_used if context.spec else 0)
        may_follow = isinstance(error, Exception) and not isinstance(error, ParameterError)
        if may_follow and used < context.flow.retries:
            self.error = error
        else:
            log_error(context, error)

    def abandon(self, message: str) -> None:
        """End the record of a subflow that still runs when its parent ends, in another thread."""
        context = self.context
        if self.is_abandoned or (context.state is not None and context.state.is_terminal):
            return
        self.is_abandoned = True
        context.end_unfinished()
        state = context.life.state(StateType.CANCELLED, StateName.CANCELLED, message)
        try:
            self._granted(context.channel.propose(self._entry(state)), state)
        except ServerError as error:  # nothing more can be recorded of the execution at all
            log_unrecorded_end(context, error)

    def _mirror(self, state: StateRecord, context: FlowRunContext) -> None:
        """In its parent a subflow is a task run; it enters the states that the subflow enters."""
        import msgspec

        details = msgspec.structs.replace(
            state.state_details, child_flow_run_id=context.flow_run_id
        )
        mirrored = msgspec.structs.replace(
            state, id=context.environment.new_id(), state_details=details
        )
        is_first = state.type is StateType.RUNNING and context.run_count == 0
        context.channel.emit(
            TaskRunMoved(
                task_run_id=context.parent_task_run_id,  # type: ignore[arg-type]  # checked above
                state=mirrored,
                run_count=max(1, context.run_count),
                run=self.stand_in if is_first else None,
            )
        )

    def _begin_call(self, run_count: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self.context.run_count = run_count
        self.context.kept_children.begin_try()
        if self.fault is not None:
            raise self.fault
        if run_count > 1 and self.parameters_anew is not None:
            self.context.parameters = self.parameters_anew()
            self.arguments = None
        if self.arguments is None:
            if self.wait_for:
                check_completed(self.wait_for)
            given = replaced(self.context.parameters, resolve)
            checked = self.flow.checked_parameters(given)
            self._record_parameters(checked)
            self.arguments = self.flow.call_arguments(checked)
        return self.arguments

    def _record_parameters(self, checked: dict[str, Any]) -> None:
        """The record shows what the flow is called with, not what it was called with."""
        context = self.context
        before, context.parameters = context.parameters, checked
        if all(name in before and before[name] is value for name, value in checked.items()):
            return
        from runwright.sdk.parameter_values import shown_parameters  # late: as in `flow_calls`

        shown = shown_parameters(self.flow.fn, checked)
        if shown != shown_parameters(self.flow.fn, before):
            context.channel.emit(
                FlowRunPatched(flow_run_id=context.flow_run_id, shown_parameters=shown)
            )

    def _call(self, run_count: int) -> Verdict:
        context = self.context
        with inside_flow_run(context):
            try:
                args, kwargs = self._begin_call(run_count)
                if self.flow.timeout_seconds is None:
                    value = self.flow.fn(*args, **kwargs)
                else:
                    from runwright.sdk.timeouts import in_time  # late: it loads ctypes

                    seconds = self.flow.timeout_seconds
                    value = in_time(lambda: self.flow.fn(*args, **kwargs), seconds)
                if context.is_copy:
                    leave(None)
                verdict = verdict_of(value)
            except BaseException as error:
                if context.is_copy:
                    leave(error)
                reason = context.channel.stop_reason or _why_tasks_stop(error)
                try:
                    self._tell(error)
                finally:  # that may fail too, where the stack is full
                    context.stop_runner(reason, FLOW_FAILED if reason is None else None)
                raise
            context.stop_runner(None)
            return verdict

    async def _call_async(self, run_count: int) -> Verdict:
        context = self.context
        with inside_flow_run(context):
            try:
                await self._await_inputs()
                args, kwargs = self._begin_call(run_count)
                if self.flow.timeout_seconds is None:
                    value = await self.flow.fn(*args, **kwargs)
                else:
                    from runwright.sdk.async_timeouts import deadline_async

                    async with deadline_async(self.flow.timeout_seconds):
                        value = await self.flow.fn(*args, **kwargs)
                if context.is_copy:
                    leave(None)
                await self._await_all(value)
                verdict = verdict_of(value)
            except BaseException as error:
                if context.is_copy:
                    leave(error)
                reason = context.channel.stop_reason or _why_tasks_stop(error)
                await context.stop_runner_async(reason, FLOW_FAILED if reason is None else None)
                if stopped_by(error, context.channel, self.stop) is None:
                    self._tell(error)
                raise
            await context.stop_runner_async(None)
            return verdict

    async def _await_inputs(self) -> None:
        if self.arguments is None:
            await self._await_all((self.context.parameters, self.wait_for))

    async def _await_all(self, value: Any) -> None:
        for upstream in upstreams(value):
            if not isinstance(upstream, State):
                await upstream.wait_async()

    def generate(self, run_count: int) -> Generator[Any, Any, Verdict]:
        """`Call` for a generator: what it yields is passed on, and what is sent passed in."""
        context = self.context
        try:
            with inside_flow_run(context):
                args, kwargs = self._begin_call(run_count)
                generator = self.flow.fn(*args, **kwargs)
            sent: Any = None
            while True:
                # Between two steps the code of whoever iterates runs: it is not inside the flow.
                with inside_flow_run(context):
                    try:
                        item = generator.send(sent)
                    except StopIteration as done:
                        return verdict_of(done.value)
                sent = yield item
        except Exception as error:
            self._tell(error)
            raise
        finally:
            context.stop_runner(context.channel.stop_reason)

    async def generate_async(self, run_count: int) -> AsyncGenerator[Any, Any]:
        """The same for an asynchronous generator."""
        context = self.context
        try:
            with inside_flow_run(context):
                args, kwargs = self._begin_call(run_count)
                generator = self.flow.fn(*args, **kwargs)
            sent: Any = None
            while True:
                with inside_flow_run(context):
                    try:
                        item = await generator.asend(sent)
                    except StopAsyncIteration:
                        return
                sent = yield item
        except Exception as error:
            self._tell(error)
            raise
        finally:
            await context.stop_runner_async(context.channel.stop_reason)

    def _persist(self, value: Any) -> Any:
        store = self.context.store
        if store is None:
            return None
        key = self.flow.result_storage_key or store.new_key()
        return store.write(key, value, owner=f"flow {self.flow.name!r}")

    def _seconds_until(self, instant: datetime) -> float:
        return max(0.0, (instant - self.context.environment.clock.now()).total_seconds())


_PARENT_ENDED = "The run that called it has ended."


def _why_tasks_stop(error: BaseException) -> str | None:
    """Submitted tasks end with a flow that timed out or was interrupted.

    None: those that run go on to their end.
    """
    if isinstance(error, TimedOut):
        return "cancelled"
    if isinstance(error, RunStopped):
        return error.reason
    return None if isinstance(error, Exception) else "shutdown"
