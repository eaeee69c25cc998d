"""Users' functions that are called when a run enters a state."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from runwright.core.states import State as StateRecord
from runwright.core.states import StateName, StateType
from runwright.core.texts import shown
from runwright.sdk.callables import run_coroutine
from runwright.sdk.context import FlowRunContext, TaskRunContext
from runwright.sdk.states import State

#: `hook(flow, flow_run, state)` or `hook(task, task_run, state)`; it may be async.
Hook = Callable[..., Any]


class FlowRun(msgspec.Struct, kw_only=True):
    """A flow run as hooks see it."""

    id: UUID
    name: str
    flow_name: str
    parameters: dict[str, Any]
    tags: list[str]
    run_count: int
    state: State[Any]
    start_time: datetime | None = None
    deployment_id: UUID | None = None
    parent_task_run_id: UUID | None = None


class TaskRun(msgspec.Struct, kw_only=True):
    """A task run as hooks and retry conditions see it."""

    id: UUID
    name: str
    task_key: str
    dynamic_key: str
    tags: list[str]
    run_count: int
    state: State[Any]
    flow_run_id: UUID | None = None
    start_time: datetime | None = None


def flow_run_of(context: FlowRunContext, state: State[Any]) -> FlowRun:
    """The run of the context, in that state."""
    return FlowRun(
        id=context.flow_run_id,
        name=context.name,
        flow_name=context.flow.name,
        parameters=context.parameters,
        tags=sorted(context.tags),
        run_count=context.run_count,
        state=state,
        start_time=context.start_time,
        deployment_id=context.spec.deployment_id if context.spec else None,
        parent_task_run_id=context.parent_task_run_id,
    )


def task_run_of(context: TaskRunContext, state: State[Any]) -> TaskRun:
    """The run of the context, in that state."""
    return TaskRun(
        id=context.task_run_id,
        name=context.name,
        task_key=context.task.task_key,
        dynamic_key=context.dynamic_key,
        tags=context.tags,
        run_count=context.run_count,
        state=state,
        flow_run_id=context.flow_run.flow_run_id if context.flow_run else None,
        start_time=context.start_time,
    )


def hooks_for(record: StateRecord, owner: Any) -> Sequence[Hook]:
    """The hooks of a flow or task that this state calls for."""
    match record.type:
        case StateType.RUNNING:
            return owner.on_running_hooks if record.name == StateName.RUNNING else ()
        case StateType.COMPLETED:
            return owner.on_completion_hooks
        case StateType.FAILED:
            return owner.on_failure_hooks
        case StateType.CANCELLED | StateType.CANCELLING:
            return getattr(owner, "on_cancellation_hooks", ())
        case StateType.CRASHED:
            return getattr(owner, "on_crashed_hooks", ())
        case _:
            return ()


def call_hooks(hooks: Sequence[Hook], owner: Any, run: FlowRun | TaskRun) -> None:
    """Call each; one that fails is logged and changes nothing."""
    for hook in hooks:
        try:
            answer = hook(owner, run, run.state)
            if hasattr(answer, "__await__"):
                run_coroutine(_awaited(answer))
        except Exception:  # noqa: BLE001  # as documented
            _complain(hook, run)


async def call_hooks_async(hooks: Sequence[Hook], owner: Any, run: FlowRun | TaskRun) -> None:
    """The same in an event loop."""
    for hook in hooks:
        try:
            answer = hook(owner, run, run.state)
            if hasattr(answer, "__await__"):
                await answer
        except Exception:  # noqa: BLE001  # as documented
            _complain(hook, run)


async def _awaited(answer: Any) -> Any:
    return await answer


def _complain(hook: Hook, run: FlowRun | TaskRun) -> None:
    from runwright.sdk.logging import run_logger

    name = getattr(hook, "__name__", None) or shown(hook)
    run_logger(run).error(
        "Hook %r failed on entering state %r.", name, run.state.name, exc_info=True
    )
