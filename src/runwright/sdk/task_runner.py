"""Submitted task runs, as jobs for the implementations in `runners/`."""

from contextvars import Context
from typing import Any

from runwright.core.effects import RunStopped
from runwright.core.engine import Ended, TaskPlan, run_task
from runwright.core.states import StateType
from runwright.sdk.callables import Colour
from runwright.sdk.declared import TaskRunner
from runwright.sdk.drivers import drive, drive_async
from runwright.sdk.futures import Future
from runwright.sdk.handlers.tasks import TaskHandler, left_by
from runwright.sdk.states import State

__all__ = ["FLOW_FAILED", "Job", "TaskRunner", "aborted", "finished"]


#: Why a job was dropped whose flow raised an error.
FLOW_FAILED = "flow_failed"


class Job:
    """One submitted task run. It runs once, in whichever thread claims it first."""

    __slots__ = ("_claims", "context", "future", "handler", "is_async", "plan")

    def __init__(
        self, handler: TaskHandler, plan: TaskPlan, future: Future[Any], context: Context
    ) -> None:
        self.handler = handler
        self.plan = plan
        self.future = future
        self.context = context
        #: Whether it needs an event loop.
        self.is_async = handler.context.task.colour in _ASYNC
        self._claims = [None]

    def claim(self) -> bool:
        """True for the first who asks: popping from a list is atomic."""
        try:
            self._claims.pop()
        except IndexError:
            return False
        return True

    def run(self) -> None:
        """Run it in this thread, to its end. Never raises."""
        self.context.run(self._run)

    def _run(self) -> None:
        handler = self.handler
        try:
            ended = drive(run_task(self.plan, handler.context.life), handler.perform)
        except BaseException as error:  # noqa: BLE001  # it ends in the future
            self.future.finish(aborted(error))
        else:
            self.future.finish(finished(handler, ended))

    async def run_async(self) -> None:
        """Run it in this event loop."""
        handler = self.handler
        try:
            ended = await drive_async(
                run_task(self.plan, handler.context.life), handler.perform_async
            )
        except BaseException as error:  # noqa: BLE001
            self.future.finish(aborted(error))
        else:
            self.future.finish(finished(handler, ended))

    def drop(self, reason: str) -> None:
        """It will not run any more."""
        self.future.finish(aborted(RunStopped(reason)))


_ASYNC = frozenset({Colour.ASYNC, Colour.ASYNC_GENERATOR})


def aborted(error: BaseException) -> State[Any]:
    """The state of a run that was interrupted."""
    if isinstance(error, RunStopped) and error.reason == "cancelled":
        return State(type=StateType.CANCELLED, message="The run was cancelled.")
    if isinstance(error, RunStopped) and error.reason == FLOW_FAILED:
        return State(type=StateType.CANCELLED, message="Its flow failed before it could begin.")
    return State(type=StateType.CRASHED, message=f"Aborted: {error!r}", data=error)


def finished(handler: TaskHandler, ended: Ended) -> State[Any]:
    """The state of a run that ended, with what it left."""
    state = State.of(ended.state, left_by(ended.outcome))
    if handler.context.flow_run is not None:
        state.task_run_id = handler.context.task_run_id
    return state
