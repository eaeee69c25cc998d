"""Journal entries that the control plane has not acknowledged yet.

In memory as long as it answers; in an append-only file of JSON lines while it is away, so that an
outage costs disk and not memory.
"""

import contextlib
import fcntl
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from runwright.private_files import private_folder

#: Entries read back from the file at a time.
_WINDOW = 1_000
_MOST_IN_MEMORY = 100_000


#: Notes beside a file whose it is.
Sign = Callable[[Path, int], None]
OWNER_SUFFIX = ".owner"


class Backlog:
    """A queue of numbered entries, each one JSON object."""

    def __init__(self, file: Path, *, sign: Sign | None = None) -> None:
        """`sign`: called when `file` is begun, with it and the number of its first entry."""
        self._path = file
        self._sign = sign
        self._memory: deque[bytes] = deque()
        self._file: BinaryIO | None = None
        self._read_from = 0
        self._disk_has_failed = False
        #: The number of the oldest entry held, or the next one when there is none.
        self.first = 0
        #: The number that the next entry will have.
        self.next = 0

    def __len__(self) -> int:
        return self.next - self.first

    @property
    def is_spilling(self) -> bool:
        """Entries go to disk now."""
        return self._file is not None

    @property
    def is_full(self) -> bool:
        """Whoever fills it should wait: there is no disk to spill to and much in memory."""
        return self._file is None and len(self._memory) >= _MOST_IN_MEMORY

    def append(self, entry: bytes) -> None:
        """Add the entry numbered `next`."""
        if self._file is None or not self._write(entry):
            self._memory.append(entry)
        self.next += 1

    def batch(self, most: int, most_bytes: int) -> list[bytes]:
        """The oldest entries, at least one where there is any."""
        if not self._memory:
            self._read_back()
        batch: list[bytes] = []
        size = 0
        for entry in self._memory:
            size += len(entry)
            if batch and (len(batch) == most or size > most_bytes):
                break
            batch.append(entry)
        return batch

    def drop_below(self, number: int) -> None:
        """Forget what has been acknowledged."""
        while self.first < number and (self._memory or self._read_back()):
            self._memory.popleft()
            self.first += 1
        if not len(self):
            self._stop_spilling()

    def replace_first(self, entry: bytes) -> None:
        """Put another entry in the place of the oldest one."""
        self._memory[0] = entry

    def spill(self) -> None:
        """Write what is held to disk, and from now on what comes.

        Without a usable disk everything stays in memory.
        """
        if self._file is not None:
            self.sync()
            return
        if self._disk_has_failed:
            return
        try:
            private_folder(self._path.parent)
            self._file = _private_file(self._path)
            if self._sign is not None:
                self._sign(self._path, self.first)
        except OSError:
            self._disk_has_failed = True
            self._stop_spilling()
            return
        self._read_from = 0
        held, self._memory = self._memory, deque()
        for entry in held:
            if self._file is None or not self._write(entry):
                self._memory.append(entry)
        self.sync()

    def sync(self) -> None:
        """Make what was spilt survive a loss of power."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.flush()
                os.fsync(self._file.fileno())

    def _write(self, entry: bytes) -> bool:
        assert self._file is not None  # noqa: S101  # callers have looked
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(entry + b"\n")
            self._file.flush()
        except OSError:
            self._leave_disk(end)
            return False
        return True

    def _leave_disk(self, end: int) -> None:
        """The disk is full: go on in memory, with what the file has up to `end` first in line."""
        assert self._file is not None  # noqa: S101  # callers have looked
        self._disk_has_failed = True
        self._file.seek(self._read_from)
        rest = self._file.read(end - self._read_from)
        self._memory.extend(rest.splitlines())
        self._stop_spilling()

    def _read_back(self) -> bool:
        if self._file is None:
            return False
        self._file.seek(self._read_from)
        for _ in range(_WINDOW):
            line = self._file.readline()
            if not line:
                break
            self._memory.append(line[:-1])
        self._read_from = self._file.tell()
        return bool(self._memory)

    def close(self) -> None:
        """Leave what is on disk there."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _stop_spilling(self) -> None:
        if self._file is not None:
            self.close()
            self._path.with_suffix(OWNER_SUFFIX).unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)


def _private_file(path: Path) -> BinaryIO:
    """The file, with a lock that says that its writer lives."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file
