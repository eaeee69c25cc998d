"""The output of a program as the log of its run: one record for each line."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runwright.core.texts import encodable

#: What takes a line: the name of its logger, and its text.
Tell = Callable[[str, str], object]

#: Bytes of a line without an end that are gathered; then what is there becomes a record.
_LONGEST_LINE = 400_000
_CHUNK = 1 << 16
#: Seconds that the last output of a program is read for, where others go on writing.
_LAST_SECONDS = 2.0


@dataclass
class _Stream:
    """One pipe of the program."""

    reading: int
    writing: int
    #: Our own descriptor of the same kind, on which everything is passed on.
    onto: int
    name: str
    partial: bytearray = field(default_factory=bytearray)


class CommandOutput:
    """Reads standard output and error of a program in a thread, until `finish`."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._streams = {
            stream.reading: stream
            for stream in (
                _Stream(*os.pipe(), onto=1, name="runwright.command.stdout"),
                _Stream(*os.pipe(), onto=2, name="runwright.command.stderr"),
            )
        }
        self.stdout, self.stderr = (stream.writing for stream in self._streams.values())
        self._wake, self._waking = os.pipe()
        self._thread = threading.Thread(target=self._read, name="runwright-output", daemon=True)
        self._thread.start()

    def has_started(self) -> None:
        """The program has its ends of the pipes: close ours."""
        for stream in self._streams.values():
            os.close(stream.writing)

    def finish(self) -> None:
        """Take what the program has written until its end, without waiting for its children."""
        if self._waking >= 0:
            waking, self._waking = self._waking, -1
            os.close(waking)
        self._thread.join()

    def _read(self) -> None:
        poll = select.poll()
        for descriptor in (*self._streams, self._wake):
            poll.register(descriptor, select.POLLIN)
        reading = set(self._streams)
        until = None
        while reading:
            # Once the program has ended, only what is there already.
            ready = [descriptor for descriptor, _ in poll.poll(None if until is None else 0)]
            if until is None and self._wake in ready:
                poll.unregister(self._wake)
                until = time.monotonic() + _LAST_SECONDS
                continue
            if until is not None and (not ready or time.monotonic() > until):
                break
            for descriptor in ready:
                if not self._take(self._streams[descriptor]):
                    poll.unregister(descriptor)
                    reading.discard(descriptor)
        for stream in self._streams.values():
            self._say_rest(stream)
            os.close(stream.reading)
        os.close(self._wake)

    def _take(self, stream: _Stream) -> bool:
        """Read once; false at the end."""
        received = os.read(stream.reading, _CHUNK)
        if not received:
            return False
        with contextlib.suppress(OSError):  # whoever reads ours may have gone
            os.write(stream.onto, received)
        *lines, rest = (stream.partial + received).split(b"\n")
        for line in lines:
            self._say(stream, line)
        stream.partial = rest
        if len(rest) > _LONGEST_LINE:
            # A progress bar goes back to the line's beginning for hours: only its last look counts.
            _, bar, last = rest.rpartition(b"\r")
            stream.partial = last if bar and len(last) <= _LONGEST_LINE else bytearray()
            if not stream.partial:
                self._say(stream, rest)
        return True

    def _say_rest(self, stream: _Stream) -> None:
        if stream.partial:
            self._say(stream, stream.partial)

    def _say(self, stream: _Stream, line: bytes | bytearray) -> None:
        text = encodable(line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace"))
        with contextlib.suppress(Exception):  # the program must not stand still for its log
            self._tell(stream.name, text)
