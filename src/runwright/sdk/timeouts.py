"""Ends code that takes too long.

In the main thread a signal ends it, blocking system calls too. In other threads it is called in a
thread of its own: an exception is raised there, which arrives with the next step in Python code,
and if that does not come the thread is left behind.
"""

import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from runwright.core.effects import RunStopped, TimedOut
from runwright.sdk.compensation import here
from runwright.sdk.context import current_flow_run, current_task_run

if TYPE_CHECKING:
    from types import TracebackType

R = TypeVar("R")

#: Seconds that a call has to come to its end once an exception was raised in it.
_GRACE_S = 0.2
#: How much later a timeout of asynchronous code is enforced from outside of its event loop: one
#: that is not blocked sees to it itself.
HEAD_START_S = 0.25
#: How long one step of waiting takes: an exception from outside arrives between two of them.
_SLICE_S = 0.25
#: One that is over while something else runs in its event loop is looked at again after so long.
_SHORTEST_S = 0.01
#: So many threads may be left behind before each further one is worth a warning.
_TOLERATED = 10


def raise_in_thread(thread_id: int, error: type[BaseException] | None) -> None:
    """Have `error` raised in a thread as soon as it runs Python code. None takes it back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), None if error is None else ctypes.py_object(error)
    )


def timed_out(seconds: float) -> TimedOut:
    """The error of a run that took too long."""
    return TimedOut(f"It took longer than its timeout of {seconds:g} seconds.")


class Deadline:
    """The end of the time that a run may take. Waiting for a slot of a limit does not count."""

    def __init__(self, seconds: float, head_start: float = 0.0) -> None:
        """`head_start`: whoever watches it otherwise has so many seconds more."""
        self.seconds = seconds
        self.outer = _deadline.get()
        self._owner = current_task_run() or current_flow_run()
        self._at = _monotonic() + seconds + head_start
        self._paused_at: float | None = None
        #: It has ended what it was for, and does so once.
        self.has_come = False

    def is_of_this_run(self) -> bool:
        """Whether the code that runs here belongs to the run itself, and to none inside of it."""
        return (current_task_run() or current_flow_run()) is self._owner

    def left(self) -> float:
        """Seconds; none while the clock stands still, but then it is not over either."""
        now = _monotonic() if self._paused_at is None else self._paused_at
        return self._at - now

    def is_over(self) -> bool:
        """Whether the time has come."""
        return self._paused_at is None and not self.has_come and self.left() <= 0

    def is_paused(self) -> bool:
        """Whether its clock stands still."""
        return self._paused_at is not None

    def pause(self) -> None:
        """Stop the clock."""
        self._paused_at = _monotonic()

    def resume(self) -> None:
        """Let it go on."""
        if self._paused_at is not None:
            self._at += _monotonic() - self._paused_at
            self._paused_at = None


_deadline: ContextVar[Deadline | None] = ContextVar("runwright_deadline", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """The code inside has this deadline, beside those that it has already."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def uncounted() -> Iterator[None]:
    """The time that passes inside counts for no deadline round it."""
    paused = []
    deadline = _deadline.get()
    while deadline is not None:
        deadline.pause()
        paused.append(deadline)
        deadline = deadline.outer
    try:
        yield
    finally:
        for deadline in paused:
            deadline.resume()
        if paused:
            _set_alarm()


def in_time(call: Callable[[], R], seconds: float, *, head_start: float = 0.0) -> R:
    """Call it here if this is the main thread, else in a thread of its own.

    `head_start`: the call sees to its timeout itself, and has so many seconds more for that.

    Raises:
        TimedOut: it took longer than `seconds`.
    """
    if can_alarm():
        with deadline(seconds, head_start):
            return call()
    return _TimedCall(call, seconds, head_start).result()


# In the main thread.


class Overtaken(RunStopped):
    """A deadline further out has come: that of the flow round a task.

    In threads the interpreter raises it, which passes no arguments.
    """

    def __init__(self, deadline: Deadline | None = None) -> None:
        super().__init__("cancelled", "The run that called it took longer than its timeout.")
        self.deadline = deadline


#: The deadlines that a signal enforces. Those of an event loop's tasks stand beside each other.
_alarms: list[Deadline] = []


@contextmanager
def deadline(seconds: float, head_start: float = 0.0) -> Iterator[None]:
    """Raise `TimedOut` in the code inside once `seconds` have passed. In the main thread only."""
    own = Deadline(seconds, head_start)
    with alarmed(own), within(own):
        yield


@contextmanager
def alarmed(own: Deadline) -> Iterator[None]:
    """Have a signal end the code inside once its deadline has come."""
    previous = signal.signal(signal.SIGALRM, _expire)
    _alarms.append(own)
    try:
        _set_alarm()
        yield
    except Overtaken as overtaken:
        if overtaken.deadline is not own:
            raise
        raise timed_out(own.seconds).with_traceback(overtaken.__traceback__) from None
    finally:
        _alarms.remove(own)
        _set_alarm()
        if not _alarms:
            signal.signal(signal.SIGALRM, signal.SIG_DFL if previous is _expire else previous)


def can_alarm() -> bool:
    """Whether a signal can end what runs in this thread."""
    return threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")


def _expire(_signal: int, _frame: object) -> None:
    """End what has run for too long, if it is what runs at this moment."""
    innermost = _deadline.get()
    inside = []
    while (last := inside[-1].outer if inside else innermost) is not None:
        inside.append(last)
    for expired in reversed(inside):  # the outermost first: with it end all that are inside
        if expired in _alarms and expired.is_over():
            expired.has_come = True
            if expired is innermost and expired.is_of_this_run():
                raise timed_out(expired.seconds)
            raise Overtaken(expired)
    _set_alarm()


def _set_alarm() -> None:
    """For whichever deadline of the main thread comes first."""
    if threading.current_thread() is not threading.main_thread():
        return
    left = [each.left() for each in _alarms if not each.has_come and not each.is_paused()]
    signal.setitimer(signal.ITIMER_REAL, max(_SHORTEST_S, min(left)) if left else 0)


# In other threads.


class _TimedCall:
    """A call in a thread of its own, which is left behind if it does not end in time."""

    def __init__(self, call: Callable[[], Any], seconds: float, head_start: float) -> None:
        self._call = call
        self._seconds = seconds
        self._place = here.place
        self._ended = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._deadline = Deadline(seconds, head_start)
        with within(self._deadline):
            context = copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name=f"{_name()}-timed", daemon=True
        )

    def result(self) -> Any:
        """What it returns or raises.

        Raises:
            TimedOut: it has taken too long.
        """
        self._thread.start()
        try:
            is_over = self._wait()
        except BaseException as error:  # this thread was interrupted: so is the call
            self._end(type(error))
            raise
        if is_over:
            self._end(Overtaken)
            raise timed_out(self._seconds).with_traceback(self._trace())
        if self._error is not None:
            raise self._error
        return self._value

    def _trace(self) -> "TracebackType | None":
        return None if self._error is None else self._error.__traceback__

    def _wait(self) -> bool:
        """Until it has ended, or its time is over: true then."""
        while not self._ended.wait(min(_SLICE_S, max(0.001, self._deadline.left()))):
            if self._deadline.is_over():
                return True
        return False

    def _run(self) -> None:
        here.place = self._place
        try:
            self._value = self._call()
        except BaseException as error:  # noqa: BLE001  # it is raised in the other thread
            self._error = error
        finally:
            self._ended.set()

    def _end(self, error: type[BaseException]) -> None:
        if self._thread.ident is not None and not self._ended.is_set():
            raise_in_thread(self._thread.ident, error)
        if not self._ended.wait(_GRACE_S):
            _leave_behind(self._thread)


_left_behind: list[threading.Thread] = []


def _leave_behind(thread: threading.Thread) -> None:
    """Nothing can end a thread that waits for the operating system. It is counted, at least."""
    _left_behind[:] = [each for each in _left_behind if each.is_alive()]
    _left_behind.append(thread)
    if len(_left_behind) > _TOLERATED:
        from runwright.sdk.logging import warn_in_run

        warn_in_run(
            "%d calls that took too long, or were stopped, still block their threads, which stay "
            "until the process ends. Give what they wait for (sockets, locks, subprocesses) a "
            "timeout of its own.",
            len(_left_behind),
        )


def _name() -> str:
    return threading.current_thread().name


def _monotonic() -> float:
    from runwright.clock import SystemClock

    return SystemClock().monotonic()
