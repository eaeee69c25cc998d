"""Entries on their way out: adding one costs next to nothing, delivery comes in batches."""

import contextlib
import threading
from collections.abc import Callable

from runwright.api.journal import AnyEntry

#: What delivers a batch: the number of its first entry, the entries, and whether somebody waits
#: for it. One that is waited for may be empty, when it was delivered before they asked.
Deliver = Callable[[int, list[AnyEntry], bool], None]

#: Entries in a batch at most.
_BATCH = 2_000


class Outbox:
    """Numbered entries, delivered in order by one thread of its own.

    By that thread alone: timeouts and orders to stop are raised in the middle of whatever a
    flow's threads do, and a batch that was taken must not be dropped half-way. For the same reason
    those threads only ever hold the plain lock here, which the interpreter takes and gives back in
    one step with entering and leaving; an interrupted `Condition.wait` or `Event.set` may not.

    What `deliver` raises ends the outbox: whoever waits is released, and `broken` is told.
    """

    def __init__(
        self,
        deliver: Deliver,
        *,
        linger: float,
        most_waiting: int = 100_000,
        broken: Callable[[BaseException], object] | None = None,
    ) -> None:
        """`linger`: seconds that a batch is gathered for. `most_waiting`: then `add` blocks."""
        self._deliver = deliver
        self._broken = broken
        self._linger = linger
        self._most_waiting = most_waiting
        self._waiting: list[AnyEntry] = []
        #: What else is to be done by the thread, each after the entries before it.
        self._errands: list[Callable[[], object]] = []
        #: Those that the thread has taken up.
        self._begun: list[Callable[[], object]] = []
        self._first = 0
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._is_hurried = False
        self._is_awaited = False
        self._is_closing = False
        self._asleep = False
        self._thread = threading.Thread(target=self._work, name="runwright-journal", daemon=True)
        self._thread.start()

    def add(self, entry: AnyEntry) -> int:
        """The number that the entry got; -1 when the outbox is closed and it was dropped."""
        while True:
            with self._lock:
                if self._is_closing:
                    return -1
                if len(self._waiting) < self._most_waiting:
                    self._waiting.append(entry)
                    if self._asleep:
                        self._has_work.notify()
                    return self._first + len(self._waiting) - 1
            self.drain()

    def add_own(self, entry: AnyEntry) -> None:
        """Add an entry from within `deliver`, where nothing can be waited for."""
        with self._lock:
            self._waiting.append(entry)

    @property
    def next_number(self) -> int:
        """The number that the next entry will get."""
        with self._lock:
            return self._first + len(self._waiting)

    def hurry(self) -> None:
        """Have everything so far delivered at once, as a batch that is waited for."""
        with self._lock:
            self._is_awaited = self._is_hurried = True
            self._has_work.notify()

    def drain(self) -> None:
        """Wait until everything so far is delivered."""
        delivered = threading.Lock()
        delivered.acquire()
        if self.run(delivered.release):
            delivered.acquire()

    def run(self, errand: Callable[[], object]) -> bool:
        """Have `errand` called by the thread after all entries so far; false if it is closed."""
        with self._lock:
            if self._is_closing:
                return False
            self._errands.append(errand)
            self._is_hurried = True
            self._has_work.notify()
        return True

    def close(self) -> None:
        """Deliver what is left and end the thread."""
        with self._lock:
            self._is_closing = self._is_hurried = True
            self._has_work.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    # What follows runs in the thread.

    def _work(self) -> None:
        try:
            self._deliver_until_closed()
        except BaseException as error:  # noqa: BLE001  # nobody may wait for a thread that ended
            self._break_off(error)

    def _break_off(self, error: BaseException) -> None:
        with self._lock:
            self._is_closing = True
            errands = [*self._begun, *self._errands]
            self._errands.clear()
            self._waiting.clear()
        if self._broken is not None:
            self._broken(error)
        for errand in errands:
            with contextlib.suppress(Exception):  # most only wake up somebody who waits
                errand()

    def _deliver_until_closed(self) -> None:
        is_last = False
        while not is_last:
            with self._lock:
                while not (self._waiting or self._is_hurried):
                    self._asleep = True
                    self._has_work.wait()
                self._asleep = False
                if not self._is_hurried:
                    self._has_work.wait(self._linger)
            is_last = self._deliver_all()

    def _deliver_all(self) -> bool:
        """True when nothing more can come."""
        with self._lock:
            awaited, self._is_awaited = self._is_awaited, False
            self._begun, self._errands = self._errands, []
            self._is_hurried = False
            left = len(self._waiting)
        while left > 0 or awaited:
            first, batch = self._take(min(left, _BATCH))
            left -= len(batch)
            self._deliver(first, batch, awaited and left == 0)
            awaited = awaited and left > 0
        while self._begun:
            self._begun.pop(0)()
        with self._lock:
            return self._is_closing and not self._waiting and not self._errands

    def _take(self, count: int) -> tuple[int, list[AnyEntry]]:
        with self._lock:
            first, batch = self._first, self._waiting[:count]
            del self._waiting[:count]
            self._first += len(batch)
            return first, batch
