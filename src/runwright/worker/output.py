"""Standard output and error of a flow process: passed on, and its end kept for the record."""

import contextlib
import os
import select
from collections import deque

KEPT_LINES = 50
#: Of a line that is longer, this many characters are kept.
KEPT_CHARACTERS = 2_000


class Output:
    """Reads the pipe that the flow writes to."""

    def __init__(self, fd: int, *, forward_to: int | None) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._forward_to = forward_to
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._partial = b""
        self.is_closed = False

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._fd

    def read(self) -> None:
        """Take what is there."""
        try:
            received = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.is_closed = True
            return
        self._forward(received)
        *lines, rest = (self._partial + received).split(b"\n")
        # A progress bar writes for hours without a line's end.
        self._partial = rest[-KEPT_CHARACTERS * 4 :]
        self._lines.extend(_text(line) for line in lines)

    def drain(self) -> None:
        """Take everything that is left, without waiting for more."""
        while not self.is_closed and select.select([self._fd], [], [], 0)[0]:
            self.read()

    def last_lines(self) -> list[str]:
        """The last lines written, oldest first."""
        lines = list(self._lines)
        if self._partial:
            lines.append(_text(self._partial))
        return lines[-KEPT_LINES:]

    def _forward(self, received: bytes) -> None:
        """Write only what the reader of the worker's output takes: nobody may hold up a run."""
        target = self._forward_to
        if target is None:
            return
        with contextlib.suppress(OSError, ValueError):
            for start in range(0, len(received), select.PIPE_BUF):
                if not select.select([], [target], [], 0)[1]:
                    return
                os.write(target, received[start : start + select.PIPE_BUF])


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace").replace("\0", "")[:KEPT_CHARACTERS]
