"""The channel of a claimed run: frames to the supervisor, which talks to the control plane.

Bytes that have been sent are the supervisor's: it has them even if this process is killed.
"""

import asyncio
import contextlib
import itertools
import logging
import select
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from runwright.api import msgpack
from runwright.api.frames import (
    MOST_FRAME_BYTES,
    AcknowledgedFrame,
    AskFrame,
    DownFrame,
    LostFrame,
    StopFrame,
    ToldFrame,
)
from runwright.api.journal import AnyEntry, FlowRunProposed, FlowRunStarted
from runwright.api.states import OrchestrationResult
from runwright.clock import SystemClock
from runwright.core.clock import Clock
from runwright.core.texts import encodable, error_text
from runwright.core.transitions import RunFacts
from runwright.errors import JournalLost, LeaseLost, ServerUnreachable
from runwright.sdk.answers import Answers, StopOrder
from runwright.sdk.channel import Told
from runwright.sdk.descriptors import identity
from runwright.sdk.entry_encoding import EntryEncoder
from runwright.sdk.ledger import Ledger, told
from runwright.sdk.outbox import Outbox

_log = logging.getLogger("runwright.recording")

#: Seconds that entries are gathered before they go to the supervisor. What is killed loses no more.
_LINGER = 0.01
#: Milliseconds between looks whether the socket is still there, while nothing comes.
_BETWEEN_LOOKS_MS = 500
#: Seconds that the reader's end is waited for once the socket is shut down.
_READER_PATIENCE = 2.0
_CLOSED = "its descriptor was closed in the flow's process"


class _Entries(msgspec.Struct, frozen=True, tag="entries"):
    """`EntriesFrame` with entries that are encoded already."""

    first: int
    entries: list[msgspec.Raw]
    flush: bool = False


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
        self._socket_identity = identity(connection.fileno())
        self._ledger = Ledger()
        self._answers = Answers()
        self._stop = StopOrder()
        self._ask_numbers = itertools.count()
        self._asked: dict[int, Future[Told]] = {}
        self._ended: JournalLost | None = None
        self._is_closing = False
        self._outbox = Outbox(self._deliver, linger=_LINGER, broken=self._broke)
        self._encode = EntryEncoder(msgpack.encode, tell=self._outbox.add_own, clock=self._clock)
        self._reader = threading.Thread(target=self._read, name="runwright-orders", daemon=True)
        self._reader.start()

    @property
    def stop_reason(self) -> str | None:
        return self._stop.reason

    @property
    def trouble(self) -> Exception | None:
        return self._ended

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
        self._is_closing = True
        self._outbox.close()
        if not self._has_socket():
            # Its number may be that of a file of the user's by now.
            self._socket.detach()
            return
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("The supervisor of run %s hung up first.", self.root_run_id)
        self._reader.join(_READER_PATIENCE)
        self._socket.close()

    def _propose(self, entry: FlowRunProposed) -> Future[OrchestrationResult]:
        number = self._outbox.add(entry)
        answer = self._answers.expect(number, entry)
        self._outbox.hurry()
        return answer

    def _ask(self, method: str, path: str, body: Any) -> Future[Told]:
        number = next(self._ask_numbers)
        # Encoded here: what cannot be is an error of the caller's.
        content = msgpack.encode(AskFrame(number=number, method=method, path=path, body=body))
        future = self._asked[number] = Future()
        # Not sent by this thread: an interrupted frame would make nonsense of all that follow.
        if not self._outbox.run(lambda: self._send(content)) and self._ended is None:
            self._ended = self._lost("its journal is closed")
        if self._ended is not None and (unanswered := self._asked.pop(number, None)):
            unanswered.set_exception(self._ended)
        return future

    def _deliver(self, first: int, entries: list[AnyEntry], awaited: bool) -> None:
        held: list[msgspec.Raw] = []
        size = 0
        for number, entry in enumerate(entries, first):
            content = self._encode(entry)
            if held and size + len(content) > MOST_FRAME_BYTES:
                self._send(msgpack.encode(_Entries(number - len(held), held)))
                held, size = [], 0
            held.append(msgspec.Raw(content))
            size += len(content)
        self._send(msgpack.encode(_Entries(first + len(entries) - len(held), held, awaited)))

    def _send(self, content: bytes) -> None:
        if self._ended is not None:
            return
        if not self._has_socket():
            self._hang_up(OSError(_CLOSED))
            return
        try:
            self._socket.sendall(len(content).to_bytes(4, "big") + content)
        except OSError as error:
            self._hang_up(error)

    def _has_socket(self) -> bool:
        """Users' code closes descriptors, and then others get their numbers."""
        return identity(self._socket.fileno()) == self._socket_identity

    def _broke(self, error: BaseException) -> None:
        """The journal's thread has ended of something that nobody expected."""
        cause = f"its journal broke off: {error_text(error)}"
        with contextlib.suppress(Exception):
            self._send(msgpack.encode(LostFrame(encodable(cause))))
        self._hang_up(RuntimeError(cause))
        _log.error("The journal of flow run %s broke off.", self.root_run_id, exc_info=error)

    def _read(self) -> None:
        decode = msgpack.decoder(DownFrame).decode
        try:
            for content in self._received():
                self._take(decode(content))
        except Exception as error:  # noqa: BLE001  # nobody may wait for a thread that ended
            self._hang_up(error)
        else:
            self._hang_up(None)

    def _received(self) -> Iterator[bytes]:
        buffer = bytearray()
        ready = select.poll()
        ready.register(self._socket.fileno(), select.POLLIN)
        while True:
            # Never blocked in the socket for long: that would keep it open after it was closed.
            while not ready.poll(_BETWEEN_LOOKS_MS) and self._has_socket():
                pass
            if not self._has_socket():
                raise OSError(_CLOSED)
            received = self._socket.recv(1 << 18)
            if not received:
                return
            buffer += received
            while len(buffer) >= (end := 4 + int.from_bytes(buffer[:4], "big")) > 4:  # noqa: PLR2004
                yield bytes(buffer[4:end])
                del buffer[:end]

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
        if self._ended is None:
            self._ended = self._lost(f"{error}" if error else "its supervisor has ended")
        self._answers.fail(self._ended)
        for number in list(self._asked):
            if (future := self._asked.pop(number, None)) is not None:
                future.set_exception(self._ended)
        if not self._is_closing:
            with contextlib.suppress(Exception):  # an event loop may be gone with the descriptors
                self._stop.give("journal_lost")

    def _lost(self, why: str) -> JournalLost:
        return JournalLost(
            f"Flow run {self.root_run_id} has lost the connection to its supervisor: {why}. "
            "Nothing more of this execution can be recorded, so it ends."
        )


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
