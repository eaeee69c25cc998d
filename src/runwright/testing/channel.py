"""A journal in memory, and an environment in which time passes only when it is waited for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from runwright.api.journal import (
    AnyEntry,
    FlowRunProposed,
    FlowRunStarted,
    LogWritten,
    TaskRunMoved,
)
from runwright.api.states import OrchestrationResult
from runwright.core.states import State
from runwright.errors import ServerUnreachable
from runwright.sdk.answers import StopOrder
from runwright.sdk.environment import use_environment
from runwright.sdk.journal import Told
from runwright.sdk.ledger import Ledger, told
from runwright.testing.clock import SimulatedClock

E = TypeVar("E")


class MemoryChannel:
    """Keeps all entries, and decides about states by the rules of the server."""

    def __init__(self, root_run_id: UUID, execution_id: UUID, clock: Any) -> None:
        self.root_run_id = root_run_id
        self.execution_id = execution_id
        self.entries: list[AnyEntry] = []
        self.is_closed = False
        self._clock = clock
        self._ledger = Ledger()
        self._stop = StopOrder()
        #: Memory does not fail.
        self.trouble: Exception | None = None

    @property
    def stop_reason(self) -> str | None:
        """Why the execution must end."""
        return self._stop.reason

    def on_stop(self, react: Callable[[str], None]) -> None:
        """Call `react(reason)` when `stop` is called."""
        self._stop.on(react)

    def stop(self, reason: str) -> None:
        """Order the execution to end."""
        self._stop.give(reason)

    def emit(self, entry: AnyEntry) -> None:
        """Keep the entry."""
        if type(entry) is FlowRunStarted:
            self._ledger.begin(entry)
        self.entries.append(entry)

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        """Decide at once."""
        current = self._ledger.state_of(entry.flow_run_id)
        recorded, decision = self._ledger.propose(entry, self._clock.now())
        if recorded is not None:
            self.entries.append(msgspec.structs.replace(entry, state=recorded))
        return told(recorded, current, decision)

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        """The same."""
        return self.propose(entry)

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        """There is nobody to ask."""
        raise ServerUnreachable(f"{method} {path}: this channel has no control plane.")

    async def ask_async(self, method: str, path: str, body: Any = None) -> Told:
        """There is nobody to ask."""
        return self.ask(method, path, body)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """The root run has ended."""
        self.is_closed = True

    def of_kind(self, kind: type[E]) -> list[E]:
        """All entries of that type, in order."""
        return [entry for entry in self.entries if isinstance(entry, kind)]

    @property
    def flow_states(self) -> list[State]:
        """The states of all flow runs, in order."""
        return [entry.state for entry in self.of_kind(FlowRunProposed)]

    @property
    def task_states(self) -> list[State]:
        """The states of all task runs, in order."""
        return [entry.state for entry in self.of_kind(TaskRunMoved)]

    @property
    def messages(self) -> list[str]:
        """What was logged."""
        return [entry.message for entry in self.of_kind(LogWritten)]


class MemoryEnvironment:
    """Runs in it are recorded in `channels`; waiting only moves its clock."""

    def __init__(self, settings: Any = None) -> None:
        self.clock = SimulatedClock()
        self.channels: list[MemoryChannel] = []
        self.slept: list[float] = []
        self._settings = settings
        self._count = 0

    def new_id(self) -> UUID:
        """Identifiers that count from 1."""
        self._count += 1
        return UUID(int=self._count)

    def random(self) -> float:
        """Always in the middle."""
        return 0.5

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))

    async def sleep_async(self, seconds: float) -> None:
        """Pass the time."""
        self.sleep(seconds)

    @property
    def settings(self) -> Any:
        """Those it was made with, or the ones in force."""
        if self._settings is None:
            from runwright.settings import load_settings

            self._settings = load_settings()
        return self._settings

    def open_channel(self, root_run_id: UUID) -> MemoryChannel:
        """A new journal in memory."""
        channel = MemoryChannel(root_run_id, self.new_id(), self.clock)
        self.channels.append(channel)
        return channel

    @property
    def channel(self) -> MemoryChannel:
        """That of the last root run."""
        return self.channels[-1]


@contextmanager
def in_memory(settings: Any = None) -> Iterator[MemoryEnvironment]:
    """Record runs that start inside in memory, and have them wait for nothing.

    Yields:
        The environment, whose `channel` has the entries of the last run.
    """
    environment = MemoryEnvironment(settings)
    with use_environment(environment):
        yield environment
