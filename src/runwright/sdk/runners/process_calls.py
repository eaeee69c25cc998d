"""The far side of the process pool: one call of a task's function, in a process of its own."""

from typing import Any
from uuid import UUID

import cloudpickle
import msgspec

from runwright.errors import SerializationError
from runwright.sdk.callables import Colour
from runwright.sdk.channels.relayed import RelayedChannel
from runwright.sdk.child_context import flow_run_here
from runwright.sdk.context import TaskRunContext, enter_task_run, inside_flow_run
from runwright.sdk.environment import current_environment
from runwright.sdk.handlers.tasks import TaskHandler
from runwright.sdk.logging import set_up_logging
from runwright.sdk.prints import watch_prints

#: The queue to the flow's process, set when this process begins.
_entries: Any = None


class _Parcel(msgspec.Struct):
    """What the other process needs to know."""

    task: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    task_run_id: UUID
    task_run_name: str
    dynamic_key: str
    task_tags: list[str]
    run_count: int
    logs_prints: bool
    root_run_id: UUID
    execution_id: UUID
    #: What `child_context.flow_run_here` wants to know.
    flow: dict[str, Any]


def packed(handler: TaskHandler) -> bytes:
    """The call as bytes.

    Raises:
        SerializationError: the function or an argument cannot be pickled.
    """
    context = handler.context
    flow_run = context.flow_run
    assert flow_run is not None  # noqa: S101  # only flows have task runners
    parcel = _Parcel(
        task=context.task, args=handler.args, kwargs=handler.kwargs,
        task_run_id=context.task_run_id, task_run_name=context.name,
        dynamic_key=context.dynamic_key, task_tags=context.tags, run_count=context.run_count,
        logs_prints=context.log_prints, root_run_id=flow_run.channel.root_run_id,
        execution_id=flow_run.channel.execution_id,
        flow={
            "flow_run_id": flow_run.flow_run_id, "flow_run_name": flow_run.name,
            "flow_name": flow_run.flow.name, "flow_version": flow_run.flow.version,
            "tags": flow_run.tags, "spec": flow_run.spec,
            "lineage": flow_run.lineage,
        },
    )  # fmt: skip
    try:
        return cloudpickle.dumps(parcel)
    except Exception as error:
        raise SerializationError(
            f"Task {context.task.name!r} cannot run in another process: it, or one of its "
            f"arguments, cannot be pickled: {error}. Use ThreadPoolTaskRunner, or pass something "
            "else."
        ) from error


def unpacked(answer: bytes) -> tuple[Any, BaseException | None, int]:
    """The value, or the error, and how many entries were written."""
    return cloudpickle.loads(answer)


def begin(entries: Any) -> None:
    """Start of the process."""
    global _entries  # noqa: PLW0603  # one for the process
    _entries = entries
    set_up_logging(current_environment().settings)


def call(payload: bytes) -> bytes:
    """One call."""
    parcel: _Parcel = cloudpickle.loads(payload)
    channel = _queue_channel(parcel)
    value, error = None, None
    try:
        value = _called(parcel, channel)
    except BaseException as raised:  # noqa: BLE001  # it is raised where the flow is
        error = raised
    try:
        return cloudpickle.dumps((value, error, channel.count))
    except Exception as problem:  # noqa: BLE001  # whatever a user's __reduce__ may raise
        what = "raised an error" if error is not None else f"returned a {type(value).__qualname__}"
        detail = repr(error) if error is not None else str(problem)
        refused = SerializationError(
            f"Task {parcel.task.name!r} {what} that cannot be pickled to leave its process: "
            f"{detail}"
        )
        return cloudpickle.dumps((None, refused, channel.count))


def _queue_channel(parcel: _Parcel) -> RelayedChannel:
    task_run_id = parcel.task_run_id
    return RelayedChannel(
        parcel.root_run_id,
        parcel.execution_id,
        lambda entry: _entries.put((task_run_id, entry)),
    )


def _called(parcel: _Parcel, channel: RelayedChannel) -> Any:
    flow_run = flow_run_here(channel, parcel.flow)
    task_run = TaskRunContext(
        parcel.task, parcel.task_run_id, parcel.task_run_name, parcel.dynamic_key,
        parcel.task_tags, flow_run, None, flow_run.life,
    )  # fmt: skip
    task_run.run_count = parcel.run_count
    task_run.log_prints = parcel.logs_prints
    if parcel.logs_prints:
        watch_prints()
    with inside_flow_run(flow_run):
        enter_task_run(task_run)
        try:
            return _run(parcel)
        finally:
            flow_run.stop_runner(None)


def _run(parcel: _Parcel) -> Any:
    task = parcel.task
    if task.colour is Colour.ASYNC:
        import asyncio

        coroutine = task.fn(*parcel.args, **parcel.kwargs)
        if task.timeout_seconds is None:
            return asyncio.run(coroutine)
        from runwright.sdk.async_timeouts import deadline_async

        async def called_in_time() -> Any:
            async with deadline_async(task.timeout_seconds):
                return await coroutine

        # A signal ends what blocks the loop.
        return asyncio.run(called_in_time())
    if task.timeout_seconds is None:
        return task.fn(*parcel.args, **parcel.kwargs)
    from runwright.sdk.timeouts import in_time

    return in_time(lambda: task.fn(*parcel.args, **parcel.kwargs), task.timeout_seconds)
