"""A journal on disk: a first line that says whose it is, then one entry a line.

Its writer holds a lock on the file for as long as it lives; a file nobody locks is complete, or
all there will ever be of it.
"""

import contextlib
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry

try:
    import fcntl
except ImportError:  # Windows: the file's being open is all the lock there is
    fcntl = None

FORMAT_VERSION = 1


class SpoolFile:
    """One journal file, open and locked.

    Raises:
        OSError: from any method, when the disk is full or the directory cannot be written.
    """

    def __init__(self, directory: Path, root: UUID, execution_id: UUID, **header: Any) -> None:
        self.path = directory / f"{execution_id}.journal"
        self._encode = msgspec.json.Encoder().encode
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        first = {
            "root": str(root),
            "execution_id": str(execution_id),
            "version": FORMAT_VERSION,
            **header,
        }
        # Under another name until it is locked: an unlocked journal counts as its writer's end.
        unlocked = directory / f".{execution_id}.new"
        self._file = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self._length = 0
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._append(self._encode(first) + b"\n")
            unlocked.rename(self.path)
        except OSError:
            os.close(self._file)
            unlocked.unlink(missing_ok=True)
            raise

    def write(self, entries: list[AnyEntry]) -> None:
        """Append entries: all of them, or none when it fails."""
        encode = self._encode
        self._append(b"".join([encode(entry) + b"\n" for entry in entries]))

    def sync(self) -> None:
        """Have the disk keep what was written."""
        os.fsync(self._file)

    def close(self) -> None:
        """Unlock it for its reader."""
        if fcntl is not None:
            # Said in so many words: a forked child may still have the file open.
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)

    def discard(self) -> None:
        """Delete it: everything in it has arrived by another way."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _append(self, content: bytes) -> None:
        written = 0
        try:
            while written < len(content):
                written += os.write(self._file, content[written:])
        except OSError:
            # Never leave half a line behind. Making a file shorter needs no space.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length)
                os.lseek(self._file, self._length, os.SEEK_SET)
            raise
        self._length += written
