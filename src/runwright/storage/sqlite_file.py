"""The file of a SQLite database, and whether it is still the one that was opened.

SQLite does not look: once open, it goes on writing to a file that was deleted or replaced, and to a
write-ahead log that has no name any more. All of it is gone with the process.

Beware: closing any descriptor of a database takes away the locks that SQLite holds on it in the
same process. The descriptor here is closed after all connections.
"""

import os
from pathlib import Path

from runwright.private_files import narrow, private_folder, private_opener
from runwright.storage.errors import StorageLost

_HEADER = 100
_MAGIC = b"SQLite format 3\x00"
_PAGE_SIZE = slice(16, 18)
_PAGES = slice(28, 32)
_USER_VERSION = slice(60, 64)
#: What the page size is written as when it does not fit into two bytes.
_LARGEST_PAGE = (1, 65_536)
_WHAT_NEXT = (
    "Nothing is written until that is undone. Stop the server, put the database in its place "
    "(the file that was moved, or a backup with: runwright db restore), and start it again."
)


class SqliteFile:
    """A database file, to be opened once and watched from any thread."""

    def __init__(self, path: str) -> None:
        #: As it was named: what the name leads to now is compared with what was opened.
        self._name = Path(path).absolute()
        self._name_text = str(self._name)
        #: Where SQLite finds it, and beside it its log.
        self.path = Path(os.path.realpath(path))
        self._log_path = f"{self.path}-wal"
        self._handle: int | None = None
        self._identity = (0, 0)
        self._log_identity: tuple[int, int] | None = None
        self._size = 0
        self._number: bytes | None = None

    def open(self) -> None:
        """Make the file where there is none. It, its log and its index are made private.

        Raises:
            OSError: it cannot be.
        """
        private_folder(self.path.parent)
        self._handle = private_opener(str(self.path), os.O_RDWR | os.O_CREAT)
        for suffix in ("-wal", "-shm"):  # SQLite makes new ones with the mode of the file
            narrow(Path(f"{self.path}{suffix}"))
        found = os.fstat(self._handle)
        self._identity = found.st_dev, found.st_ino
        self._size = found.st_size

    def close(self) -> None:
        """After all connections."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def connected(self, number: int) -> None:
        """A connection has been opened: note its log. `number` is the database's own."""
        self._log_identity = _identity(self._log_path)
        self._number = number.to_bytes(4, "big")

    def check(self) -> None:
        """A connection may be opened: it would make an empty database where there is none.

        Raises:
            StorageLost: the file is not the one that was opened.
        """
        trouble = self._trouble_of_file()
        if trouble is not None:
            raise StorageLost(trouble)

    def trouble(self) -> str | None:
        """What is wrong with the file or its log; two look-ups of names."""
        return self._trouble_of_file() or self._trouble_of_log()

    def trouble_inside(self) -> str | None:
        """What is wrong with the first bytes of the file: another one was copied over it."""
        header = b"" if self._handle is None else os.pread(self._handle, _HEADER, 0)
        if not header or self._number is None:
            return None
        if header[:16] == _MAGIC and header[_USER_VERSION] in {self._number, bytes(4)}:
            return None
        return (
            f"The database {self._name} was overwritten while the server had it open. {_WHAT_NEXT}"
        )

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        try:
            return os.stat(self._log_path).st_size  # noqa: PTH116  # see _identity
        except OSError:
            return 0

    def _trouble_of_file(self) -> str | None:
        try:
            found = os.stat(self._name_text)  # noqa: PTH116  # see _identity
        except OSError as error:
            return (
                f"The database {self._name} was removed or moved while the server had it open "
                f"({error.strerror}). {_WHAT_NEXT}"
            )
        if (found.st_dev, found.st_ino) != self._identity:
            return (
                f"The database {self._name} was replaced by another file while the server had it "
                f"open. {_WHAT_NEXT}"
            )
        if found.st_size < self._size and not self._is_whole(found.st_size):
            return (
                f"The database {self._name} was cut from {self._size} to {found.st_size} bytes "
                f"while the server had it open. {_WHAT_NEXT}"
            )
        self._size = found.st_size
        return None

    def _is_whole(self, size: int) -> bool:
        """Whether a file that has become shorter is as long as it says: VACUUM makes it shorter."""
        header = b"" if self._handle is None else os.pread(self._handle, _HEADER, 0)
        if len(header) < _HEADER:
            return False
        page = int.from_bytes(header[_PAGE_SIZE], "big")
        page = _LARGEST_PAGE[1] if page == _LARGEST_PAGE[0] else page
        return int.from_bytes(header[_PAGES], "big") * page <= size

    def _trouble_of_log(self) -> str | None:
        if self._log_identity is None or _identity(self._log_path) == self._log_identity:
            return None
        return (
            f"The write-ahead log {self._log_path} was removed or replaced while the server had it "
            "open. Nothing is written until that is undone. Stop the server with SIGTERM: it then "
            "copies what it still has of the log into the database. Then start it again."
        )


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # before each commit: Path takes twice as long
    except OSError:
        return None
    return found.st_dev, found.st_ino
