"""Where the present code runs: in which flow run, in which task run, under which tags."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Optional
from uuid import UUID

from runwright.core.engine import Life
from runwright.core.states import State as StateRecord
from runwright.errors import MissingContextError
from runwright.sdk.environment import Environment, current_environment
from runwright.sdk.kept_children import KeptChildren

if TYPE_CHECKING:
    from runwright.api.executions import ExecutionSpec
    from runwright.sdk.compensation import Place
    from runwright.sdk.declared import DeclaredFlow, DeclaredTask, TaskRunner, UnfinishedRun
    from runwright.sdk.journal import Channel
    from runwright.sdk.results import ResultStore

_flow_run: ContextVar[Optional["FlowRunContext"]] = ContextVar("runwright_flow_run", default=None)
_task_run: ContextVar[Optional["TaskRunContext"]] = ContextVar("runwright_task_run", default=None)
_tags: ContextVar[frozenset[str]] = ContextVar("runwright_tags", default=frozenset())


class FlowRunContext:
    """A flow run as its own process knows it."""

    #: Called before each end of a run: waits for what its child processes have logged.
    before_end: "Callable[[FlowRunContext], None]" = staticmethod(lambda _: None)
    #: In a forked child: the run goes on in the parent, not here.
    is_copy = False

    def __init__(  # noqa: PLR0913  # one place makes it
        self,
        *,
        flow: "DeclaredFlow",
        flow_run_id: UUID,
        name: str,
        parameters: dict[str, Any],
        tags: frozenset[str],
        channel: "Channel",
        environment: Environment,
        parent: "FlowRunContext | None" = None,
        spec: "ExecutionSpec | None" = None,
    ) -> None:
        self.flow = flow
        self.flow_run_id = flow_run_id
        self.name = name
        self.parameters = parameters
        self.tags = tags
        self.channel = channel
        self.environment = environment
        self.life = Life(environment.clock.now, environment.new_id)
        self.parent = parent
        self.parent_task_run_id: UUID | None = None
        #: Of this call among those of its flow in the parent's run.
        self.number: str | None = None
        #: What its subflows have kept, for its retries.
        self.kept_children = KeptChildren()
        self.spec = spec
        self.run_count = 0
        self.start_time: datetime | None = None
        self.scheduled_start_time: datetime | None = None
        self.state: StateRecord | None = None
        self.log_prints = False
        #: Of tasks that do not say it themselves.
        self.task_retries = 0
        self.store: ResultStore | None = None
        self.task_runner: TaskRunner | None = None
        self._runner: TaskRunner | None = None
        #: Runs of tasks and subflows inside this one that have begun and not ended.
        self.unfinished: set[UnfinishedRun] = set()
        self._counters: dict[str, itertools.count[int]] = {}
        self._lock = threading.Lock()

    @cached_property
    def lineage(self) -> str:
        """What this run has in common with the other attempts at it.

        A run that was claimed has its lineage's first run. A subflow has the lineage of its caller,
        its place among the calls of its flow there, and its parameters.
        """
        if self.parent is None:
            first = None if self.spec is None else self.spec.root_run_id
            return str(first or self.flow_run_id)
        from runwright.core.stable_hash import stable_hash  # late: only cached tasks ask

        called = [self.parent.lineage, self.flow.flow_key, self.number, self.parameters]
        try:
            return stable_hash(called)
        except (TypeError, RecursionError):  # parameters that other attempts cannot be known by
            return str(self.flow_run_id)

    def next_number(self, task_key: str) -> int:
        """0 for the first run of the task in this flow run, then 1, 2, ..."""
        try:
            return next(self._counters[task_key])
        except KeyError:
            with self._lock:
                return next(self._counters.setdefault(task_key, itertools.count()))

    def runner(self) -> "TaskRunner":
        """The flow's task runner, started for this run when it is first needed."""
        if self._runner is None:
            with self._lock:
                if self._runner is None:
                    assert self.task_runner is not None  # noqa: S101  # set by who made it
                    self._runner = self.task_runner.duplicate()
        return self._runner

    def stop_runner(self, reason: str | None, dropping: str | None = None) -> None:
        """Wait for submitted tasks; with a reason, have them stop. Then nothing runs on inside.

        `dropping` says why those that have not begun need not begin any more.
        """
        runner, self._runner = self._runner, None
        try:
            if runner is not None:
                if dropping is not None:
                    runner.drop(dropping)
                _shut_down(runner, reason)
        finally:
            self.end_unfinished()

    def place_for_guest(self) -> "Place | None":
        """In the task runner, where it has places: for a thread that a task has started."""
        make: Callable[[], Place] | None = getattr(self._runner, "place_for_guest", None)
        return None if make is None else make()

    def continue_in_child(self, channel: "Channel") -> None:
        """After a fork: of the threads that ran tasks only the forking one is here."""
        self.is_copy = True
        self.channel = channel
        self.unfinished = set()
        self._runner = None
        self._lock = threading.Lock()

    def end_unfinished(self) -> None:
        """With a run ends what ran inside it: what hangs, and what nobody has waited for."""
        self.before_end(self)
        while self.unfinished:
            for run in list(self.unfinished):
                run.abandon("Its flow ended before it did.")
                self.unfinished.discard(run)

    async def stop_runner_async(self, reason: str | None, dropping: str | None = None) -> None:
        """The same without blocking the event loop."""
        runner = self._runner
        if runner is None:
            self.end_unfinished()
            return
        import asyncio

        stopping = asyncio.create_task(asyncio.to_thread(self.stop_runner, reason, dropping))
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            # Stopped while it waited: then its tasks stop with it.
            await asyncio.to_thread(runner.shutdown, "cancelled")
            await stopping
            raise


def _shut_down(runner: "TaskRunner", reason: str | None) -> None:
    try:
        runner.shutdown(reason)
    except BaseException as error:
        # Stopped while it waited: then its tasks stop with it.
        runner.shutdown(getattr(error, "reason", "shutdown"))
        raise


class TaskRunContext:
    """A task run as its own process knows it."""

    #: As that of a flow run.
    is_copy = False

    def __init__(  # noqa: PLR0913, PLR0917  # made for each task run: positions are quicker
        self,
        task: "DeclaredTask",
        task_run_id: UUID,
        name: str,
        dynamic_key: str,
        tags: list[str],
        flow_run: FlowRunContext | None,
        parent: "TaskRunContext | None",
        life: Life,
    ) -> None:
        self.task = task
        self.task_run_id = task_run_id
        self.name = name
        self.dynamic_key = dynamic_key
        self.tags = tags
        self.flow_run = flow_run
        self.parent = parent
        self.life = life
        #: Bound when somebody asks for them, from the arguments.
        self.parameters: dict[str, Any] | None = None
        self.arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self.run_count = 0
        self.start_time: datetime | None = None
        self.state: StateRecord | None = None
        self.log_prints = False


def current_flow_run() -> FlowRunContext | None:
    """The flow run around the caller."""
    return _flow_run.get()


def current_task_run() -> TaskRunContext | None:
    """The task run around the caller: None in a flow that a task called."""
    return _task_run.get()


def current_channel() -> "Channel":
    """The journal of the run around the caller.

    Raises:
        MissingContextError: there is none.
    """
    context = _flow_run.get()
    if context is None:
        raise MissingContextError(
            "This needs a flow run around it: call it from a function with @flow, or from a task "
            "that such a flow calls."
        )
    return context.channel


def environment_here() -> Environment:
    """That of the flow run around the caller, else the one in force."""
    context = _flow_run.get()
    return current_environment() if context is None else context.environment


def get_run_context() -> FlowRunContext | TaskRunContext:
    """The innermost run around the caller.

    Raises:
        MissingContextError: there is none.
    """
    context = _task_run.get() or _flow_run.get()
    if context is None:
        raise MissingContextError("There is no run here: call this inside a flow or a task.")
    return context


@contextmanager
def inside_flow_run(context: FlowRunContext) -> Iterator[None]:
    """What is called inside belongs to this flow run, and to none of its tasks."""
    flow_token = _flow_run.set(context)
    task_token = _task_run.set(None)
    tags_token = _tags.set(context.tags)
    try:
        yield
    finally:
        _tags.reset(tags_token)
        _task_run.reset(task_token)
        _flow_run.reset(flow_token)


#: What is called from now on in this thread belongs to this flow run.
enter_flow_run = _flow_run.set
#: Sets and resets the task run by hand: on the way of every task, a generator would cost as much.
enter_task_run = _task_run.set
leave_task_run = _task_run.reset


def current_tags() -> frozenset[str]:
    """The tags in force here."""
    return _tags.get()


@contextmanager
def tags(*new_tags: str) -> Iterator[set[str]]:
    """Tag all flow and task runs that start inside.

    Yields:
        All tags in force inside.
    """
    joined = _tags.get() | frozenset(new_tags)
    token = _tags.set(joined)
    try:
        yield set(joined)
    finally:
        _tags.reset(token)
