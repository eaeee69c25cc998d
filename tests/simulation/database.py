"""A database in memory whose transactions can be stopped before and after their commit."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from runwright.storage.engine import Transaction
from runwright.storage.sqlite_connection import SqliteConnection, SqliteTransaction
from runwright.storage.tables import metadata

T = TypeVar("T")


class Database:
    """One transaction at a time, as on SQLite; every server of a world shares it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._connection = SqliteConnection(None)
        _empty().raw.backup(self._connection.raw)

    def run(self, use_case: Callable[[Transaction], T], *, is_kept: bool = True) -> T:
        """Carry a use case out; not `is_kept`: the server dies before its commit."""
        raw = self._connection.raw
        raw.execute("BEGIN")
        try:
            result = use_case(SqliteTransaction(self._connection, self._now(), set()))
        except BaseException:
            raw.execute("ROLLBACK")
            raise
        raw.execute("COMMIT" if is_kept else "ROLLBACK")
        return result

    def close(self) -> None:
        self._connection.core.close()
        self._connection.close()


@lru_cache(1)
def _empty() -> SqliteConnection:
    connection = SqliteConnection(None)
    metadata.create_all(connection.core)
    return connection
