"""Carries the journal of one execution to the control plane, and the lease with it.

Entries are sent soon after they were written, at once where the flow waits for them. A batch, even
an empty one, renews the lease. While the control plane is away entries go to disk and the flow
goes on.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

import msgspec

from runwright.api.executions import ExecutionRef
from runwright.api.journal import (
    Answer,
    AnyEntry,
    FlowRunProposed,
    JournalAnswer,
    LogWritten,
    without_nul,
)
from runwright.clock import SystemClock
from runwright.core.clock import Clock
from runwright.core.states import StateType
from runwright.errors import ServerUnreachable
from runwright.sdk.entry_encoding import bare
from runwright.worker.backlog import Backlog
from runwright.worker.refusals import Refusal, refusal_of

#: How long an entry that nobody waits for may stay here, so that others travel with it.
LINGER_SECONDS = 0.1
MOST_ENTRIES = 1_000
MOST_BYTES = 512 * 1024
#: Between tries while the control plane is away: doubles up to the most, a third of the lease at
#: most, with full jitter.
FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 5.0

#: How long a proposed state waits for an answer while the control plane is away.
DECIDE_ALONE_AFTER_SECONDS = 5.0

#: Sends the body of one batch; status and body of the answer.
Post = Callable[[bytes], Awaitable[tuple[int, bytes]]]

_ERROR = 40


class _Batch(msgspec.Struct):
    """`JournalBatch` with entries that are encoded already."""

    token: int
    execution_id: str
    first: int
    entries: list[msgspec.Raw]


def encode_batch(token: int, execution_id: UUID, first: int, entries: list[bytes]) -> bytes:
    """The body of a batch whose entries are numbered from `first`."""
    raw = [msgspec.Raw(entry) for entry in entries]
    return msgspec.json.encode(_Batch(token, str(execution_id), first, raw))


class Listener(Protocol):
    """Who is told what the control plane said."""

    def acknowledged(self, up_to: int, answers: list[Answer], *, is_spooled: bool) -> None:
        """Every entry below `up_to` is stored, or on disk here."""
        ...

    def cancel_requested(self) -> None:
        """Somebody wants the run to be cancelled."""
        ...

    def over(self, refusal: Refusal) -> None:
        """Nothing more will be taken from this execution."""
        ...


class JournalPump:
    """One execution's way up. `run` sends until it is cancelled or the execution is over."""

    def __init__(  # noqa: PLR0913  # keywords, each said once by the supervisor
        self,
        execution: ExecutionRef,
        *,
        post: Post,
        backlog: Backlog,
        listener: Listener,
        lease_seconds: float,
        outage_tolerance: float,
        clock: Clock | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._execution = execution
        self._post = post
        self._backlog = backlog
        self._listener = listener
        self._tolerance = outage_tolerance
        self._clock = clock or SystemClock()
        self._chance = chance or random.Random()  # noqa: S311  # jitter is no secret
        self._changed = asyncio.Event()
        self._has_changed_state = asyncio.Event()
        self._proposed: dict[int, FlowRunProposed] = {}
        self._bared: set[int] = set()
        self._most_entries = MOST_ENTRIES
        #: The flow waits for everything below this number.
        self._wanted = 0
        now = self._clock.monotonic()
        self._heard_at = now
        self._renew_at = now + lease_seconds / 3
        self._lease = lease_seconds
        self._send_at: float | None = None
        self._not_before = 0.0
        self._failures = 0
        self._away_since = now
        self.is_over = False
        #: User code may have run: the control plane accepted Running.
        self.has_started = False
        #: Another process of this very execution was there first, and runs.
        self.is_second = False
        #: The control plane has a final state of the run.
        self.has_ended = False
        #: The flow has proposed a final state of the run, and nothing else was granted since.
        self.has_last_word = False

    def add(self, entries: list[AnyEntry], *, first: int, is_awaited: bool) -> None:
        """Take entries from the flow. Those it has sent before are dropped."""
        backlog = self._backlog
        for entry in entries[max(0, backlog.next - first) :]:
            if isinstance(entry, FlowRunProposed):
                self._proposed[backlog.next] = entry
                self._note_proposal(entry)
            backlog.append(self._encoded(entry))
        if is_awaited and not len(backlog):
            self._listener.acknowledged(backlog.next, [], is_spooled=False)
        elif is_awaited:
            self._wanted = backlog.next
            self._send_at = self._clock.monotonic()
            self._acknowledge_spooled()
        elif self._send_at is None and len(backlog):
            self._send_at = self._clock.monotonic() + LINGER_SECONDS
        self._changed.set()

    def _note_proposal(self, entry: FlowRunProposed) -> None:
        if entry.flow_run_id == self._execution.flow_run_id:
            self.has_last_word = entry.state.is_terminal

    def _encoded(self, entry: AnyEntry) -> bytes:
        try:
            return without_nul(msgspec.json.encode(entry))
        except Exception as error:  # noqa: BLE001  # MessagePack has values that JSON has not
            if isinstance(entry, FlowRunProposed):
                return msgspec.json.encode(bare(entry))
            return self._note_of(f"it is no JSON: {error}")

    async def run(self) -> None:
        """Send and renew, until the execution is over."""
        while not self.is_over:
            await self._wait_until_due()
            await self._send()

    async def drained(self) -> None:
        """Wait until everything is stored, or nothing more will be taken."""
        self._wanted = self._backlog.next
        self._send_at = self._clock.monotonic()
        self._changed.set()
        while len(self._backlog) and not self.is_over:
            self._has_changed_state.clear()
            await self._has_changed_state.wait()

    @property
    def is_full(self) -> bool:
        """The flow writes faster than anything can take it: stop reading for a while."""
        return self._backlog.is_full

    async def room(self) -> None:
        """Wait until `is_full` may have changed."""
        self._has_changed_state.clear()
        await self._has_changed_state.wait()

    async def _wait_until_due(self) -> None:
        while (delay := self._due_at() - self._clock.monotonic()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _due_at(self) -> float:
        due = self._renew_at
        if len(self._backlog):
            due = min(due, self._send_at if self._send_at is not None else due)
            if len(self._backlog) >= MOST_ENTRIES:
                due = 0.0
        return max(due, self._not_before) if self._failures else due

    async def _send(self) -> None:
        entries = self._backlog.batch(self._most_entries, MOST_BYTES)
        execution = self._execution
        body = encode_batch(execution.token, execution.execution_id, self._backlog.first, entries)
        self._send_at = None
        sent_at = self._clock.monotonic()
        try:
            status, body = await self._post(body)
        except ServerUnreachable:
            self._failed()
            return
        if status in {200, 201}:
            self._succeeded(msgspec.json.decode(body, type=JournalAnswer), sent_at)
            return
        refusal = refusal_of(status, body)
        if refusal is Refusal.TRY_LATER:
            self._failed()
        elif refusal is Refusal.BAD_REQUEST:
            self._shrink(body)
        else:
            self._end(refusal)

    def _succeeded(self, answer: JournalAnswer, sent_at: float) -> None:
        self._failures = 0
        self._heard_at = sent_at
        # A fifth either way, so that many executions started together do not renew together.
        self._lease = answer.lease_ttl_ms / 1000
        self._renew_at = sent_at + answer.renew_in_ms / 1000 * self._chance.uniform(0.8, 1.2)
        had = self._backlog.first
        self._backlog.drop_below(answer.next)
        if len(self._backlog):
            self._send_at = self._clock.monotonic()
            self._most_entries = min(MOST_ENTRIES, self._most_entries * 2)
        for told in answer.answers:
            self._note(told)
        if answer.next > had or answer.answers:
            self._listener.acknowledged(answer.next, answer.answers, is_spooled=False)
        if answer.cancel:
            self._listener.cancel_requested()
        self._has_changed_state.set()

    def _note(self, told: Answer) -> None:
        proposed = self._proposed.pop(told.number, None)
        if proposed is None or proposed.flow_run_id != self._execution.flow_run_id:
            return
        result = told.result
        if result.status == "ACCEPT" and proposed.state.type == "RUNNING":
            self.has_started = True
        is_running = result.state is not None and result.state.type is StateType.RUNNING
        if result.status == "ABORT" and is_running and not self.has_started:
            self.is_second = True
        if result.state is not None and result.state.is_terminal:
            self.has_ended = True
        elif result.state is not None:
            self.has_last_word = False

    def _failed(self) -> None:
        if not self._failures:
            self._away_since = self._clock.monotonic()
        self._failures += 1
        # When the control plane is back it gives every lease once more: be there in time.
        longest = min(LONGEST_DELAY_SECONDS, self._lease / 3)
        most = min(longest, FIRST_DELAY_SECONDS * 2 ** min(self._failures, 10))
        now = self._clock.monotonic()
        self._not_before = now + self._chance.uniform(0.05, most)
        self._send_at = now
        if now - self._heard_at > self._tolerance:
            self._end(Refusal.AWAY_TOO_LONG)
            return
        self._backlog.spill()
        self._acknowledge_spooled()

    def _acknowledge_spooled(self) -> None:
        """Let a flow that waits go on; it decides by the same rules when it waits for a decision.

        That takes a while longer, since the control plane may just be starting again. Leave to run
        user code is the control plane's alone to give.
        """
        if not self._failures or not self._backlog.is_spilling:
            return
        if any(number < self._wanted for number in self._proposed):
            away = self._clock.monotonic() - self._away_since
            if not self.has_started or away < DECIDE_ALONE_AFTER_SECONDS:
                return
        if self._wanted > self._backlog.first:
            self._backlog.sync()
            self._listener.acknowledged(self._wanted, [], is_spooled=True)

    def _shrink(self, body: bytes) -> None:
        """A batch was refused as such: halve it, and in the end replace the entry at fault."""
        held = self._backlog.batch(self._most_entries, MOST_BYTES)
        if not held:
            self._failed()
        elif len(held) > 1:
            self._most_entries = max(1, len(held) // 2)
            self._send_at = self._clock.monotonic()
        elif self._backlog.first in self._proposed:
            self._propose_barely(self._backlog.first)
        else:
            self._backlog.replace_first(self._note_of(body[:500].decode(errors="replace")))
            self._send_at = self._clock.monotonic()

    def _propose_barely(self, number: int) -> None:
        """A state that is refused as malformed is proposed once more, by what is needed of it."""
        if number in self._bared:
            self._end(Refusal.BAD_REQUEST)
            return
        self._bared.add(number)
        self._backlog.replace_first(msgspec.json.encode(bare(self._proposed[number])))
        self._send_at = self._clock.monotonic()

    def _note_of(self, why: str) -> bytes:
        note = LogWritten(
            flow_run_id=self._execution.flow_run_id,
            timestamp=self._clock.now(),
            level=_ERROR,
            name="runwright.supervisor",
            message=f"An entry of the journal was refused and left out: {why}",
        )
        return msgspec.json.encode(note)

    def _end(self, refusal: Refusal) -> None:
        self.is_over = True
        self._has_changed_state.set()
        self._listener.over(refusal)
