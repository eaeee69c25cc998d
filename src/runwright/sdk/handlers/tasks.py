"""Performs the effects of a task run."""

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from runwright.api.journal import TaskRunInfo, TaskRunMoved
from runwright.core.effects import (
    Announce,
    AwaitInputs,
    Call,
    DrawJitter,
    Hit,
    Judge,
    Outcome,
    Persist,
    Raised,
    ReadCache,
    Record,
    Returned,
    RunStopped,
    SleepUntil,
    TaskEffect,
    Verdict,
)
from runwright.core.states import TERMINAL, StateName, StateType
from runwright.core.states import State as StateRecord
from runwright.sdk import kill_points
from runwright.sdk.children import leave
from runwright.sdk.context import TaskRunContext, enter_task_run, environment_here, leave_task_run
from runwright.sdk.futures import Future
from runwright.sdk.hooks import call_hooks, call_hooks_async, hooks_for, task_run_of
from runwright.sdk.inputs import check_completed, lineage_of, replaced, resolve, upstreams
from runwright.sdk.logging import log_broken_condition, log_error, log_task_state
from runwright.sdk.outcomes import verdict_of
from runwright.sdk.states import State

if TYPE_CHECKING:
    from runwright.sdk.journal import Channel
    from runwright.sdk.stopping import Stop
    from runwright.sdk.task_results import TaskResults


class TaskHandler:
    """One task run: its arguments, its record, and how each effect is performed."""

    __slots__ = (
        "args", "call_elsewhere", "context", "ends", "error", "fault", "future", "info", "kwargs",
        "results", "wait_for",
    )  # fmt: skip

    def __init__(
        self,
        context: TaskRunContext,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        wait_for: Any,
        results: "TaskResults | None",
    ) -> None:
        self.context = context
        self.args = args
        self.kwargs = kwargs
        self.wait_for = wait_for
        self.results = results
        #: Calls the function in another process, where the task runner has some.
        self.call_elsewhere: Callable[[TaskHandler], Any] | None = None
        #: Told once, with the first state.
        self.info: TaskRunInfo | None = None
        #: Of a run that was submitted.
        self.future: Future[Any] | None = None
        #: Last states. The first one counts: appending is atomic, and several threads may try.
        self.ends: list[StateRecord] = []
        #: What users' code raised before the run began: it is raised when that begins.
        self.fault: BaseException | None = None
        #: Of the last attempt, not told yet.
        self.error: BaseException | None = None

    def perform(self, effect: TaskEffect) -> Any:  # noqa: PLR0911  # one for each effect
        """Perform an effect in this thread."""
        match effect:
            case Record():
                return self.record(effect.state, effect.run_count)
            case Call():
                return self._call()
            case AwaitInputs():
                return self._resolve()
            case ReadCache():
                return self._read_cache()
            case Persist():
                return self.results.persist(effect.value) if self.results else None
            case SleepUntil():
                return environment_here().sleep(self._seconds_until(effect.instant))
            case Judge():
                return self._judge(effect.error, effect.state)
            case DrawJitter():
                return environment_here().random()
            case Announce():
                return self._announce(effect.state, effect.outcome)
            case _:
                assert_never(effect)

    async def perform_async(self, effect: TaskEffect) -> Any:
        """Perform an effect in an event loop, where an order to stop comes as a cancellation."""
        try:
            return await self._perform_async(effect)
        except BaseException as error:
            stopped = None
            if self.context.flow_run is not None:
                stopped = stopped_by(error, self.context.flow_run.channel, None)
            if stopped is not None:
                raise stopped from None
            raise

    async def _perform_async(self, effect: TaskEffect) -> Any:
        """Only what waits differs."""
        match effect:
            case Call():
                return await self._call_async()
            case AwaitInputs():
                for upstream in upstreams((self.args, self.kwargs, self.wait_for)):
                    if isinstance(upstream, Future):
                        await upstream.wait_async()
                return self._resolve()
            case SleepUntil():
                seconds = self._seconds_until(effect.instant)
                return await environment_here().sleep_async(seconds)
            case Announce():
                hooks = hooks_for(effect.state, self.context.task)
                state = State.of(effect.state, left_by(effect.outcome))
                run = task_run_of(self.context, state)
                token = enter_task_run(self.context)
                try:
                    return await call_hooks_async(hooks, self.context.task, run)
                finally:
                    leave_task_run(token)
            case _:
                return self.perform(effect)

    def record(self, state: StateRecord, run_count: int) -> None:
        """Write down that the run entered a state. After its end nothing more is written."""
        ends = self.ends
        is_end = state.type not in _UNFINISHED or state.name == StateName.NOT_READY
        if is_end:
            ends.append(state)
            if ends[0] is not state:
                return
        elif ends:
            return
        context = self.context
        context.state = state
        context.run_count = run_count
        if context.start_time is None and state.type is StateType.RUNNING:
            context.start_time = state.timestamp
        flow_run = context.flow_run
        if flow_run is not None:
            info = self.info
            if info is not None:
                flow_run.unfinished.add(self)
            flow_run.channel.emit(
                TaskRunMoved(
                    task_run_id=context.task_run_id, state=state, run_count=run_count, run=info
                )
            )
            self.info = None
            if is_end:
                flow_run.unfinished.discard(self)
                kill_points.task_ended()
            elif ends:  # another thread has ended it in between: its word stands
                self._repeat_end(ends[0], run_count)
        if state.type not in _QUIET:
            self._log(state, is_end)

    def _tell(self, error: BaseException) -> None:
        """Log the traceback; of an attempt that another may follow, once none does."""
        if self.context.run_count <= self.context.task.retries:
            self.error = error
        else:
            log_error(self.context, error)

    def _log(self, state: StateRecord, is_end: bool) -> None:
        error, self.error = self.error, None
        if error is not None and is_end:  # no attempt follows
            log_error(self.context, error)
        log_task_state(self.context, state)

    def _repeat_end(self, state: StateRecord, run_count: int) -> None:
        context = self.context
        context.state = state
        if context.flow_run is not None:
            context.flow_run.channel.emit(
                TaskRunMoved(task_run_id=context.task_run_id, state=state, run_count=run_count)
            )

    def abandon(self, message: str, error: BaseException | None = None) -> State[Any]:
        """End the record of a run that nobody waits for any more, unless it has ended.

        What its thread still does is not recorded. `error`: what broke off, if not the flow's end.
        """
        context = self.context
        kind, name = StateType.CANCELLED, StateName.CANCELLED
        if error is not None:
            kind, name = StateType.CRASHED, StateName.CRASHED
        if not self.ends:
            self.record(context.life.state(kind, name, message), context.run_count)
        state = State.of(self.ends[0], error)
        if self.future is not None:
            self.future.finish(state)
        return state

    def tell(self, expected_start_time: datetime) -> None:
        """Make the part of the record that goes with the first state."""
        context = self.context
        task = context.task
        flow_run = context.flow_run
        lineage: dict[str, list[dict[str, Any]]] = {}
        if context.parameters is not None:
            lineage = lineage_of(context.parameters)
        if self.wait_for:
            lineage |= lineage_of({"wait_for": self.wait_for})
        if context.parent is not None:
            parent_id = str(context.parent.task_run_id)
            lineage["__parents__"] = [{"input_type": "task_run", "id": parent_id}]
        self.info = TaskRunInfo(
            flow_run_id=None if flow_run is None else flow_run.flow_run_id,
            name=context.name,
            task_key=task.task_key,
            dynamic_key=context.dynamic_key,
            task_version=task.version,
            tags=context.tags,
            retries=task.retries,
            retry_delay_seconds=task.recorded_delay,
            task_inputs=lineage,
            expected_start_time=expected_start_time,
        )

    def _call(self) -> Verdict:
        context = self.context
        task = context.task
        token = enter_task_run(context)
        try:
            if self.call_elsewhere is not None:
                value = self.call_elsewhere(self)
            elif task.timeout_seconds is None:
                value = task.fn(*self.args, **self.kwargs)
            else:
                from runwright.sdk.timeouts import in_time  # late: it loads ctypes

                value = in_time(lambda: task.fn(*self.args, **self.kwargs), task.timeout_seconds)
        except BaseException as error:
            if context.is_copy:
                leave(error)
            if isinstance(error, Exception):
                self._tell(error)
            raise
        finally:
            leave_task_run(token)
        if context.is_copy:
            leave(None)
        return verdict_of(value)

    async def _call_async(self) -> Verdict:
        context = self.context
        task = context.task
        token = enter_task_run(context)
        try:
            if task.timeout_seconds is None:
                value = await task.fn(*self.args, **self.kwargs)
            else:
                from runwright.sdk.async_timeouts import deadline_async

                async with deadline_async(task.timeout_seconds):
                    value = await task.fn(*self.args, **self.kwargs)
        except BaseException as error:
            if context.is_copy:
                leave(error)
            flow_run = context.flow_run
            if flow_run is None or stopped_by(error, flow_run.channel, None) is None:
                self._tell(error)
            raise
        finally:
            leave_task_run(token)
        if context.is_copy:
            leave(None)
        return verdict_of(value)

    def generate(self) -> Generator[Any, Any, Verdict]:
        """`Call` for a generator: what it yields is passed on, and what is sent passed in."""
        generator = self.context.task.fn(*self.args, **self.kwargs)
        sent: Any = None
        while True:
            # Between two steps the code of whoever iterates runs: it is not inside the task.
            token = enter_task_run(self.context)
            try:
                item = generator.send(sent)
            except StopIteration as done:
                return verdict_of(done.value)
            except Exception as error:
                self._tell(error)
                raise
            finally:
                leave_task_run(token)
            sent = yield item

    async def generate_async(self) -> AsyncGenerator[Any, Any]:
        """The same for an asynchronous generator."""
        generator = self.context.task.fn(*self.args, **self.kwargs)
        sent: Any = None
        while True:
            token = enter_task_run(self.context)
            try:
                item = await generator.asend(sent)
            except StopAsyncIteration:
                return
            except Exception as error:
                self._tell(error)
                raise
            finally:
                leave_task_run(token)
            sent = yield item

    def _resolve(self) -> None:
        if self.fault is not None:
            log_error(self.context, self.fault)
            raise self.fault
        if self.wait_for:
            check_completed(self.wait_for)
        self.args = tuple(replaced(value, resolve) for value in self.args)
        self.kwargs = {name: replaced(value, resolve) for name, value in self.kwargs.items()}
        self.context.arguments = self.args, self.kwargs
        self.context.parameters = None  # they are bound anew when somebody asks

    def _read_cache(self) -> Hit | None:
        return self.results.read_cache(self.context, self.parameters()) if self.results else None

    def parameters(self) -> dict[str, Any]:
        """The arguments by name."""
        if self.context.parameters is None:
            self.context.parameters = self.context.task.bind(self.args, self.kwargs)
        return self.context.parameters

    def _judge(self, error: BaseException, record: StateRecord) -> bool:
        state = State.of(record, error)
        task = self.context.task
        try:
            answer = task.retry_condition_fn(task, task_run_of(self.context, state), state)
            if hasattr(answer, "__await__"):
                from runwright.sdk.callables import run_coroutine

                answer = run_coroutine(answer)
        except Exception as problem:
            log_broken_condition(self.context, problem)
            raise
        return bool(answer)

    def _announce(self, record: StateRecord, outcome: Outcome | None) -> None:
        task = self.context.task
        hooks = hooks_for(record, task)
        if hooks:
            state = State.of(record, left_by(outcome))
            token = enter_task_run(self.context)
            try:
                call_hooks(hooks, task, task_run_of(self.context, state))
            finally:
                leave_task_run(token)

    @staticmethod
    def _seconds_until(instant: datetime) -> float:
        return max(0.0, (instant - environment_here().clock.now()).total_seconds())


def stopped_by(error: BaseException, channel: "Channel", stop: "Stop | None") -> RunStopped | None:
    """In an event loop, an order to stop arrives as a cancellation of the task."""
    if type(error).__name__ != "CancelledError":
        return None
    reason = channel.stop_reason or (stop.reason if stop is not None else None)
    return None if reason is None else RunStopped(reason)


_UNFINISHED = frozenset(StateType) - TERMINAL
#: States that need no line in the log.
_QUIET = frozenset({StateType.RUNNING, StateType.COMPLETED, StateType.PENDING})


def left_by(outcome: Outcome | None) -> Any:
    """What a run left in memory: a value, or an error."""
    match outcome:
        case None:
            return None
        case Returned():
            return outcome.value
        case Raised():
            return outcome.error
        case _:
            return outcome.value
