"""Runs asynchronous tasks in threads, each with an event loop of its own.

So one that blocks its loop, or asks a future for its result without awaiting it, holds up no other.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from runwright.core.effects import RunStopped
from runwright.sdk.handlers.tasks import TaskHandler
from runwright.sdk.timeouts import HEAD_START_S, in_time


class CoroutineCaller:
    """The event loop of one thread. Made, used and closed there, but for `cancel`."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._task: asyncio.Task[Any] | None = None
        self._stop_reason: str | None = None

    def call(self, handler: TaskHandler) -> Any:
        """Call the function of an asynchronous task, to its end.

        Raises:
            TimedOut: it took too long, even if it has blocked its loop.
            RunStopped: it was cancelled by `cancel`.
        """
        seconds = handler.context.task.timeout_seconds
        if seconds is None:
            return self._run(_called(handler))

        def call() -> Any:
            from runwright.sdk.async_timeouts import deadline_async

            async def called_in_time() -> Any:
                async with deadline_async(seconds):
                    return await _called(handler)

            return asyncio.run(called_in_time())

        return in_time(call, seconds, head_start=HEAD_START_S)

    def cancel(self, reason: str) -> bool:
        """From another thread: cancel what runs. False: nothing does, that could be cancelled."""
        task = self._task
        if task is None:
            return False
        self._stop_reason = reason
        try:
            task.get_loop().call_soon_threadsafe(task.cancel)
        except RuntimeError:  # it has ended, and its loop with it
            return False
        return True

    def close(self) -> None:
        """Close the loop."""
        if self._runner is not None:
            self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._runner is None:
            self._runner = asyncio.Runner()
        try:
            return self._runner.run(self._watched(coroutine), context=copy_context())
        except asyncio.CancelledError:
            if self._stop_reason is not None:
                raise RunStopped(self._stop_reason) from None
            raise

    async def _watched(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        self._task = current = asyncio.current_task()
        try:
            return await coroutine
        finally:
            self._task = None
            # What it has started and left alone ends with it, as under `asyncio.run`.
            left = [task for task in asyncio.all_tasks() if task is not current]
            for task in left:
                task.cancel()
            if left:
                await asyncio.gather(*left, return_exceptions=True)


async def _called(handler: TaskHandler) -> Any:
    return await handler.context.task.fn(*handler.args, **handler.kwargs)


class SharedLoop:
    """One loop for the tasks that no thread is left for. One that blocks holds up the others."""

    def __init__(self) -> None:
        import threading

        self._loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="runwright-task-loop", daemon=True
        )
        self._thread.start()

    def start_job(self, job: Any, ended: Any) -> None:
        """Start the job in the loop; `ended()` is called when it has ended."""

        def start() -> None:
            task = self._loop.create_task(job.run_async(), context=job.context)
            self._tasks.add(task)
            task.add_done_callback(done)

        def done(task: "asyncio.Task[Any]") -> None:
            self._tasks.discard(task)
            if task.cancelled():  # before it had begun
                job.drop("cancelled")
            ended()

        self._loop.call_soon_threadsafe(start)

    def cancel(self) -> None:
        """Cancel what runs."""

        def cancel() -> None:
            for task in list(self._tasks):
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    def stop(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()
