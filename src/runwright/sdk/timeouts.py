"""Ends synchronous code that takes too long.

In the main thread by a signal, which also ends blocking system calls; in other threads by an
exception that the interpreter raises at the thread's next step in Python code.
"""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runwright.core.effects import TimedOut


def raise_in_thread(thread_id: int, error: type[BaseException] | None) -> None:
    """Have `error` raised in a thread as soon as it runs Python code. None takes it back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), None if error is None else ctypes.py_object(error)
    )


def timed_out(seconds: float) -> TimedOut:
    """The error of a run that took too long."""
    return TimedOut(f"It took longer than its timeout of {seconds:g} seconds.")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `TimedOut` in the code inside once `seconds` have passed."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _alarm(seconds):
            yield
    else:
        with _watched(seconds):
            yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def expire(_signal: int, _frame: object) -> None:
        raise timed_out(seconds)

    previous = signal.signal(signal.SIGALRM, expire)
    # A flow's timer goes on round its tasks': what is left of it is set again afterwards.
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    begun = _monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, outer - (_monotonic() - begun)))


class _Expired(TimedOut):
    """Raised without arguments by the interpreter."""


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    lock = threading.Lock()
    is_over = False
    thread_id = threading.get_ident()

    def expire() -> None:
        with lock:
            if not is_over:
                raise_in_thread(thread_id, _Expired)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except _Expired:
        raise timed_out(seconds) from None
    finally:
        timer.cancel()
        with lock:
            is_over = True
        raise_in_thread(thread_id, None)  # it may have come when nothing was left to interrupt


def _monotonic() -> float:
    from runwright.clock import SystemClock

    return SystemClock().monotonic()
