"""The channel of a run by hand with no server: a journal file for the next server to take in.

States are decided here, by the rules the server has, and the file holds what was decided.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry, FlowRunProposed, FlowRunStarted, LogWritten
from runwright.api.states import OrchestrationResult
from runwright.clock import SystemClock, new_id
from runwright.core.clock import Clock
from runwright.core.states import State, StateName, StateType
from runwright.core.texts import encodable, error_text
from runwright.errors import JournalLost
from runwright.sdk.answers import StopOrder
from runwright.sdk.channel import Told
from runwright.sdk.entry_encoding import EntryEncoder
from runwright.sdk.ledger import Ledger, told
from runwright.sdk.outbox import Outbox
from runwright.sdk.spool_file import SpoolFile

if TYPE_CHECKING:
    from runwright.settings import Settings

_log = logging.getLogger("runwright.recording")

#: Seconds between writes while nothing has to be kept at once.
_LINGER = 0.02


class EmbeddedChannel:
    """Records into `<home>/spool`. A disk that is full costs the record, never the run."""

    def __init__(
        self,
        settings: "Settings",
        root_run_id: UUID,
        execution_id: UUID,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.root_run_id = root_run_id
        self.execution_id = execution_id
        self._settings = settings
        self._clock = clock or SystemClock()
        self._ledger = Ledger()
        self._stop = StopOrder()
        self.trouble: Exception | None = None
        self._lost_count = 0
        self._encode = EntryEncoder(
            msgspec.json.Encoder().encode, tell=self._tell, clock=self._clock
        )
        self._file: SpoolFile | None = None
        try:
            self._file = SpoolFile(
                settings.home / "spool", root_run_id, execution_id, encode=self._encode
            )
        except OSError as error:
            self._warn(error, "This run is not recorded.")
        self._outbox = Outbox(self._deliver, linger=_LINGER, broken=self._broke)

    @property
    def stop_reason(self) -> str | None:
        return self._stop.reason

    def on_stop(self, react: Callable[[str], None]) -> None:
        """Have `react(reason)` called once when the journal breaks off: nobody else can stop it."""
        self._stop.on(react)

    def emit(self, entry: AnyEntry) -> None:
        """Add an entry; it is written within a moment."""
        if type(entry) is FlowRunStarted:
            self._ledger.begin(entry)
        self._outbox.add(entry)

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        """Decide, write, and at the end of the root run have the disk keep it."""
        if self.trouble is not None:
            raise self.trouble
        current = self._ledger.state_of(entry.flow_run_id)
        recorded, decision = self._ledger.propose(entry, self._clock.now())
        if recorded is not None:
            self._outbox.add(msgspec.structs.replace(entry, state=recorded))
            self._outbox.drain()
            if recorded.is_terminal and entry.flow_run_id == self.root_run_id:
                self._keep()
        return told(recorded, current, decision)

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        """The same; only what waits for the disk leaves the event loop."""
        if entry.state.is_terminal and entry.flow_run_id == self.root_run_id:
            return await asyncio.to_thread(self.propose, entry)
        return self.propose(entry)

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        """Ask the local server; where none runs, start it, unless the answer is known without."""
        # Late: most runs without a server never ask for anything.
        from runwright.sdk.asking import ask_api
        from runwright.sdk.local_start import ensure_local_server
        from runwright.sdk.offline_answers import offline_answer
        from runwright.settings import resolve_api

        if resolve_api(self._settings) is None:
            known = offline_answer(self._settings, method, path, body)
            if known is not None:
                return known
        ensure_local_server(self._settings, f"{method} {path}")
        return ask_api(self._settings, method, path, body)

    async def ask_async(self, method: str, path: str, body: Any = None) -> Told:
        """The same without blocking the event loop."""
        return await asyncio.to_thread(self.ask, method, path, body)

    def flush(self) -> None:
        """Write everything so far."""
        self._outbox.drain()

    def close(self) -> None:
        """Write what is left and release the journal to its reader."""
        self._outbox.close()
        file, self._file = self._file, None
        if file is not None:
            file.close()
        if self._lost_count and file is not None:
            _log.warning(
                "The record of flow run %s lacks %d entries (logs or task runs): %s could not "
                "be written. The run itself was not affected.",
                self.root_run_id,
                self._lost_count,
                file.path,
            )

    def _tell(self, entry: LogWritten) -> None:
        self._outbox.add_own(entry)

    def _broke(self, error: BaseException) -> None:
        """The journal's thread has ended of something that nobody expected: the run ends too."""
        cause = encodable(f"Its journal broke off: {error_text(error)}")
        self.trouble = JournalLost(f"Flow run {self.root_run_id} ends. {cause}")
        _log.error("The journal of flow run %s broke off.", self.root_run_id, exc_info=error)
        state = State(
            id=new_id(),
            type=StateType.CRASHED,
            name=StateName.CRASHED,
            timestamp=self._clock.now(),
            message=cause,
        )
        with contextlib.suppress(Exception):
            if self._file is not None:
                self._file.write([FlowRunProposed(flow_run_id=self.root_run_id, state=state)])
        self._stop.give("journal_lost")

    def _deliver(self, _first: int, entries: list[AnyEntry], _awaited: bool) -> None:
        if not entries:
            return
        if self._file is None:
            self._lost_count += len(entries)
            return
        # Once full, what room there is left is for states.
        count = 0 if self._file.error is not None else self._file.write(entries)
        if count < len(entries):
            self._save_states(self._file, entries[count:])

    def _save_states(self, file: SpoolFile, entries: list[AnyEntry]) -> None:
        """Where not everything fits, the states of flow runs matter most."""
        if not self._lost_count and file.error is not None:
            self._warn(file.error, "The run goes on, but its record will lack entries.")
        file.free_reserve()
        states = [e for e in entries if isinstance(e, FlowRunStarted | FlowRunProposed)]
        self._lost_count += len(entries) - sum(file.write([state]) for state in states)

    def _keep(self) -> None:
        try:
            if self._file is not None:
                self._file.sync()
        except OSError as error:
            self._warn(error, "The record of this run may be lost.")

    def _warn(self, error: OSError, consequence: str) -> None:
        _log.warning(
            "Cannot write the record of flow run %s below %s: %s. %s Free some space there, or "
            "point RUNWRIGHT_HOME at another disk.",
            self.root_run_id,
            self._settings.home / "spool",
            error.strerror or error,
            consequence,
        )
