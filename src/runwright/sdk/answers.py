"""What is awaited from the other end of a channel: answers, acknowledgements, and orders."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from runwright.api.journal import FlowRunProposed
from runwright.api.states import OrchestrationResult


class Answers:
    """Answers to proposed states, by the number of their entry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited: dict[int, tuple[FlowRunProposed, Future[OrchestrationResult]]] = {}
        #: Those that were quicker than `expect`.
        self._early: dict[int, OrchestrationResult] = {}
        self._flushes: list[tuple[int, Future[None]]] = []
        self._stored = 0
        self._failure: BaseException | None = None

    def expect(self, number: int, entry: FlowRunProposed) -> Future[OrchestrationResult]:
        """The answer to entry `number`, once it is there."""
        future: Future[OrchestrationResult] = Future()
        with self._lock:
            early = self._early.pop(number, None)
            if early is None and self._failure is None:
                self._awaited[number] = (entry, future)
                return future
        if early is not None:
            future.set_result(early)
        else:
            future.set_exception(self._failure)
        return future

    def give(self, number: int, result: OrchestrationResult) -> FlowRunProposed | None:
        """Pass an answer on; returns what had been proposed, where it is awaited already."""
        with self._lock:
            awaited = self._awaited.pop(number, None)
            if awaited is None:
                self._early[number] = result
                return None
        entry, future = awaited
        future.set_result(result)
        return entry

    def unanswered(self, below: int) -> list[tuple[int, FlowRunProposed]]:
        """Proposals before entry number `below` that still wait."""
        with self._lock:
            return [
                (number, entry)
                for number, (entry, _) in sorted(self._awaited.items())
                if number < below
            ]

    def when_stored(self, below: int) -> "Future[None]":
        """Done as soon as all entries before number `below` are stored."""
        future: Future[None] = Future()
        with self._lock:
            if self._failure is None and self._stored < below:
                self._flushes.append((below, future))
                return future
        if self._failure is None:
            future.set_result(None)
        else:
            future.set_exception(self._failure)
        return future

    def stored(self, below: int) -> None:
        """The other end has everything before number `below`."""
        with self._lock:
            self._stored = max(self._stored, below)
            done = [future for number, future in self._flushes if number <= self._stored]
            self._flushes = [each for each in self._flushes if each[0] > self._stored]
        for future in done:
            future.set_result(None)

    def release(self) -> None:
        """Nobody waits any longer for what is only to be stored."""
        with self._lock:
            waiting, self._flushes = self._flushes, []
        for _, future in waiting:
            future.set_result(None)

    def fail(self, error: BaseException) -> None:
        """There will be no more answers."""
        with self._lock:
            if self._failure is not None:
                return
            self._failure = error
            awaited: list[Future[OrchestrationResult]] = [f for _, f in self._awaited.values()]
            flushes = [future for _, future in self._flushes]
            self._awaited, self._flushes = {}, []
        for future in awaited:
            future.set_exception(error)
        for future in flushes:
            future.set_exception(error)


class StopOrder:
    """The order to end an execution. The first reason stands."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._reactions: list[Callable[[str], None]] = []
        self._lock = threading.Lock()

    def on(self, react: Callable[[str], None]) -> None:
        """Call `react(reason)` once, now if the order has been given."""
        with self._lock:
            if self.reason is None:
                self._reactions.append(react)
                return
            reason = self.reason
        react(reason)

    def give(self, reason: str) -> None:
        """Order the stop."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            reactions, self._reactions = self._reactions, []
        for react in reactions:
            react(reason)
