"""Ends an execution from outside: an order of the control plane, or SIGTERM."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runwright.core.effects import RunStopped

if TYPE_CHECKING:
    from types import FrameType

    from runwright.sdk.journal import Channel

#: SIGTERM comes right after the order that says why; the order's bytes may still be unread.
_REASON_PATIENCE_S = 1.0
#: How long an event loop may take to cancel its task.
_LOOP_PATIENCE_S = 2.0
#: Cancels a task of an event loop, if what it is given says there that this is still wanted.
Interrupt = Callable[[Callable[[], bool]], Any]


class Cancelled(RunStopped):
    """Raised in threads by the interpreter, which passes no arguments."""

    def __init__(self) -> None:
        super().__init__("cancelled")


class ShutDown(RunStopped):
    """As above."""

    def __init__(self) -> None:
        super().__init__("shutdown")


class LostLease(RunStopped):
    """As above."""

    def __init__(self) -> None:
        super().__init__("lease_lost")


class LostJournal(RunStopped):
    """As above."""

    def __init__(self) -> None:
        super().__init__("journal_lost")


BY_REASON: dict[str, type[RunStopped]] = {
    "cancelled": Cancelled,
    "shutdown": ShutDown,
    "lease_lost": LostLease,
    "journal_lost": LostJournal,
}


class Stop:
    """Interrupts the one root flow run of this execution, once."""

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self._ordered = threading.Event()
        self._lock = threading.Lock()
        self._is_armed = False
        self._interrupt: Interrupt | None = None
        self._delivered = threading.Event()
        #: Why the run was interrupted, once it was.
        self.reason: str | None = None

    @contextmanager
    def armed(self, interrupt: "Interrupt | None" = None, *, has_signals: bool) -> Iterator[None]:
        """While inside, an order to stop interrupts this thread.

        `interrupt` does so in its own way, for event loops: it asks its argument there whether
        that has not been seen to meanwhile. Else `RunStopped` is raised here.
        `has_signals`: the process belongs to the run, and SIGTERM to it means to stop.
        """
        thread_id = threading.get_ident()
        number = _signal_for(has_signals)
        self._interrupt = interrupt
        previous = None if number is None else signal.signal(number, self._on_signal)
        self._is_armed = True

        def ordered(_reason: str) -> None:
            self._ordered.set()
            with self._lock:
                if not self._is_armed or self.reason is not None:
                    return
                if number is not None:
                    # A signal ends blocking system calls too.
                    signal.pthread_kill(thread_id, number)
                elif interrupt is not None:
                    self.reason = self._channel.stop_reason
                    interrupt(self._deliver)
                else:
                    self._raise_in(thread_id)

        self._channel.on_stop(ordered)
        try:
            yield
        finally:
            with self._lock:
                self._is_armed = False
            if number is not None:
                # The order and SIGTERM itself both come as this signal: what has been obeyed must
                # not interrupt the process once more while it tells how it ended.
                is_over = self.reason is not None and has_signals
                signal.signal(number, signal.SIG_IGN if is_over else previous)

    def _raise_in(self, thread_id: int) -> None:
        from runwright.sdk.timeouts import raise_in_thread

        self.reason = self._channel.stop_reason or "shutdown"
        raise_in_thread(thread_id, BY_REASON.get(self.reason, ShutDown))

    def _on_signal(self, number: int, _frame: "FrameType | None") -> None:
        if self.reason is None:
            self._ordered.wait(_REASON_PATIENCE_S)
            self.reason = self._channel.stop_reason or "shutdown"
            if self._interrupt is None:
                raise RunStopped(self.reason)
            self._interrupt(self._deliver)
            self._insist(number)
        elif self._interrupt is not None and self._is_armed and self._deliver():
            # Its event loop is blocked. An error in the midst of whatever blocks it ends that.
            raise RunStopped(self.reason)

    def _deliver(self) -> bool:
        """True for the first who asks; all do so in the run's own thread."""
        is_first = not self._delivered.is_set()
        self._delivered.set()
        return is_first

    def _insist(self, number: int) -> None:
        """Send the signal once more if the event loop has not obeyed in time."""
        thread_id = threading.get_ident()

        def insist() -> None:
            if not self._delivered.wait(_LOOP_PATIENCE_S) and self._is_armed:
                signal.pthread_kill(thread_id, number)

        threading.Thread(target=insist, name="runwright-insist", daemon=True).start()


def _signal_for(has_signals: bool) -> "signal.Signals | None":
    """What interrupts this thread; None where only an exception raised in it can.

    A program by hand keeps SIGTERM to itself. SIGURG does nothing where nobody listens.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    if not hasattr(signal, "pthread_kill"):
        return None
    return signal.SIGTERM if has_signals else getattr(signal, "SIGURG", None)
