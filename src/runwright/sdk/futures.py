"""Futures of submitted task runs."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from runwright.sdk.compensation import wait_in_slices, waiting_for
from runwright.sdk.states import Pending, State

if TYPE_CHECKING:
    from runwright.sdk.context import TaskRunContext

R = TypeVar("R")

#: Guards what waiters and finishers share, for all futures: it is held for an instant only.
_lock = threading.Lock()


def reset_lock() -> None:
    """After a fork: a thread that is not there any more may have held it."""
    global _lock  # noqa: PLW0603  # one for all futures
    _lock = threading.Lock()


class Future(Generic[R]):
    """A task run that was submitted. Its result may not be there yet."""

    __slots__ = ("__weakref__", "_callbacks", "_context", "_event", "_state", "help")

    def __init__(self, context: "TaskRunContext") -> None:
        self._context = context
        self._state: State[R] | None = None
        self._callbacks: list[Callable[[Future[R]], Any]] | None = None
        self._event: threading.Event | None = None
        #: Runs the task in the waiting thread, when its runner has not begun it. True: it did.
        self.help: Callable[..., bool] | None = None

    @property
    def task_run_id(self) -> UUID:
        """The task run's id."""
        return self._context.task_run_id

    @property
    def name(self) -> str:
        """The task run's name."""
        return self._context.name

    @property
    def context(self) -> "TaskRunContext":
        """The run. For task runners."""
        return self._context

    @property
    def state(self) -> State[R]:
        """The run's state now."""
        if self._state is not None:
            return self._state
        record = self._context.state
        return Pending() if record is None else State.of(record)

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self._state is not None

    def wait(self, timeout: float | None = None) -> None:
        """Block until the run has ended, or for `timeout` seconds.

        Raises:
            ValueError: it would wait for itself.
        """
        if self._state is not None:
            return
        self.check_waiter()
        if timeout is None and self.help is not None and self.help():
            return
        with _lock:
            if self._state is not None:
                return
            event = self._event
            if event is None:
                event = self._event = threading.Event()
        with waiting_for(self._context) as is_replaced:
            if not is_replaced and self.help is not None and self.help(at_any_depth=True):
                return
            wait_in_slices(event.wait, timeout)

    def check_waiter(self) -> None:
        """Nobody can wait for a run that waits for the waiter.

        Raises:
            ValueError: the caller is this run, or runs inside of it.
        """
        from runwright.sdk.context import current_task_run

        waiter = current_task_run()
        while waiter is not None:
            if waiter is self._context:
                raise ValueError(
                    f"Task run {self.name!r} cannot wait for its own future: it would never end."
                )
            waiter = waiter.parent

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The task's value, once it is there.

        With `raise_on_failure=False` the error of a run that failed is returned.

        Raises:
            TimeoutError: the run did not end within `timeout` seconds.
        """
        self.wait(timeout)
        if self._state is None:
            raise TimeoutError(
                f"Task run {self.name!r} did not end within {timeout} seconds; it goes on."
            )
        return self._state.result(raise_on_failure)

    async def wait_async(self) -> None:
        """Wait for the end without blocking the event loop."""
        if self._state is not None:
            return
        self.check_waiter()
        import asyncio

        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell(_: "Future[R]") -> None:
            with contextlib.suppress(RuntimeError):  # whoever waited has given up, and its loop
                loop.call_soon_threadsafe(ended.set)

        self.add_done_callback(tell)
        with waiting_for(self._context):
            await ended.wait()

    async def result_async(self, raise_on_failure: bool = True) -> R:
        """The task's value, without blocking the event loop."""
        await self.wait_async()
        return self.state.result(raise_on_failure)

    def __await__(self) -> Generator[Any, Any, R]:
        return self.result_async().__await__()

    def add_done_callback(self, fn: "Callable[[Future[R]], Any]") -> None:
        """Call `fn(future)` when the run has ended; at once if it has."""
        with _lock:
            if self._state is None:
                if self._callbacks is None:
                    self._callbacks = []
                self._callbacks.append(fn)
                return
        fn(self)

    def finish(self, state: State[R]) -> None:
        """The run has ended. For task runners. The first word counts."""
        with _lock:
            if self._state is not None:
                return
            self._state = state
            callbacks, event = self._callbacks, self._event
            self._callbacks = None
            self.help = None
        if event is not None:
            event.set()
        for callback in callbacks or ():
            try:
                callback(self)
            except Exception:  # the user's callback must not end the runner
                import logging

                logging.getLogger("runwright.futures").exception(
                    "A done callback of task run %r failed.", self.name
                )

    def __repr__(self) -> str:
        return f"Future({self.name!r}, {self.state.name})"


class FutureList(list[Future[R]]):
    """What `map` returns: a list of futures that can be asked all at once."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """All values, in order. `timeout` is for all of them together.

        Raises:
            TimeoutError: not all ended in time.
        """
        wait(self, timeout=timeout)
        return [
            future.result(0 if timeout is not None else None, raise_on_failure) for future in self
        ]

    def wait(self, timeout: float | None = None) -> None:
        """Block until all have ended, or for `timeout` seconds."""
        wait(self, timeout=timeout)

    @property
    def state(self) -> list[State[R]]:
        """The states of all, in order."""
        return [future.state for future in self]


class DoneAndNotDone(NamedTuple, Generic[R]):
    """What `wait` returns."""

    done: set[Future[R]]
    not_done: set[Future[R]]


def wait(futures: Iterable[Future[R]], timeout: float | None = None) -> DoneAndNotDone[R]:
    """Block until all have ended, or for `timeout` seconds."""
    waited = list(futures)
    if timeout is None:
        for future in waited:
            future.wait()
        return DoneAndNotDone(set(waited), set())
    pending = threading.Semaphore(0)
    for future in waited:
        if not future.done:
            future.check_waiter()
        future.add_done_callback(lambda _: pending.release())
    deadline = _monotonic() + timeout
    with _waiting_for_any(waited) if waited else contextlib.nullcontext():
        for _ in waited:
            if not wait_in_slices(_acquire(pending), max(0.0, deadline - _monotonic())):
                break
    done = {future for future in waited if future.done}
    return DoneAndNotDone(done, set(waited) - done)


def _acquire(pending: threading.Semaphore) -> Callable[[float], bool]:
    return lambda seconds: pending.acquire(timeout=seconds)


@contextlib.contextmanager
def _waiting_for_any(futures: "list[Future[R]]") -> Iterator[None]:
    with waiting_for(futures[0].context) as is_replaced:
        if not is_replaced:
            # Too many threads wait already. What has not begun is run here instead.
            for future in futures:
                if future.help is not None:
                    future.help(at_any_depth=True)
        yield


def as_completed(futures: Iterable[Future[R]], timeout: float | None = None) -> Iterator[Future[R]]:
    """Each future when it has ended, the quickest first.

    Raises:
        TimeoutError: not all ended within `timeout` seconds.
    """
    from queue import Empty, SimpleQueue

    waited = list(futures)
    ended: SimpleQueue[Future[R]] = SimpleQueue()
    for future in waited:
        if not future.done:
            future.check_waiter()
        future.add_done_callback(ended.put)
    deadline = None if timeout is None else _monotonic() + timeout
    for count in range(len(waited)):
        left = None if deadline is None else max(0.0, deadline - _monotonic())
        found: list[Future[R]] = []

        def look(seconds: float, found: list[Future[R]] = found) -> bool:
            with contextlib.suppress(Empty):
                found.append(ended.get(timeout=seconds))
            return bool(found)

        if not ended.empty():
            look(0)
        else:
            with _waiting_for_any(waited):
                wait_in_slices(look, left)
        if not found:
            raise TimeoutError(
                f"{len(waited) - count} of {len(waited)} task runs did not end in {timeout} seconds"
            )
        yield found[0]


def _monotonic() -> float:
    from runwright.clock import SystemClock

    return SystemClock().monotonic()
