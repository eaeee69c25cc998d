"""Ends an execution from outside: an order of the control plane, or SIGTERM."""

import os
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
        self._interrupt: Callable[[], Any] | None = None
        #: Why the run was interrupted, once it was.
        self.reason: str | None = None

    @contextmanager
    def armed(
        self, interrupt: Callable[[], Any] | None = None, *, has_signals: bool
    ) -> Iterator[None]:
        """While inside, an order to stop interrupts this thread.

        `interrupt` does so in its own way, for event loops; else `RunStopped` is raised here.
        `has_signals`: the process belongs to the run, and SIGTERM to it means to stop.
        """
        thread_id = threading.get_ident()
        is_main = has_signals and threading.current_thread() is threading.main_thread()
        self._interrupt = interrupt
        previous = signal.signal(signal.SIGTERM, self._on_signal) if is_main else None
        self._is_armed = True

        def ordered(_reason: str) -> None:
            self._ordered.set()
            with self._lock:
                if not self._is_armed or self.reason is not None:
                    return
                if is_main:
                    # A signal ends blocking system calls too.
                    os.kill(os.getpid(), signal.SIGTERM)
                elif interrupt is not None:
                    self.reason = self._channel.stop_reason
                    interrupt()
                else:
                    self._raise_in(thread_id)

        self._channel.on_stop(ordered)
        try:
            yield
        finally:
            with self._lock:
                self._is_armed = False
            if is_main:
                # The order and SIGTERM itself both come as this signal: what has been obeyed must
                # not interrupt the process once more while it tells how it ended.
                signal.signal(signal.SIGTERM, previous if self.reason is None else signal.SIG_IGN)

    def _raise_in(self, thread_id: int) -> None:
        from runwright.sdk.timeouts import raise_in_thread

        self.reason = self._channel.stop_reason or "shutdown"
        raise_in_thread(thread_id, BY_REASON.get(self.reason, ShutDown))

    def _on_signal(self, _signal: int, _frame: "FrameType | None") -> None:
        if self.reason is not None:
            return
        self._ordered.wait(_REASON_PATIENCE_S)
        self.reason = self._channel.stop_reason or "shutdown"
        if self._interrupt is not None:
            self._interrupt()
        else:
            raise RunStopped(self.reason)
