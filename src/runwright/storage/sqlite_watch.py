"""Watches the file of a database while a server has it open.

A thread looks at it twice a second, and the writer before each commit. What has become of it is
said once in the log; until it is undone, nothing is written and nothing is read.

The thread also sees to the write-ahead log. SQLite cannot begin it anew while somebody reads a
snapshot from before, so that it grows, and it never becomes shorter by itself.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress

from runwright.storage.errors import StorageLost
from runwright.storage.sqlite_connection import CHECKPOINT_AFTER, LARGEST_LOG, SqliteConnection
from runwright.storage.sqlite_file import SqliteFile

log = logging.getLogger("runwright.server")

_LOOK_EVERY = 0.5


class SqliteWatch:
    """Looks at a file, and tells `shorten_log` when the log may be cut."""

    def __init__(self, file: SqliteFile, shorten_log: Callable[[], None]) -> None:
        self._file = file
        self._shorten_log = shorten_log
        self._trouble: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sqlite-watch", daemon=True)
        #: The writer leaves it to this thread to copy a log that has grown large: it would keep
        #: its own writes waiting for that.
        self.log_is_large = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Blocking; the thread does nothing that takes long, but to copy a large log."""
        self._stopping.set()
        self._thread.join()

    def check(self) -> None:
        """Refuse to go on with a file that is known to be lost.

        Raises:
            StorageLost: it is.
        """
        if self._trouble is not None:
            raise StorageLost(self._trouble)

    def look(self) -> None:
        """Look now, from any thread.

        Raises:
            StorageLost: the file is not the one that was opened.
        """
        found = self._file.trouble()
        if found is None and self._trouble is not None:
            # It looks whole again from outside: it may have become another one.
            found = self._file.trouble_inside()
        if found is not None or self._trouble is not None:
            self._note(found)
            self.check()

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY):
            with suppress(OSError):
                found = self._file.trouble() or self._file.trouble_inside()
                self._note(found)
                if found is None:
                    self._see_to_log()

    def _note(self, found: str | None) -> None:
        before, self._trouble = self._trouble, found
        if found is not None and before is None:
            log.error("%s", found)
        elif found is None and before is not None:
            log.warning("The database is as it was before, and is used again.")

    def _see_to_log(self) -> None:
        self.log_is_large = self._file.log_size() > LARGEST_LOG
        if self.log_is_large and self._copy_log():
            self._shorten_log()

    def _copy_log(self) -> bool:
        """Copy what the log has into the database, beside readers and the writer; whether all of
        it has been, but for little that came meanwhile.
        """
        try:
            self._file.check()
            connection = SqliteConnection(self._file.path)
            with closing(connection):
                row = connection.raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (sqlite3.Error, StorageLost):  # the next time round
            return False
        _, pages, copied = row
        return bool(pages - copied < CHECKPOINT_AFTER)
