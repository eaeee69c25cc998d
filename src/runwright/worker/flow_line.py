"""The supervisor's end of the socket to its flow process."""

import asyncio
import logging
import socket
from collections.abc import Coroutine
from typing import Any

import msgspec

from runwright.api.frames import (
    AcknowledgedFrame,
    AskFrame,
    DownFrame,
    EntriesFrame,
    LostFrame,
    StopFrame,
    ToldFrame,
    UpFrame,
)
from runwright.api.journal import Answer
from runwright.core.texts import shortened
from runwright.errors import ServerUnreachable
from runwright.worker.control_plane import ControlPlane
from runwright.worker.framing import BrokenStream, FrameReader, pack
from runwright.worker.journal_pump import JournalPump

_UNPROCESSABLE = 422
_LONGEST_CAUSE = 2_000

logger = logging.getLogger("runwright.worker")


class FlowLine:
    """Reads entries and questions; writes answers and orders.

    Reading and writing fail apart: what a dead flow has written is read to the end, though nothing
    can be written to it.
    """

    def __init__(
        self, journal: socket.socket, pump: JournalPump, control_plane: ControlPlane
    ) -> None:
        journal.setblocking(False)
        self._socket = journal
        self._pump = pump
        self._control_plane = control_plane
        self._outgoing: asyncio.Queue[DownFrame] = asyncio.Queue()
        self._questions: set[asyncio.Task[None]] = set()
        #: Why nothing more can be read; the end of the socket where nothing else is known.
        self.cause = "the flow's process closed the connection on which it reports"

    async def read(self) -> None:
        """Take frames until the flow's end of the socket is closed, or nothing can be read.

        Whoever reads has to look whether the flow still lives: what it does cannot be recorded.
        """
        loop = asyncio.get_running_loop()
        frames: FrameReader[UpFrame] = FrameReader(UpFrame)
        try:
            while received := await loop.sock_recv(self._socket, 1 << 18):
                for frame in frames.feed(received):
                    self._take(frame)
                while self._pump.is_full and not self._pump.is_over:
                    await self._pump.room()
        except ConnectionError as error:
            self.cause = f"the flow cannot be read from: {error}"
        except BrokenStream as error:
            self.cause = f"what the flow reported cannot be read: {error}"
            logger.warning("The journal of a flow process broke off: %s", error)

    async def write(self) -> None:
        """Write frames as they come; the flow may not be there to read them."""
        loop = asyncio.get_running_loop()
        while True:
            frame = await self._outgoing.get()
            try:
                await loop.sock_sendall(self._socket, pack(frame))
            except OSError:
                return

    def acknowledge(self, up_to: int, answers: list[Answer], *, is_spooled: bool) -> None:
        """Tell the flow that everything below `up_to` is safe."""
        self._outgoing.put_nowait(AcknowledgedFrame(up_to, answers, is_spooled))

    def order_stop(self, reason: str) -> None:
        """Tell the flow to end, and why."""
        self._outgoing.put_nowait(StopFrame(reason))

    def _take(self, frame: UpFrame) -> None:
        if isinstance(frame, EntriesFrame):
            self._pump.add(frame.entries, first=frame.first, is_awaited=frame.flush)
        elif isinstance(frame, LostFrame):
            self.cause = shortened(frame.cause, _LONGEST_CAUSE)
        else:
            self._start(self._ask(frame))

    def _start(self, question: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(question)
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _ask(self, question: AskFrame) -> None:
        try:
            body = None if question.body is None else msgspec.json.encode(question.body)
        except Exception as error:  # noqa: BLE001  # MessagePack has values that JSON has not
            problem = {"code": "invalid_body", "detail": f"The body is no JSON: {error}"}
            self._outgoing.put_nowait(ToldFrame(question.number, _UNPROCESSABLE, problem))
            return
        try:
            status, answer = await self._control_plane.send(question.method, question.path, body)
        except ServerUnreachable:
            self._outgoing.put_nowait(ToldFrame(question.number, 0))
            return
        self._outgoing.put_nowait(ToldFrame(question.number, status, _decoded(answer)))


def _decoded(answer: bytes) -> Any:  # whatever JSON says
    if not answer:
        return None
    try:
        return msgspec.json.decode(answer)
    except (msgspec.DecodeError, RecursionError):
        return answer.decode(errors="replace")
