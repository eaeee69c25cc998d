"""Submitted task runs, as jobs for the implementations in `runners/`."""

from contextvars import Context
from typing import Any

from runwright.core.effects import RunStopped
from runwright.core.engine import Ended, TaskPlan, run_task
from runwright.core.texts import shown
from runwright.sdk.callables import Colour
from runwright.sdk.declared import TaskRunner
from runwright.sdk.drivers import drive, drive_async
from runwright.sdk.futures import Future
from runwright.sdk.handlers.tasks import TaskHandler, left_by
from runwright.sdk.states import State

__all__ = ["FLOW_FAILED", "Job", "TaskRunner", "finished"]


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
            self.abort(error)
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
            self.abort(error)
        else:
            self.future.finish(finished(handler, ended))

    def drop(self, reason: str) -> None:
        """It will not run any more. Recorded, like every end."""
        self.abort(RunStopped(reason))

    def abort(self, error: BaseException) -> None:
        """It was interrupted, or cannot begin. Does nothing more if its end is recorded."""
        if isinstance(error, RunStopped) and error.reason in _REASONS:
            self.handler.abandon(_REASONS[error.reason])
        else:
            self.handler.abandon(f"Aborted: {shown(error, 1_000)}", error)


_ASYNC = frozenset({Colour.ASYNC, Colour.ASYNC_GENERATOR})
#: Why a run is cancelled, in words.
_REASONS = {
    "cancelled": "The run was cancelled.",
    FLOW_FAILED: "Its flow failed before it could begin.",
}


def finished(handler: TaskHandler, ended: Ended) -> State[Any]:
    """The state of a run that ended, with what it left."""
    state = State.of(ended.state, left_by(ended.outcome))
    if handler.context.flow_run is not None:
        state.task_run_id = handler.context.task_run_id
    return state
