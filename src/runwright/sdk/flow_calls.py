"""Calling flows: by hand, inside another flow, or for a run that a worker claimed."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from runwright.api.journal import FlowRunPatched, FlowRunStarted, TaskRunInfo
from runwright.core.effects import Call, Raised, Returned, RunStopped
from runwright.core.engine import Ended, FlowPlan, run_flow
from runwright.core.run_names import run_name
from runwright.core.states import StateName, StateType
from runwright.errors import CancelledRun, JournalLost, LeaseLost
from runwright.sdk.callables import Colour
from runwright.sdk.children import drain_children, watch_children
from runwright.sdk.context import (
    FlowRunContext,
    current_flow_run,
    current_tags,
    current_task_run,
    inside_flow_run,
)
from runwright.sdk.drivers import drive, drive_async
from runwright.sdk.environment import current_environment
from runwright.sdk.handlers.flows import FlowHandler
from runwright.sdk.handlers.tasks import left_by
from runwright.sdk.logging import run_logger, set_up_logging
from runwright.sdk.prints import watch_prints
from runwright.sdk.run_names import given_name
from runwright.sdk.runners.threads import ThreadPoolTaskRunner
from runwright.sdk.states import State

if TYPE_CHECKING:
    from runwright.api.executions import ExecutionSpec
    from runwright.core.states import State as StateRecord
    from runwright.sdk.declared import DeclaredFlow
    from runwright.sdk.journal import Channel


#: Never runs anything itself: each flow run that needs one takes a copy.
_DEFAULT_RUNNER = ThreadPoolTaskRunner()


def begin(flow: "DeclaredFlow", parameters: dict[str, Any], wait_for: Any) -> FlowHandler:
    """A new run of the flow: told to its channel, not started yet."""
    parent = current_flow_run()
    environment = current_environment() if parent is None else parent.environment
    run_id = environment.new_id()
    channel = environment.open_channel(run_id) if parent is None else parent.channel
    context = FlowRunContext(
        flow=flow,
        flow_run_id=run_id,
        name=run_name(environment.random),
        parameters=parameters,
        tags=current_tags(),
        channel=channel,
        environment=environment,
        parent=parent,
    )
    if parent is None:
        set_up_logging(environment.settings)
    watch_children()
    context.before_end = drain_children
    handler = FlowHandler(context, wait_for)
    with handler.holding_back_faults():
        _inherit(context, parent)
        _name(context)
    if parent is not None:
        _stand_in(handler, parent)
    channel.emit(_started(context))
    if parent is not None:
        parent.unfinished.add(handler)
    return handler


def _name(context: FlowRunContext) -> None:
    """Name the run as its flow says. A function that does it runs inside the run."""
    flow = context.flow
    if flow.flow_run_name is None:
        return
    from runwright.sdk.parameter_values import nameable  # late: as in `_started`
    from runwright.sdk.signatures import receiver

    def parameters() -> dict[str, Any]:
        return receiver(flow.fn) | nameable(flow.fn, context.parameters)

    with inside_flow_run(context):
        context.name = given_name(flow.flow_run_name, parameters, f"flow {flow.name!r}")


def _inherit(context: FlowRunContext, parent: FlowRunContext | None) -> None:
    """Options that are not set on the flow come from the flow that calls it, or the settings."""
    flow = context.flow
    context.task_runner = flow.task_runner
    if context.task_runner is None and parent is not None:
        context.task_runner = parent.task_runner
    if context.task_runner is None:
        context.task_runner = _DEFAULT_RUNNER
    inherited = parent is not None and parent.log_prints
    context.task_retries = context.environment.settings.task_default_retries
    context.log_prints = inherited if flow.log_prints is None else flow.log_prints
    if context.log_prints:
        watch_prints()
    if flow.persist_result is False:
        return
    wants = flow.persist_result or flow.result_storage or flow.result_serializer
    has = parent is not None and parent.store is not None
    if wants or has or context.environment.settings.persist_results:
        from runwright.sdk.results import result_store  # late: most flows keep no results

        store = result_store(
            context.environment.settings,
            persist=flow.persist_result,
            storage=flow.result_storage,
            serializer=flow.result_serializer,
            cache_in_memory=flow.cache_result_in_memory,
            parent=None if parent is None else parent.store,
        )
        context.store = store if store.persists else None


def _stand_in(handler: FlowHandler, parent: FlowRunContext) -> None:
    context = handler.context
    flow = context.flow
    context.parent_task_run_id = context.environment.new_id()
    context.number = number = str(parent.next_number(flow.flow_key))
    caller = current_task_run()
    parents = {}
    if caller is not None:
        parents = {"__parents__": [{"input_type": "task_run", "id": str(caller.task_run_id)}]}
    handler.stand_in = TaskRunInfo(
        flow_run_id=parent.flow_run_id,
        name=f"{flow.name}-{number}",
        task_key=flow.flow_key,
        dynamic_key=number,
        task_version=flow.version,
        tags=sorted(context.tags),
        task_inputs=parents,
        expected_start_time=context.environment.clock.now(),
    )


def _started(context: FlowRunContext) -> FlowRunStarted:
    from runwright.sdk.parameter_values import shown_parameters  # late: only runs need it

    flow = context.flow
    parent = context.parent
    return FlowRunStarted(
        flow_run_id=context.flow_run_id,
        flow_name=flow.name,
        timestamp=context.environment.clock.now(),
        name=context.name,
        flow_version=flow.version,
        parameters=shown_parameters(flow.fn, context.parameters),
        tags=sorted(context.tags),
        retries=flow.retries,
        retry_delay_seconds=flow.retry_delay_seconds,
        parent_flow_run_id=None if parent is None else parent.flow_run_id,
        parent_task_run_id=context.parent_task_run_id,
    )


def call(
    flow: "DeclaredFlow",
    parameters: dict[str, Any],
    wait_for: Any,
    return_state: bool,
) -> Any:
    """Run the flow: its value, or for an asynchronous one what gives it when awaited."""
    match flow.colour:
        case Colour.SYNC:
            number, kept = _earlier(flow, parameters)
            if kept is not None:
                return answer(*kept, return_state)
            handler = begin(flow, parameters, wait_for)
            with _open(handler), _interruptible(handler):
                ended = drive(_life(handler), handler.perform)
            _keep(number, handler, ended, parameters)
            return answer(handler, ended, return_state)
        case Colour.ASYNC:
            return _call_async(flow, parameters, wait_for, return_state)
        case Colour.GENERATOR:
            return _generate(flow, parameters, wait_for)
        case Colour.ASYNC_GENERATOR:
            return _generate_async(flow, parameters, wait_for)


@contextlib.contextmanager
def _open(handler: FlowHandler) -> Iterator[None]:
    """The root run's channel is closed after it; a stop becomes an error that users know."""
    if not _is_by_hand(handler.context):
        yield
        return
    try:
        yield
    except RunStopped as stop:
        raise _as_error(handler, stop) from None
    finally:
        handler.context.channel.close()


def _is_by_hand(context: FlowRunContext) -> bool:
    return context.parent is None and context.spec is None


def _as_error(handler: FlowHandler, stop: RunStopped) -> Exception:
    name = handler.context.name
    if stop.reason == "lease_lost":
        return LeaseLost(
            f"Flow run {name!r} was stopped: the control plane has ended it, or given it to "
            "another process. Nothing this process does is recorded any more.",
            code="lease_lost",
        )
    if stop.reason == "journal_lost":
        trouble = handler.context.channel.trouble
        return trouble or JournalLost(f"Flow run {name!r} can record nothing more, so it ended.")
    return CancelledRun(f"Flow run {name!r} was cancelled.")


@contextlib.contextmanager
def _interruptible(handler: FlowHandler) -> Iterator[None]:
    """An order of the control plane to stop reaches the thread of the root run."""
    if handler.context.parent is not None:
        yield
        return
    from runwright.sdk.stopping import Stop  # late: subflows need none

    handler.stop = Stop(handler.context.channel)
    with handler.stop.armed(has_signals=handler.context.spec is not None):
        yield


@contextlib.contextmanager
def _interruptible_async(handler: FlowHandler) -> Iterator[None]:
    if handler.context.parent is not None:
        yield
        return
    import asyncio

    from runwright.sdk.stopping import Stop

    task = asyncio.current_task()
    if task is None:
        yield
        return
    loop = asyncio.get_running_loop()
    handler.stop = Stop(handler.context.channel)

    def interrupt(is_wanted: Callable[[], bool]) -> None:
        def cancel() -> None:
            if is_wanted():
                task.cancel()

        loop.call_soon_threadsafe(cancel)

    with handler.stop.armed(interrupt, has_signals=handler.context.spec is not None):
        yield


async def _call_async(
    flow: "DeclaredFlow",
    parameters: dict[str, Any],
    wait_for: Any,
    return_state: bool,
) -> Any:
    number, kept = _earlier(flow, parameters)
    if kept is not None:
        return answer(*kept, return_state)
    handler = begin(flow, parameters, wait_for)
    with _open(handler), _interruptible_async(handler):
        ended = await drive_async(_life(handler), handler.perform_async)
    _keep(number, handler, ended, parameters)
    return answer(handler, ended, return_state)


def _earlier(
    flow: "DeclaredFlow", parameters: dict[str, Any]
) -> tuple[int, tuple[FlowHandler, Ended] | None]:
    """The number of a subflow's call, and what it left in an earlier try of its caller."""
    caller = current_flow_run()
    if caller is None:
        return 0, None
    number = caller.kept_children.next_call(flow.flow_key)
    kept = caller.kept_children.find(flow.flow_key, number, parameters)
    if kept is not None:
        run_logger(caller).info(
            "Flow %r is not run again: its result was kept by run %r.",
            flow.name,
            kept[0].context.name,
        )
    return number, kept


def _keep(number: int, handler: FlowHandler, ended: Ended, parameters: dict[str, Any]) -> None:
    caller = handler.context.parent
    if caller is not None and handler.context.store is not None:
        caller.kept_children.keep(number, handler, ended, parameters)


def _life(handler: FlowHandler, begun: "StateRecord | None" = None) -> Any:
    context = handler.context
    plan = FlowPlan(
        is_persisted=context.store is not None, has_hooks=context.flow.has_hooks, begun=begun
    )
    return run_flow(plan, context.life)


def _generate(
    flow: "DeclaredFlow", parameters: dict[str, Any], wait_for: Any
) -> Generator[Any, Any, Any]:
    """A driver that passes on what the flow yields. Leaving early is a good end too."""
    handler = begin(flow, parameters, wait_for)
    run = _life(handler)
    left: GeneratorExit | None = None
    with _open(handler):
        try:
            effect = next(run)
            while True:
                try:
                    if type(effect) is Call:
                        reply = yield from handler.generate(effect.run_count)
                    else:
                        reply = handler.perform(effect)
                except GeneratorExit as leave:
                    left, effect = leave, run.send(Returned(None))
                except BaseException as error:  # noqa: BLE001  # the engine decides what it means
                    effect = run.throw(error)
                else:
                    effect = run.send(reply)
        except StopIteration as done:
            if left is not None:
                raise left from None
            return answer(handler, done.value, return_state=False)


async def _generate_async(
    flow: "DeclaredFlow", parameters: dict[str, Any], wait_for: Any
) -> AsyncGenerator[Any, Any]:
    handler = begin(flow, parameters, wait_for)
    run = _life(handler)
    left: GeneratorExit | None = None
    with _open(handler):
        try:
            effect = next(run)
            while True:
                try:
                    if type(effect) is Call:
                        async for item in handler.generate_async(effect.run_count):
                            yield item
                        reply = Returned(None)
                    else:
                        reply = await handler.perform_async(effect)
                except GeneratorExit as leave:
                    left, effect = leave, run.send(Returned(None))
                except BaseException as error:  # noqa: BLE001
                    effect = run.throw(error)
                else:
                    effect = run.send(reply)
        except StopIteration as done:
            if left is not None:
                raise left from None
            answer(handler, done.value, return_state=False)


def answer(handler: FlowHandler, ended: Ended, return_state: bool) -> Any:
    """What the caller of a flow gets."""
    outcome = ended.outcome
    if isinstance(outcome, Raised) and not isinstance(outcome.error, Exception):
        if isinstance(outcome.error, RunStopped) and _is_by_hand(handler.context):
            raise _as_error(handler, outcome.error)
        raise outcome.error
    if return_state:
        return final(handler, ended)
    if ended.state.name == "Completed" and isinstance(outcome, Returned):
        return outcome.value
    if isinstance(outcome, Raised) and not final(handler, ended).is_completed():
        raise outcome.error
    return final(handler, ended).result()


def final(handler: FlowHandler, ended: Ended) -> State[Any]:
    """The run's last state, with what it left."""
    state = State.of(ended.state, left_by(ended.outcome))
    state.task_run_id = handler.context.parent_task_run_id
    return state


def run_claimed_flow(
    flow: "DeclaredFlow",
    parameters: dict[str, Any],
    *,
    spec: "ExecutionSpec",
    channel: "Channel",
    anew: Callable[[], dict[str, Any]] | None = None,
) -> State[Any]:
    """Run the flow as the run of `spec`, whose Running has been granted already.

    `anew` gives the parameters of a retry, which an earlier try has not had in its hands.

    Raises:
        RunStopped: the execution was shut down or lost its lease; others report its end.
    """
    handler = _claimed(flow, parameters, spec, channel)
    handler.parameters_anew = anew
    if flow.colour in _ITERATED:
        handler.flow = flow.collecting
    if handler.flow.colour is Colour.SYNC:
        with _interruptible(handler):
            ended = drive(_life(handler, _granted(handler)), handler.perform)
    else:
        import asyncio

        async def run() -> Ended:
            with _interruptible_async(handler):
                life = _life(handler, _granted(handler))
                return await drive_async(life, handler.perform_async)

        ended = asyncio.run(run())
    return final(handler, ended)


_ITERATED = frozenset({Colour.GENERATOR, Colour.ASYNC_GENERATOR})


def _claimed(
    flow: "DeclaredFlow", parameters: dict[str, Any], spec: "ExecutionSpec", channel: "Channel"
) -> FlowHandler:
    from runwright.sdk.parameter_values import shown_parameters

    environment = current_environment()
    context = FlowRunContext(
        flow=flow,
        flow_run_id=spec.flow_run_id,
        name=spec.flow_run_name,
        parameters=parameters,
        tags=frozenset(spec.tags),
        channel=channel,
        environment=environment,
        spec=spec,
    )
    context.scheduled_start_time = spec.scheduled_start_time
    set_up_logging(environment.settings)
    watch_children()
    context.before_end = drain_children
    handler = FlowHandler(context)
    with handler.holding_back_faults():
        _inherit(context, None)
        _name(context)
    channel.emit(
        FlowRunPatched(
            flow_run_id=spec.flow_run_id,
            name=context.name if context.name != spec.flow_run_name else None,
            flow_version=flow.version,
            shown_parameters=shown_parameters(flow.fn, parameters),
        )
    )
    return handler


def _granted(handler: FlowHandler) -> "StateRecord":
    """Running, as it was proposed before the flow was loaded."""
    running = handler.context.life.state(StateType.RUNNING, StateName.RUNNING)
    handler.entered(running)
    return running
