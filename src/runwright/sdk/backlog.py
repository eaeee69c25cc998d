"""Entries that wait for the control plane: in memory, and on disk when they are many."""

import contextlib
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry
from runwright.sdk.entry_encoding import EntryEncoder
from runwright.sdk.spool_file import SpoolFile


class Backlog:
    """Numbered entries, oldest first. Any thread may add; one sends and acknowledges."""

    def __init__(self, *, most_in_memory: int = 50_000) -> None:
        self._memory: deque[AnyEntry] = deque()
        self._most_in_memory = most_in_memory
        #: The number of the oldest entry that is still here.
        self._first = 0
        self._overflow: IO[bytes] | None = None
        self._overflow_count = 0
        self._read_to = 0
        self._encode = EntryEncoder(msgspec.json.Encoder().encode)
        self._decode = msgspec.json.Decoder(AnyEntry).decode
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._memory) + self._overflow_count

    @property
    def next_number(self) -> int:
        """The number that the next entry will get."""
        with self._lock:
            return self._first + len(self)

    def add(self, entry: AnyEntry) -> int:
        """The number of the entry."""
        with self._lock:
            number = self._first + len(self._memory) + self._overflow_count
            if self._overflow_count or len(self._memory) >= self._most_in_memory:
                self._add_to_disk(entry)
            else:
                self._memory.append(entry)
            return number

    def batch(self, limit: int) -> tuple[int, list[AnyEntry]]:
        """The oldest entries, at most `limit`, and the number of the first."""
        with self._lock:
            if len(self._memory) < limit:
                self._refill(limit)
            count = min(limit, len(self._memory))
            return self._first, [self._memory[i] for i in range(count)]

    def replace_first(self, entry: AnyEntry) -> None:
        """Put another entry in the place of the oldest one."""
        with self._lock:
            self._memory[0] = entry

    def acknowledge(self, below: int) -> None:
        """Entries before number `below` have arrived."""
        with self._lock:
            while self._first < below and self._memory:
                self._memory.popleft()
                self._first += 1

    def keep(self, directory: Path, root: UUID, execution_id: UUID, token: int, url: str) -> Path:
        """Write all that is left to a journal file, for a later run to deliver.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            file = SpoolFile(
                directory, root, execution_id, first=self._first, token=token, api_url=url
            )
            try:
                while self._memory:
                    if file.write(list(self._memory)) < len(self._memory) and file.error:
                        raise file.error
                    self._first += len(self._memory)
                    self._memory.clear()
                    self._refill(2_000)
                file.sync()
            finally:
                file.close()
            return file.path

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._memory.clear()
            if self._overflow is not None:
                self._overflow.close()

    def _add_to_disk(self, entry: AnyEntry) -> None:
        if self._overflow is None:
            self._overflow = tempfile.TemporaryFile(prefix="runwright-")  # noqa: SIM115
        try:
            self._overflow.seek(0, 2)
            self._overflow.write(self._encode(entry) + b"\n")
        except OSError:
            # Neither disk nor a bound: rather more memory than a hole in the record.
            self._refill(self._overflow_count)
            self._memory.append(entry)
        else:
            self._overflow_count += 1

    def _refill(self, limit: int) -> None:
        if self._overflow is None or not self._overflow_count:
            return
        self._overflow.seek(self._read_to)
        for _ in range(min(limit, self._overflow_count)):
            self._memory.append(self._decode(self._overflow.readline()))
            self._overflow_count -= 1
        self._read_to = self._overflow.tell()
        if not self._overflow_count:
            self._read_to = 0
            with contextlib.suppress(OSError):
                self._overflow.truncate(0)
