"""The pipe through which child processes of a flow pass on what they log.

All children write into one pipe. What one write puts there stays together as long as it is no
longer than PIPE_BUF, so entries travel in pieces of that length, each with its writer's process id.
"""

import contextlib
import logging
import os
import select
import struct
import threading
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakValueDictionary

from runwright.api import msgpack
from runwright.api.journal import AnyEntry
from runwright.sdk.unfinished import UnfinishedTasks

if TYPE_CHECKING:
    from runwright.sdk.channel import Channel

_log = logging.getLogger("runwright.recording")

#: Process id, flags, length of what follows.
_HEADER = struct.Struct("<IBH")
_FIRST, _LAST, _MARKER = 1, 2, 4
_PIECE = getattr(select, "PIPE_BUF", 512) - _HEADER.size
#: Seconds that the end of a flow waits for what its children have written before.
_DRAIN_SECONDS = 10.0


def send(descriptor: int, root_run_id: UUID, content: bytes, *, flags: int = 0) -> None:
    """Write one message. Where nobody reads any more it is dropped."""
    message = root_run_id.bytes + content
    pid = os.getpid()
    with contextlib.suppress(OSError):
        for start in range(0, len(message), _PIECE):
            piece = message[start : start + _PIECE]
            place = flags | (_FIRST if start == 0 else 0)
            place |= _LAST if start + _PIECE >= len(message) else 0
            os.write(descriptor, _HEADER.pack(pid, place, len(piece)) + piece)


class Relay:
    """The end of the pipe in the flow's process, read by a thread."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self.pid = os.getpid()
        self._channels: WeakValueDictionary[UUID, Channel] = WeakValueDictionary()
        self._decode = msgpack.decoder(AnyEntry).decode
        self._partial: dict[int, bytes] = {}
        self._markers: dict[bytes, threading.Event] = {}
        self._unfinished = UnfinishedTasks()
        self._thread = threading.Thread(target=self._read, name="runwright-relay", daemon=True)
        self._thread.start()

    def serve(self, channel: "Channel") -> None:
        """Pass on to this channel what is meant for it."""
        self._channels[channel.root_run_id] = channel

    def drain(self, flow_run_id: UUID, channel: "Channel") -> None:
        """Before a flow run ends: pass on what was written, and end what will not end itself."""
        marker = os.urandom(16)
        passed = self._markers[marker] = threading.Event()
        send(self.writing, UUID(bytes=marker), b"", flags=_MARKER)
        passed.wait(_DRAIN_SECONDS)
        self._markers.pop(marker, None)
        for end in self._unfinished.ends(flow_run_id):
            channel.emit(end)

    def close_in_child(self) -> None:
        """After a fork: here is nobody who reads."""
        with contextlib.suppress(OSError):
            os.close(self._reading)

    def _read(self) -> None:
        buffer = bytearray()
        while received := os.read(self._reading, 1 << 16):
            buffer += received
            start = 0
            while len(buffer) - start >= _HEADER.size:
                pid, flags, length = _HEADER.unpack_from(buffer, start)
                end = start + _HEADER.size + length
                if len(buffer) < end:
                    break
                self._take(pid, flags, bytes(buffer[start + _HEADER.size : end]))
                start = end
            del buffer[:start]

    def _take(self, pid: int, flags: int, piece: bytes) -> None:
        # One that was killed in the middle of a message leaves its beginning behind.
        message = piece if flags & _FIRST else self._partial.pop(pid, b"") + piece
        if not flags & _LAST:
            self._partial[pid] = message
        elif flags & _MARKER:
            if (passed := self._markers.get(message)) is not None:
                passed.set()
        else:
            self._pass_on(message)

    def _pass_on(self, message: bytes) -> None:
        channel = self._channels.get(UUID(bytes=message[:16]))
        if channel is None:
            return
        try:
            entry = self._decode(message[16:])
            self._unfinished.note(entry)
            channel.emit(entry)
        except Exception as error:  # noqa: BLE001  # the thread must go on
            _log.debug("What a child process has written could not be passed on: %r", error)
