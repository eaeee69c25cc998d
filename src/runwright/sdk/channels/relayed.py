"""The channel of a child process: its entries go to the flow's process, which passes them on."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from runwright.api import msgpack
from runwright.api.journal import AnyEntry, FlowRunProposed, FlowRunStarted
from runwright.api.states import OrchestrationResult
from runwright.clock import SystemClock
from runwright.errors import ServerUnreachable
from runwright.sdk.channel import Told
from runwright.sdk.entry_encoding import EntryEncoder
from runwright.sdk.ledger import Ledger, told


class RelayedChannel:
    """States of subflows that begin in this process are decided here."""

    stop_reason: str | None = None
    trouble: Exception | None = None
    #: Of a pipe to the flow's process, where that is how entries are passed on.
    relay_descriptor: int

    def __init__(
        self, root_run_id: UUID, execution_id: UUID, send: Callable[[bytes], object]
    ) -> None:
        """`send` passes one encoded entry on. It must not raise."""
        self.root_run_id = root_run_id
        self.execution_id = execution_id
        self.count = 0
        self._send = send
        self._encode = EntryEncoder(msgpack.encode)
        self._ledger = Ledger()
        self._clock = SystemClock()

    def on_stop(self, react: Callable[[str], None]) -> None:
        """The flow's process ends this one."""

    def emit(self, entry: AnyEntry) -> None:
        """Pass the entry on."""
        if type(entry) is FlowRunStarted:
            self._ledger.begin(entry)
        self.count += 1
        self._send(self._encode(entry))

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        """Decide, and pass on what was decided."""
        current = self._ledger.state_of(entry.flow_run_id)
        recorded, decision = self._ledger.propose(entry, self._clock.now())
        if recorded is not None:
            self.emit(msgspec.structs.replace(entry, state=recorded))
        return told(recorded, current, decision)

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        """The same."""
        return self.propose(entry)

    def ask(self, method: str, path: str, body: object = None) -> Told:
        """Nothing can be asked from here.

        Raises:
            ServerUnreachable: always.
        """
        raise ServerUnreachable(
            f"A child process of a flow cannot ask the control plane ({method} {path}). Do so in "
            "the flow's own process, or run tasks with ThreadPoolTaskRunner."
        )

    async def ask_async(self, method: str, path: str, body: object = None) -> Told:
        """The same."""
        return self.ask(method, path, body)

    def flush(self) -> None:
        """Entries are on their way as soon as they are written."""

    def close(self) -> None:
        """What passes entries on belongs to the process."""
