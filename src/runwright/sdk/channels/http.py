"""The channel of a run by hand to a server: one thread that posts the journal and keeps the lease.

A run begins with the first batch and cannot without a server. Once begun it goes on without one:
entries wait here, and what cannot be delivered by its end is kept on disk.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from runwright.api.executions import ExitReport
from runwright.api.journal import (
    AnyEntry,
    FlowRunProposed,
    FlowRunStarted,
    JournalAnswer,
    JournalBatch,
    without_nul,
)
from runwright.api.states import OrchestrationResult
from runwright.clock import SystemClock
from runwright.core.clock import Clock
from runwright.core.texts import encodable, error_text
from runwright.errors import ApiProblem, JournalLost, LeaseLost, ServerError, ServerUnreachable
from runwright.sdk.answers import Answers, StopOrder
from runwright.sdk.backlog import Backlog
from runwright.sdk.channel import Told
from runwright.sdk.entry_encoding import EntryEncoder, bare
from runwright.sdk.ledger import Ledger, told
from runwright.sdk.leftovers import deliver_leftovers
from runwright.sdk.questions import Questions

if TYPE_CHECKING:
    from runwright.client.http import Client
    from runwright.settings import Settings

_log = logging.getLogger("runwright.recording")

_BATCH = 2_000
#: Seconds that entries are gathered for while nobody waits for them.
_LINGER = 0.05
_LEASE_SECONDS = 120.0
#: An order to cancel comes with an answer. So a run that has nothing to say asks all the same.
_LONGEST_SILENCE = 10.0
#: Seconds that a lost server is waited for before a state is decided here; for the last state of
#: the run, before the rest of its journal is kept on disk.
_PATIENCE, _PATIENCE_AT_END = 10.0, 60.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

#: Seconds between looks at the world while nothing is to be sent: the loop's own descriptors may
#: have been closed by users' code.
_LONGEST_SLEEP = 1.0
#: Bytes of a batch, where more than one entry is in it.
_MOST_BYTES = 2 * 1024 * 1024
#: Seconds that a journal which broke off may take to say so.
_LAST_WORDS_SECONDS = 5.0

_OK, _CONFLICT, _TOO_MANY, _ERRORS = 200, 409, 429, 500
#: The request itself is at fault: one of its entries, or their sum.
_MALFORMED = frozenset({400, 413, 422})


class _Batch(msgspec.Struct):
    """`JournalBatch` with entries that are encoded already."""

    token: int
    execution_id: UUID
    first: int
    entries: list[msgspec.Raw]
    lease_seconds: float | None = None


class HttpChannel:
    """Posts to `settings.api_url` from a thread of its own."""

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
        self._answers = Answers()
        self._stop = StopOrder()
        self._backlog = Backlog()
        self._encode = EntryEncoder(
            msgspec.json.Encoder().encode, tell=self._backlog.add, clock=self._clock
        )
        self.trouble: Exception | None = None
        #: The number of the oldest proposal that was made bare, since it was refused.
        self._bared: int | None = None
        self._sent_count = 0
        self._token = 0
        self._batch = _BATCH
        self._is_lost = False
        self._is_closing = False
        self._is_urgent = False
        self._is_asleep = False
        self._away_since: float | None = None
        self._pause = _SHORTEST_PAUSE
        self._renew_at = float("inf")
        self._sender: Client | None = None
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._questions = Questions(self._loop, self._ask, self._closed)
        self._thread = threading.Thread(target=self._work, name="runwright-http", daemon=True)
        self._thread.start()

    @property
    def stop_reason(self) -> str | None:
        return self._stop.reason

    def on_stop(self, react: Callable[[str], None]) -> None:
        """Have `react(reason)` called once when a stop is ordered."""
        self._stop.on(react)

    def emit(self, entry: AnyEntry) -> None:
        """Add an entry; it is sent within a moment."""
        if type(entry) is FlowRunStarted:
            self._ledger.begin(entry)
        if self._is_lost:
            return
        self._backlog.add(entry)
        # The run begins with its first proposal, so that both go in one request.
        if self._is_asleep and self._token:
            self._call_up()

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        """Propose a state and wait for the answer."""
        return self._answers.expect(self._add_urgently(entry), entry).result()

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        """The same without blocking the event loop."""
        answer = self._answers.expect(self._add_urgently(entry), entry)
        return await asyncio.wrap_future(answer)

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        """Send a request of the flow's own."""
        return self._questions.put(method, path, body).result()

    async def ask_async(self, method: str, path: str, body: Any = None) -> Told:
        """The same without blocking the event loop."""
        return await asyncio.wrap_future(self._questions.put(method, path, body))

    def flush(self) -> None:
        """Wait until everything so far is stored, but not for a server that is away."""
        stored = self._answers.when_stored(self._backlog.next_number)
        self._is_urgent = True
        self._call_up()
        stored.result()

    def close(self) -> None:
        """Send what is left, or keep it on disk, and end the thread."""
        self._is_closing = True
        self._call_up()
        self._thread.join()
        self._backlog.close()

    def _closed(self) -> ServerUnreachable:
        return ServerUnreachable(f"The channel of run {self.root_run_id} is closed.")

    def _add_urgently(self, entry: FlowRunProposed) -> int:
        number = self._backlog.add(entry)
        self._is_urgent = True
        self._call_up()
        return number

    def _call_up(self) -> None:
        self._is_asleep = False
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop has ended: the run is closed
            _log.debug("Entries after the end of run %s are dropped.", self.root_run_id)

    # What follows runs in the channel's own thread.

    def _work(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._connect_and_pump())
        except BaseException as error:  # noqa: BLE001  # nobody may wait for a thread that ended
            self._broke(error)
        finally:
            self._answers.fail(self._closed())
            self._questions.drop()

    def _broke(self, error: BaseException) -> None:
        self._is_lost = True
        if isinstance(error, ServerError) and not self._token:
            self.trouble = error
            self._answers.fail(error)
            return
        cause = encodable(f"its journal broke off: {error_text(error)}")
        self.trouble = JournalLost(f"Flow run {self.root_run_id} ends, since {cause}")
        _log.error("The journal of run %s broke off.", self.root_run_id, exc_info=error)
        self._answers.fail(self.trouble)
        self._questions.drop()
        with contextlib.suppress(Exception):  # an event loop may be gone with the descriptors
            self._stop.give("journal_lost")
        if self._token:
            with contextlib.suppress(Exception):  # then the lease lapses
                asyncio.run(asyncio.wait_for(self._say_last_words(cause), _LAST_WORDS_SECONDS))

    async def _say_last_words(self, cause: str) -> None:
        """With a loop and a connection of their own, the others being at fault perhaps."""
        from runwright.client.http import open_client

        async with open_client(self._settings) as client:
            self._sender = client
            with contextlib.suppress(Exception):
                while len(self._backlog) and await self._post():
                    pass
            report = ExitReport(token=self._token, execution_id=self.execution_id, reason=cause)
            path = f"/flow_runs/{self.root_run_id}/exit"
            await client.send("POST", path, msgspec.json.encode(report))

    async def _connect_and_pump(self) -> None:
        # Late: the HTTP client takes 0.1 s to load.
        from runwright.client.http import open_client

        async with open_client(self._settings) as client:
            self._sender = client
            leftovers: asyncio.Task[None] | None = None
            try:
                while await self._next_duty():
                    if await self._post() and leftovers is None:
                        leftovers = asyncio.create_task(self._deliver_leftovers())
            finally:
                await self._questions.end()
                if leftovers is not None:
                    leftovers.cancel()

    async def _next_duty(self) -> bool:
        """Sleep until there is something to send. False: all is done."""
        while True:
            now = self._clock.monotonic()
            if self._is_lost or (self._is_closing and not len(self._backlog)):
                return not (self._is_closing or self._is_lost)
            if self._away_since is not None:
                if self._is_closing and self._gives_up(now):
                    self._keep()
                    return False
                await self._sleep(self._pause)
                return True
            if self._is_urgent or self._is_closing or now >= self._renew_at:
                return True
            # Before the last look, so that an entry in between wakes us again.
            self._is_asleep = True
            if len(self._backlog) and self._token:
                self._is_asleep = False
                await self._sleep(_LINGER)
                return True
            await self._sleep(min(self._renew_at - now, _LONGEST_SLEEP))

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    async def _post(self) -> bool:
        self._is_urgent = False
        first, entries = self._backlog.batch(self._batch)
        encoded = self._encoded(entries)
        self._sent_count = len(encoded)
        batch = _Batch(self._token, self.execution_id, first, encoded, _LEASE_SECONDS)
        try:
            status, content = await self._post_batch(self.root_run_id, batch)
        except ServerUnreachable as error:
            self._went_away(error)
            return False
        if status == _OK:
            self._batch = min(_BATCH, self._batch * 2)
            self._answered(msgspec.json.decode(content, type=JournalAnswer))
            return True
        self._refused(status, content)
        return False

    def _encoded(self, entries: list[AnyEntry]) -> list[msgspec.Raw]:
        """As many of them as go into one request, at least one."""
        encoded: list[msgspec.Raw] = []
        size = 0
        for entry in entries:
            content = self._encode(entry)
            size += len(content)
            if encoded and size > _MOST_BYTES:
                break
            encoded.append(msgspec.Raw(content))
        return encoded

    async def _post_batch(self, run_id: UUID, batch: JournalBatch | _Batch) -> tuple[int, bytes]:
        assert self._sender is not None  # noqa: S101  # set before anything is posted
        body = without_nul(msgspec.json.encode(batch))
        return await self._sender.send("POST", f"/flow_runs/{run_id}/journal", body)

    def _answered(self, answer: JournalAnswer) -> None:
        self._away_since, self._pause = None, _SHORTEST_PAUSE
        self._token = answer.token
        self._renew_at = self._clock.monotonic() + min(answer.renew_in_ms / 1000, _LONGEST_SILENCE)
        self._backlog.acknowledge(answer.next)
        for each in answer.answers:
            entry = self._answers.give(each.number, each.result)
            if entry is not None:
                self._ledger.learn(entry.flow_run_id, each.result)
        self._answers.stored(answer.next)
        if self._backlog.next_number > answer.next and self._answers.unanswered(
            self._backlog.next_number
        ):
            self._is_urgent = True
        if answer.cancel:
            self._stop.give("cancelled")

    def _refused(self, status: int, content: bytes) -> None:
        detail = content.decode("utf-8", "replace")[:500]
        if status == _CONFLICT:
            self._is_lost = True
            lost = f"Flow run {self.root_run_id} belongs to another execution now, or has ended."
            self._answers.fail(LeaseLost(lost, status=status, code="lease_lost"))
            self._stop.give("lease_lost")
        elif status in _MALFORMED and self._has_shrunk(detail):
            self._is_urgent = True
        elif status == _TOO_MANY or status >= _ERRORS:
            self._went_away(ServerUnreachable(f"The server answered {status}: {detail}"))
        else:
            self._is_lost = True
            self.trouble = ApiProblem(
                f"The server at {self._settings.api_url} refused the journal of flow run "
                f"{self.root_run_id} with {status}: {detail}",
                status=status,
                code="journal_refused",
            )
            is_awaited = bool(self._answers.unanswered(self._backlog.next_number))
            self._answers.fail(self.trouble)
            if self._token and not is_awaited:
                self._stop.give("journal_lost")

    def _has_shrunk(self, detail: str) -> bool:
        """Halve a refused batch, and in the end replace the entry at fault; false if it cannot."""
        if self._sent_count > 1:
            self._batch = max(1, self._sent_count // 2)
            return True
        first, entries = self._backlog.batch(1)
        if not entries or not self._token:  # without its beginning there is no run
            return False
        entry = entries[0]
        if not isinstance(entry, FlowRunProposed):
            self._backlog.replace_first(self._encode.note(entry, f"it was refused: {detail}"))
        elif self._bared != first:
            self._bared = first
            self._backlog.replace_first(bare(entry))
        else:
            return False
        return True

    def _went_away(self, error: ServerUnreachable) -> None:
        now = self._clock.monotonic()
        if not self._token:
            self._is_lost = True
            self._answers.fail(
                ServerUnreachable(
                    f"The run could not begin, and none of its code has run: {error} Without "
                    "RUNWRIGHT_API_URL it would be recorded on this machine."
                )
            )
            return
        if self._away_since is None:
            self._away_since = now
            _log.warning("Flow run %s goes on without its server: %s", self.root_run_id, error)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)
        patience = min(_PATIENCE, self._settings_tolerance())
        for number, entry in self._answers.unanswered(self._backlog.next_number):
            is_end = entry.state.is_terminal and entry.flow_run_id == self.root_run_id
            if self._gives_up(now) or (not is_end and now - self._away_since >= patience):
                self._decide_here(number, entry)
        self._answers.release()

    def _settings_tolerance(self) -> float:
        return float(self._settings.outage_tolerance)

    def _gives_up(self, now: float) -> bool:
        patience = min(_PATIENCE_AT_END, self._settings_tolerance())
        return self._away_since is not None and now - self._away_since >= patience

    def _decide_here(self, number: int, entry: FlowRunProposed) -> None:
        current = self._ledger.state_of(entry.flow_run_id)
        recorded, decision = self._ledger.propose(entry, self._clock.now())
        self._answers.give(number, told(recorded, current, decision))

    def _keep(self) -> None:
        directory = self._settings.home / "spool" / "undelivered"
        count = len(self._backlog)
        try:
            path = self._backlog.keep(
                directory,
                self.root_run_id,
                self.execution_id,
                self._token,
                self._settings.api_url or "",
            )
        except OSError as error:
            _log.warning(
                "The last %d entries of flow run %s are lost: its server is away, and %s cannot be "
                "written: %s",
                count,
                self.root_run_id,
                directory,
                error.strerror or error,
            )
        else:
            _log.warning(
                "The server is away. The last %d entries of flow run %s are kept in %s; the next "
                "run with the same RUNWRIGHT_API_URL delivers them.",
                count,
                self.root_run_id,
                path,
            )

    async def _deliver_leftovers(self) -> None:
        directory = self._settings.home / "spool" / "undelivered"
        if directory.is_dir():
            try:
                url = self._settings.api_url or ""
                await deliver_leftovers(directory, url, self._post_batch)
            except ServerError as error:
                _log.debug("Kept journals stay in %s: %s", directory, error)

    async def _ask(self, method: str, path: str, body: Any) -> Told:
        if self._sender is None or self._is_lost:
            raise ServerUnreachable(
                f"{method} {path} cannot be asked: flow run {self.root_run_id} has not begun at "
                f"{self._settings.api_url}, or is no longer this process's."
            )
        status, content = await self._sender.send(method, path, body)
        return Told(status, msgspec.json.decode(content) if content else None)
