"""The channel of a claimed run: frames to the supervisor, which talks to the control plane.

Bytes that have been sent are the supervisor's: it has them even if this process is killed.
"""

import asyncio
import itertools
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.frames import (
    AcknowledgedFrame,
    AskFrame,
    DownFrame,
    EntriesFrame,
    StopFrame,
    ToldFrame,
)
from runwright.api.journal import AnyEntry, FlowRunProposed, FlowRunStarted
from runwright.api.states import OrchestrationResult
from runwright.clock import SystemClock
from runwright.core.clock import Clock
from runwright.core.transitions import RunFacts
from runwright.errors import LeaseLost, ServerUnreachable
from runwright.sdk.answers import Answers, StopOrder
from runwright.sdk.channel import Told
from runwright.sdk.ledger import Ledger, told
from runwright.sdk.outbox import Outbox

_log = logging.getLogger("runwright.recording")

#: Seconds that entries are gathered before they go to the supervisor. What is killed loses no more.
_LINGER = 0.01


class SupervisedChannel:
    """Speaks the frames of `api/frames.py` on a socket pair."""

    def __init__(
        self,
        connection: socket.socket,
        root_run_id: UUID,
        execution_id: UUID,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.root_run_id = root_run_id
        self.execution_id = execution_id
        self._clock = clock or SystemClock()
        self._socket = connection
        self._encode = msgspec.msgpack.Encoder().encode
        self._ledger = Ledger()
        self._answers = Answers()
        self._stop = StopOrder()
        self._ask_numbers = itertools.count()
        self._asked: dict[int, Future[Told]] = {}
        self._ended: ServerUnreachable | None = None
        self._outbox = Outbox(self._deliver, linger=_LINGER)
        self._reader = threading.Thread(target=self._read, name="runwright-orders", daemon=True)
        self._reader.start()

    @property
    def stop_reason(self) -> str | None:
        return self._stop.reason

    def on_stop(self, react: Callable[[str], None]) -> None:
        """Have `react(reason)` called once when a stop is ordered."""
        self._stop.on(react)

    def allow_retries(self, retries: int, *, used: int, delay: timedelta | None) -> None:
        """What the root run may spend, for when no server can be asked.

        `used`: before this process began.
        """
        used += self._ledger.retries_spent(self.root_run_id)
        facts = RunFacts(
            retries=retries, retries_used=min(used, retries), retry_delay=delay, has_lease=True
        )
        self._ledger.allow_retries(self.root_run_id, facts)

    def emit(self, entry: AnyEntry) -> None:
        """Add an entry; it is with the supervisor within a moment."""
        if type(entry) is FlowRunStarted:
            self._ledger.begin(entry)
        self._outbox.add(entry)

    def propose(self, entry: FlowRunProposed) -> OrchestrationResult:
        """Propose a state and wait for the answer."""
        return self._propose(entry).result()

    async def propose_async(self, entry: FlowRunProposed) -> OrchestrationResult:
        """The same without blocking the event loop."""
        return await asyncio.wrap_future(self._propose(entry))

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        """Have the supervisor ask the control plane, with this execution's credential."""
        return _reached(self._ask(method, path, body).result(), method, path)

    async def ask_async(self, method: str, path: str, body: Any = None) -> Told:
        """The same without blocking the event loop."""
        answer = await asyncio.wrap_future(self._ask(method, path, body))
        return _reached(answer, method, path)

    def flush(self) -> None:
        """Wait until everything so far is stored, or on the supervisor's disk."""
        stored = self._answers.when_stored(self._outbox.next_number)
        if not stored.done():
            self._outbox.hurry()
        stored.result()

    def close(self) -> None:
        """Hand over what is left and hang up. The supervisor delivers it."""
        try:
            self.flush()
        except (ServerUnreachable, LeaseLost) as error:
            _log.debug("Nothing more can be recorded of run %s: %s", self.root_run_id, error)
        self._outbox.close()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("The supervisor of run %s hung up first.", self.root_run_id)
        self._reader.join()
        self._socket.close()

    def _propose(self, entry: FlowRunProposed) -> Future[OrchestrationResult]:
        number = self._outbox.add(entry)
        answer = self._answers.expect(number, entry)
        self._outbox.hurry()
        return answer

    def _ask(self, method: str, path: str, body: Any) -> Future[Told]:
        number = next(self._ask_numbers)
        future = self._asked[number] = Future()
        frame = AskFrame(number=number, method=method, path=path, body=body)
        # Not by this thread: an interrupted frame would make nonsense of all that follow.
        self._outbox.run(lambda: self._send(frame))
        if self._ended is not None and (unanswered := self._asked.pop(number, None)):
            unanswered.set_exception(self._ended)
        return future

    def _deliver(self, first: int, entries: list[AnyEntry], awaited: bool) -> None:
        self._send(EntriesFrame(first=first, entries=entries, flush=awaited))

    def _send(self, frame: EntriesFrame | AskFrame) -> None:
        content = self._encode(frame)
        try:
            self._socket.sendall(len(content).to_bytes(4, "big") + content)
        except OSError as error:
            self._hang_up(error)

    def _read(self) -> None:
        decode = msgspec.msgpack.Decoder(DownFrame).decode
        stream = self._socket.makefile("rb")
        try:
            while len(size := stream.read(4)) == 4:  # noqa: PLR2004
                self._take(decode(stream.read(int.from_bytes(size, "big"))))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            self._hang_up(error)
        else:
            self._hang_up(None)
        finally:
            stream.close()

    def _take(self, frame: DownFrame) -> None:
        if isinstance(frame, AcknowledgedFrame):
            self._acknowledged(frame)
        elif isinstance(frame, ToldFrame):
            asked = self._asked.pop(frame.number, None)
            if asked is not None:
                asked.set_result(Told(frame.status, frame.body))
        elif isinstance(frame, StopFrame):
            if frame.reason == "lease_lost":
                self._answers.fail(_lease_lost(self.root_run_id))
            self._stop.give(frame.reason)

    def _acknowledged(self, frame: AcknowledgedFrame) -> None:
        for answer in frame.answers:
            entry = self._answers.give(answer.number, answer.result)
            if entry is not None:
                self._ledger.learn(entry.flow_run_id, answer.result)
        if frame.spooled:
            # No server to ask: the same rules decide here, and again there when it is back.
            for number, entry in self._answers.unanswered(frame.next):
                current = self._ledger.state_of(entry.flow_run_id)
                recorded, decision = self._ledger.propose(entry, self._clock.now())
                self._answers.give(number, told(recorded, current, decision))
        self._answers.stored(frame.next)

    def _hang_up(self, error: Exception | None) -> None:
        cause = f": {error}" if error else ""
        self._ended = ServerUnreachable(
            f"The supervisor of flow run {self.root_run_id} has ended{cause}. "
            "Nothing more of this execution can be recorded."
        )
        self._answers.fail(self._ended)
        for number in list(self._asked):
            if (future := self._asked.pop(number, None)) is not None:
                future.set_exception(self._ended)


def _lease_lost(run_id: UUID) -> LeaseLost:
    return LeaseLost(
        f"Flow run {run_id} belongs to another execution now, or has ended. This one stops.",
        status=409,
        code="lease_lost",
    )


def _reached(answer: Told, method: str, path: str) -> Told:
    if answer.status == 0:
        raise ServerUnreachable(
            f"The control plane could not be reached for {method} {path}. The flow can try again; "
            "`runwright server status` tells whether the server runs."
        )
    return answer
