"""A journal on disk: a first line that says whose it is, then one entry a line.

Its writer holds a lock on the file for as long as it lives; a file nobody locks is complete, or
all there will ever be of it.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry, without_nul
from runwright.private_files import narrow, private_folder
from runwright.sdk.descriptors import Identity, identity
from runwright.sdk.entry_encoding import EntryEncoder

try:
    import fcntl
except ImportError:  # Windows: the file's being open is all the lock there is
    fcntl = None

FORMAT_VERSION = 1
#: Bytes: a few states of flow runs.
_RESERVE = 8_192


class SpoolFile:
    """One journal file, open and locked.

    Raises:
        OSError: the directory cannot be written, or has no room for another file.
    """

    def __init__(
        self,
        directory: Path,
        root: UUID,
        execution_id: UUID,
        *,
        encode: Callable[[AnyEntry], bytes] | None = None,
        **header: Any,
    ) -> None:
        self.path = directory / f"{execution_id}.journal"
        self._encode = encode or EntryEncoder(msgspec.json.Encoder().encode)
        narrow(private_folder(directory))
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
        self._last_append = 0
        self.error: OSError | None = None
        self._reserve: _Reserve | None = None
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._identity = identity(self._file)
            self._append(msgspec.json.encode(first) + b"\n")
            unlocked.rename(self.path)
            self._reserve = _set_aside(directory / f".{execution_id}.reserve")
        except OSError:
            os.close(self._file)
            unlocked.unlink(missing_ok=True)
            raise

    def write(self, entries: list[AnyEntry]) -> int:
        """Append entries; how many of them. Fewer than given when the disk is full: see `error`."""
        encode = self._encode
        lines = [without_nul(encode(entry)) + b"\n" for entry in entries]
        try:
            self._append(b"".join(lines))
        except OSError as error:
            self.error = error
            kept, count = self._last_append, 0
            while count < len(lines) and kept >= len(lines[count]):
                kept -= len(lines[count])
                count += 1
            return count
        return len(entries)

    def free_reserve(self) -> None:
        """Give up the space that was set aside, so that the end of the run fits on a full disk."""
        reserve, self._reserve = self._reserve, None
        if reserve is not None and identity(reserve.descriptor) == reserve.identity:
            os.close(reserve.descriptor)

    def sync(self) -> None:
        """Have the disk keep what was written."""
        self._open_again_if_closed()
        os.fsync(self._file)

    def close(self) -> None:
        """Unlock it for its reader."""
        self.free_reserve()
        if identity(self._file) != self._identity:
            return  # users' code has closed it, and the number may stand for a file of theirs
        if fcntl is not None:
            # Said in so many words: a forked child may still have the file open.
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)

    def discard(self) -> None:
        """Delete it: everything in it has arrived by another way."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _open_again_if_closed(self) -> None:
        """Users' code closes descriptors; then others get their numbers."""
        if identity(self._file) == self._identity:
            return
        file = os.open(self.path, os.O_RDWR | os.O_APPEND)
        self._file, self._identity = file, identity(file)
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _append(self, content: bytes) -> None:
        self._last_append = written = 0
        self._open_again_if_closed()
        try:
            while written < len(content):
                written += os.write(self._file, content[written:])
        except OSError:
            # Never leave half a line behind, nor take back a whole one: its reader may have it.
            # Making a file shorter needs no space.
            written = content.rfind(b"\n", 0, written) + 1
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length + written)
                os.lseek(self._file, self._length + written, os.SEEK_SET)
            raise
        finally:
            self._last_append = written
            self._length += written


class _Reserve(NamedTuple):
    descriptor: int
    identity: Identity


def _set_aside(path: Path) -> _Reserve | None:
    """Space on the disk that belongs to nobody else, in a file without a name."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        path.unlink()
        os.write(handle, bytes(_RESERVE))
    except OSError:  # full already
        os.close(handle)
        return None
    return _Reserve(handle, identity(handle))
