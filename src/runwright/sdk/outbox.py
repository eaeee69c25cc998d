"""Entries on their way out: adding one costs next to nothing, delivery comes in batches."""

import threading
from collections.abc import Callable

from runwright.api.journal import AnyEntry

#: What delivers a batch: the number of its first entry, the entries, and whether somebody waits
#: for it. One that is waited for may be empty, when another thread was quicker.
Deliver = Callable[[int, list[AnyEntry], bool], None]

#: Entries in a batch at most.
_BATCH = 2_000


class Outbox:
    """Numbered entries, delivered in order by one thread, or by whoever drains it.

    `deliver` is never called by two threads at once, and must not raise.
    """

    def __init__(
        self,
        deliver: Deliver,
        *,
        linger: float,
        most_waiting: int = 100_000,
    ) -> None:
        """`linger`: seconds that a batch is gathered for. `most_waiting`: then `add` blocks."""
        self._deliver = deliver
        self._linger = linger
        self._most_waiting = most_waiting
        self._waiting: list[AnyEntry] = []
        self._first = 0
        self._lock = threading.Lock()
        self._has_entries = threading.Condition(self._lock)
        self._has_room = threading.Condition(self._lock)
        self._delivery = threading.Lock()
        self._closing = threading.Event()
        self._asleep = False
        self._thread: threading.Thread | None = None

    def add(self, entry: AnyEntry) -> int:
        """The number that the entry got; -1 when the outbox is closed and it was dropped."""
        with self._lock:
            if self._closing.is_set():
                return -1
            while len(self._waiting) >= self._most_waiting and not self._closing.is_set():
                self._has_room.wait()
            self._waiting.append(entry)
            number = self._first + len(self._waiting) - 1
            if self._asleep:
                self._asleep = False
                self._has_entries.notify()
            elif self._thread is None:
                self._start()
        return number

    @property
    def next_number(self) -> int:
        """The number that the next entry will get."""
        with self._lock:
            return self._first + len(self._waiting)

    def drain(self) -> None:
        """Deliver everything so far, in this thread."""
        self._empty(awaited=True)

    def close(self) -> None:
        """Deliver what is left and end the thread."""
        try:
            self._empty(awaited=False)
        finally:
            with self._lock:
                self._closing.set()
                self._has_entries.notify_all()
                self._has_room.notify_all()
            thread = self._thread
            if thread is not None and thread is not threading.current_thread():
                thread.join()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="runwright-journal", daemon=True)
        self._thread.start()

    def _empty(self, *, awaited: bool) -> None:
        with self._delivery:
            first, batch, is_last = self._take()
            while not is_last:
                self._deliver(first, batch, False)
                first, batch, is_last = self._take()
            if batch or awaited:
                self._deliver(first, batch, awaited)

    def _take(self) -> tuple[int, list[AnyEntry], bool]:
        with self._lock:
            first, batch = self._first, self._waiting[:_BATCH]
            del self._waiting[:_BATCH]
            self._first += len(batch)
            if batch:
                self._has_room.notify_all()
            return first, batch, not self._waiting

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                while not self._waiting and not self._closing.is_set():
                    self._asleep = True
                    self._has_entries.wait()
                self._asleep = False
            self._closing.wait(self._linger)
            with self._delivery:
                first, batch, _ = self._take()
                if batch:
                    self._deliver(first, batch, False)
