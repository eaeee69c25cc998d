"""Calling tasks: here and now, submitted, or mapped over many arguments."""

from collections.abc import AsyncGenerator, Generator, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import msgspec

from runwright.core.effects import Call, Chosen, Raised, Returned, TimedOut
from runwright.core.engine import Ended, Life, TaskPlan, run_task
from runwright.core.states import StateName, StateType
from runwright.errors import FlowError, MissingContextError, NotReadyRun
from runwright.sdk.annotations import Annotated, allow_failure, unmapped
from runwright.sdk.callables import Colour
from runwright.sdk.context import (
    TaskRunContext,
    current_flow_run,
    current_tags,
    current_task_run,
    enter_task_run,
    leave_task_run,
)
from runwright.sdk.drivers import drive, drive_async
from runwright.sdk.environment import current_environment
from runwright.sdk.futures import Future, FutureList
from runwright.sdk.handlers.tasks import TaskHandler
from runwright.sdk.inputs import need_no_resolving, taken
from runwright.sdk.prints import watch_prints
from runwright.sdk.run_names import given_name
from runwright.sdk.task_runner import Job, finished

if TYPE_CHECKING:
    from runwright.sdk.declared import DeclaredTask

#: The states of a run, for calls with `return_state=True`; else its value.
_ASYNC = frozenset({Colour.ASYNC, Colour.ASYNC_GENERATOR})


def begin(
    task: "DeclaredTask", args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any = None
) -> tuple[TaskHandler, TaskPlan]:
    """A new run of the task, not started yet."""
    flow_run = current_flow_run()
    if flow_run is None:
        environment = current_environment()
        life = Life(environment.clock.now, environment.new_id)
        run_id = life.new_id()
        dynamic_key = str(run_id)
        name = f"{task.name}-{dynamic_key[-8:]}"
    else:
        if flow_run.task_retries:
            task = task.by_default_retried(flow_run.task_retries)
        life = flow_run.life
        run_id = life.new_id()
        dynamic_key = str(flow_run.next_number(task.task_key))
        name = f"{task.name}-{dynamic_key}"
    in_force = current_tags()
    tags = task.tag_list if not in_force else sorted(task.tags | in_force)
    context = TaskRunContext(
        task, run_id, name, dynamic_key, tags, flow_run, current_task_run(), life
    )
    context.log_prints = _logs_prints(task, flow_run)
    plan = task.plans[0]
    if wait_for is not None or not need_no_resolving(args, kwargs):
        given, has_inputs = taken((args, kwargs, wait_for))
        if has_inputs:
            context.parameters = task.bind(args, kwargs)
            args, kwargs, wait_for = given
            plan = task.plans[1]
        else:
            args, kwargs, wait_for = given[0], given[1], None
            context.parameters = task.bind(args, kwargs)
    context.arguments = args, kwargs
    handler = TaskHandler(context, args, kwargs, wait_for, None)
    keeps = task.may_persist or (flow_run is not None and flow_run.store is not None)
    if keeps or task.task_run_name is not None:
        plan = _prepared(handler, plan, keeps)
    if flow_run is not None:
        handler.tell(life.now())
    return handler, plan


def _prepared(handler: TaskHandler, plan: TaskPlan, keeps: bool) -> TaskPlan:
    """The plan of a run that keeps its result or has a name of its own.

    Where users' code for that fails, the run does, as soon as it has begun.
    """
    task = handler.context.task
    try:
        if keeps:
            plan = _with_results(task, handler, plan)
        if task.task_run_name is not None:
            handler.context.name = _name(handler)
    except TimedOut:
        raise  # the flow's
    except BaseException as error:  # noqa: BLE001  # raised again in `_resolve`
        handler.fault = error
        return task.plans[1]
    return plan


def _name(handler: TaskHandler) -> str:
    """The name that its task says. A function that makes it runs inside the run."""
    from runwright.sdk.signatures import receiver  # late: few tasks have such a name

    task = handler.context.task

    def parameters() -> dict[str, Any]:
        return receiver(task.fn) | handler.parameters()

    token = enter_task_run(handler.context)
    try:
        return given_name(task.task_run_name, parameters, f"task {task.name!r}")
    finally:
        leave_task_run(token)


def _logs_prints(task: "DeclaredTask", flow_run: Any) -> bool:
    if task.log_prints:
        watch_prints()
    if task.log_prints is not None:
        return task.log_prints
    return flow_run is not None and flow_run.log_prints


def _with_results(task: "DeclaredTask", handler: TaskHandler, plan: TaskPlan) -> TaskPlan:
    from runwright.sdk.task_results import results_of  # late: most tasks keep no results

    handler.results = results_of(task, handler.context.flow_run)
    if handler.results is None:
        return plan
    return msgspec.structs.replace(plan, is_persisted=True, is_cached=task.is_cached)


def call(
    task: "DeclaredTask",
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wait_for: Any,
    return_state: bool,  # passed on
) -> Any:
    """Run the task here: its value, or for an asynchronous one what gives it when awaited."""
    match task.colour:
        case Colour.SYNC:
            handler, plan = begin(task, args, kwargs, wait_for)
            ended = drive(run_task(plan, handler.context.life), handler.perform)
            return answer(handler, ended, return_state)
        case Colour.ASYNC:
            return _call_async(task, args, kwargs, wait_for, return_state)
        case Colour.GENERATOR:
            return _generate(task, args, kwargs, wait_for)
        case Colour.ASYNC_GENERATOR:
            return _generate_async(task, args, kwargs, wait_for)


async def _call_async(
    task: "DeclaredTask",
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wait_for: Any,
    return_state: bool,
) -> Any:
    handler, plan = begin(task, args, kwargs, wait_for)
    ended = await drive_async(run_task(plan, handler.context.life), handler.perform_async)
    return answer(handler, ended, return_state)


def _generate(
    task: "DeclaredTask", args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any
) -> Generator[Any, Any, Any]:
    """A driver that passes on what the task yields. Leaving early is a good end too."""
    handler, plan = begin(task, args, kwargs, wait_for)
    run = run_task(plan, handler.context.life)
    left: GeneratorExit | None = None
    try:
        effect = next(run)
        while True:
            try:
                if type(effect) is Call:
                    reply = yield from handler.generate()
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
    task: "DeclaredTask", args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any
) -> AsyncGenerator[Any, Any]:
    handler, plan = begin(task, args, kwargs, wait_for)
    run = run_task(plan, handler.context.life)
    left: GeneratorExit | None = None
    try:
        effect = next(run)
        while True:
            try:
                if type(effect) is Call:
                    async for item in handler.generate_async():
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


def answer(handler: TaskHandler, ended: Ended, return_state: bool) -> Any:
    """What the caller of a task gets."""
    if return_state:
        return finished(handler, ended)
    outcome = ended.outcome
    match outcome:
        case Returned():
            return outcome.value
        case Raised():
            raise outcome.error
        case Chosen():
            return finished(handler, ended).result()
        case None:
            raise NotReadyRun(
                f"Task run {handler.context.name!r} did not run. {ended.state.message}"
            )


def submit(
    task: "DeclaredTask", args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any = None
) -> Future[Any]:
    """Start the task on the flow's task runner.

    Raises:
        MissingContextError: there is no flow run whose runner could take it.
    """
    flow_run = current_flow_run()
    if flow_run is None:
        raise MissingContextError(
            f"Task {task.name!r} cannot be submitted outside a flow: there is no task runner. "
            "Call it directly, or from a function with @flow."
        )
    submitted = task if task.colour not in _GENERATORS else task.collecting
    handler, plan = begin(submitted, args, kwargs, wait_for)
    future: Future[Any] = Future(handler.context)
    handler.future = future
    handler.record(handler.context.life.state(StateType.PENDING, StateName.PENDING), 0)
    job = Job(handler, plan, future, copy_context())
    try:
        flow_run.runner().submit(job)
    except TimedOut:
        raise  # the flow's: with that all its tasks end
    except Exception as error:
        job.abort(error)
        raise
    return future


_GENERATORS = frozenset({Colour.GENERATOR, Colour.ASYNC_GENERATOR})


def map_over(
    task: "DeclaredTask", args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any = None
) -> FutureList[Any]:
    """Submit the task once for each element of its iterable arguments.

    Raises:
        FlowError: no argument is iterable, or they differ in length.
    """
    bound = [(None, value) for value in args] + list(kwargs.items())
    columns = [_column(value) for _, value in bound]
    lengths = {len(column) for column in columns if column is not None}
    if not lengths:
        raise FlowError(
            f"Task {task.name!r} cannot be mapped: none of its arguments is iterable. "
            "Pass a list, or use submit for a single run."
        )
    if len(lengths) > 1:
        raise FlowError(
            f"Task {task.name!r} cannot be mapped over arguments of different lengths "
            f"({', '.join(map(str, sorted(lengths)))}). Wrap what every run shall get whole in "
            "unmapped(...)."
        )
    futures: FutureList[Any] = FutureList()
    fixed = [_whole(value) for _, value in bound]
    names = list(kwargs)
    count = len(args)
    for index in range(lengths.pop()):
        row = [
            whole if column is None else column[index]
            for column, whole in zip(columns, fixed, strict=True)
        ]
        named = dict(zip(names, row[count:], strict=True))
        futures.append(submit(task, tuple(row[:count]), named, wait_for))
    return futures


def _column(value: Any) -> Any:
    """The elements of an argument that is mapped over; None for one that is not."""
    if isinstance(value, unmapped):
        return None
    if isinstance(value, allow_failure):
        inner = _column(value.value)
        return None if inner is None else [allow_failure(item) for item in inner]
    if isinstance(value, Annotated):
        return None
    if isinstance(value, Future):
        value = value.result()
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return None
    return value if isinstance(value, list | tuple | range) else list(value)


def _whole(value: Any) -> Any:
    return value.value if isinstance(value, unmapped) else value
