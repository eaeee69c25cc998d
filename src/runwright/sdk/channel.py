"""The way up from a run: what happened goes into its channel, decisions and orders come back.

A channel belongs to one execution: the run at its root and all subflows and tasks in it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from runwright.api.journal import AnyEntry, FlowRunProposed
from runwright.api.states import OrchestrationResult


class Told(NamedTuple):
    """The control plane's reply to a request. `body` is parsed JSON, None when empty."""

    status: int
    body: Any


class Channel(Protocol):
    """Where the engine writes what happens. Every method may be called from any thread."""

    @property
    def root_run_id(self) -> UUID:
        """The claimed run, or the one begun by hand, that this journal belongs to."""
        ...

    @property
    def execution_id(self) -> UUID:
        """This one launch of it."""
        ...

    @property
    def stop_reason(self) -> str | None:
        """None, or why the execution must end; the reasons are those of `RunStopped`."""
        ...

    @property
    def trouble(self) -> Exception | None:
        """None, or why nothing more can be recorded: with it comes the stop "journal_lost"."""
        ...

    def on_stop(self, react: Callable[[str], None]) -> None:
        """Have `react(reason)` called once when a stop is ordered; at once if it was already.

        It is called from a thread of the channel.
        """
        ...

    def emit(self, entry: AnyEntry) -> None:
        """Add an entry. Waits only when the other end is very far behind. Order is kept."""
        ...

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        """Propose a state, and wait until it and all before it are stored.

        Raises:
            ServerUnreachable: a run by hand could not even begin.
            LeaseLost: the run belongs to another execution, or has ended.
        """
        ...

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        """The same without blocking the event loop."""
        ...

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        """Send a request to the control plane. `path` is below the API's root.

        Raises:
            ServerUnreachable: there is no control plane, or no answer.
        """
        ...

    async def ask_async(self, method: str, path: str, body: Any = None) -> Told:
        """The same without blocking the event loop."""
        ...

    def flush(self) -> None:
        """Wait until everything so far is stored, or spooled while the server is away."""
        ...

    def close(self) -> None:
        """Flush and let go. Later entries are dropped."""
        ...
