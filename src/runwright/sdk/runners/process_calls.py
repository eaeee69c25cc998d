"""The far side of the process pool: one call of a task's function, in a process of its own."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import cloudpickle
import msgspec

from runwright.api import msgpack
from runwright.api.journal import AnyEntry, FlowRunProposed, FlowRunStarted
from runwright.api.states import OrchestrationResult
from runwright.clock import SystemClock
from runwright.errors import SerializationError, ServerUnreachable
from runwright.sdk.callables import Colour
from runwright.sdk.context import (
    FlowRunContext,
    TaskRunContext,
    enter_task_run,
    inside_flow_run,
)
from runwright.sdk.entry_encoding import EntryEncoder
from runwright.sdk.environment import current_environment
from runwright.sdk.flows import Flow
from runwright.sdk.handlers.tasks import TaskHandler
from runwright.sdk.journal import Told
from runwright.sdk.ledger import Ledger, told
from runwright.sdk.logging import set_up_logging
from runwright.sdk.prints import watch_prints
from runwright.sdk.runners.threads import ThreadPoolTaskRunner

_encode = EntryEncoder(msgpack.encode)
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
    flow_run_id: UUID
    flow_run_name: str
    flow_name: str
    flow_version: str | None
    flow_tags: frozenset[str]
    parameters: dict[str, Any]
    root_run_id: UUID
    execution_id: UUID
    spec: Any


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
        logs_prints=context.log_prints, flow_run_id=flow_run.flow_run_id,
        flow_run_name=flow_run.name, flow_name=flow_run.flow.name,
        flow_version=flow_run.flow.version, flow_tags=flow_run.tags, parameters={},
        root_run_id=flow_run.channel.root_run_id, execution_id=flow_run.channel.execution_id,
        spec=flow_run.spec,
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
    channel = _QueueChannel(parcel)
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


def _called(parcel: _Parcel, channel: "_QueueChannel") -> Any:
    environment = current_environment()
    flow_run = FlowRunContext(
        flow=Flow(_elsewhere, name=parcel.flow_name, version=parcel.flow_version),
        flow_run_id=parcel.flow_run_id,
        name=parcel.flow_run_name,
        parameters=parcel.parameters,
        tags=parcel.flow_tags,
        channel=channel,
        environment=environment,
        spec=parcel.spec,
    )
    flow_run.task_runner = ThreadPoolTaskRunner()
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


def _elsewhere() -> None:
    """Stands for the flow's function, which runs in another process."""


class _QueueChannel:
    """Sends entries to the flow's process. States of subflows are decided here."""

    stop_reason: str | None = None
    trouble: Exception | None = None

    def __init__(self, parcel: _Parcel) -> None:
        self.root_run_id = parcel.root_run_id
        self.execution_id = parcel.execution_id
        self.count = 0
        self._task_run_id = parcel.task_run_id
        self._ledger = Ledger()
        self._clock = SystemClock()

    def on_stop(self, react: Callable[[str], None]) -> None:
        """The flow's process ends this one."""

    def emit(self, entry: AnyEntry) -> None:
        if type(entry) is FlowRunStarted:
            self._ledger.begin(entry)
        self.count += 1
        _entries.put((self._task_run_id, _encode(entry)))

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        current = self._ledger.state_of(entry.flow_run_id)
        recorded, decision = self._ledger.propose(entry, self._clock.now())
        if recorded is not None:
            self.emit(msgspec.structs.replace(entry, state=recorded))
        return told(recorded, current, decision)

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        return self.propose(entry)

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        raise ServerUnreachable(
            f"A task in another process cannot ask the control plane ({method} {path}). Do so in "
            "the flow, or run the task with ThreadPoolTaskRunner."
        )

    async def ask_async(self, method: str, path: str, body: Any = None) -> Told:
        return self.ask(method, path, body)

    def flush(self) -> None:
        """Entries are on their way as soon as they are written."""

    def close(self) -> None:
        """The queue belongs to the process."""
