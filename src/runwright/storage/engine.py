"""The contract of a database: transactions, and waking those who wait for their effects.

A *use case* is a plain function of a `Transaction`. It runs whole or not at all, and may run more
than once (Postgres repeats it after a deadlock): it changes nothing but the database.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy.sql import Executable

from runwright.errors import ConfigurationError
from runwright.storage.dialect import Dialect
from runwright.storage.statements import Prepared, Result
from runwright.storage.waker import Waker

__all__ = ["Prepared", "Result", "Storage", "Transaction", "open_storage"]

T = TypeVar("T")


class Transaction(Protocol):
    """One transaction, handed to a use case."""

    dialect: Dialect

    @property
    def now(self) -> datetime:
        """The database's clock. SQLite: this process's, which does not jump with the wall's."""
        ...

    def saw_clock(self, now: datetime | None) -> None:
        """A statement has told the database's clock by the way: it need not be asked for `now`."""
        ...

    def execute(
        self,
        statement: Executable | Prepared,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> Result:
        """Execute one statement; with a list of parameters, once for each (and no rows)."""
        ...

    def wake(self, topic: str) -> None:
        """After the commit, wake whoever waits for `topic`, on any replica."""
        ...


class Storage(Protocol):
    """A database that is open. All methods belong to one event loop."""

    dialect: Dialect
    waker: Waker

    async def start(self) -> None:
        """Open the connections.

        Raises:
            DatabaseError: the database cannot be opened.
        """
        ...

    def was_full(self) -> bool:
        """Whether a write was refused for want of space since this was last asked."""
        ...

    async def stop(self) -> None:
        """Finish what was begun and close. Writes that come later are refused."""
        ...

    async def write(self, use_case: Callable[[Transaction], T]) -> T:
        """Run a use case and return its result once it is durable.

        Raises:
            StorageError: it could not be committed; nothing of it was kept.
            Exception: whatever the use case raised; nothing of it was kept.
        """
        ...

    async def jot(self, use_case: Callable[[Transaction], T]) -> T:
        """The same for what takes less than a millisecond: a few rows, found by their index."""
        ...

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run a query on one snapshot, beside the writers. It must not write.

        It holds up neither writers nor shorter queries, nor all long ones of other keys, and is
        given up after ten seconds. `turns.ASKER` says whose it is, and whether it may be short.

        Raises:
            QueryTooSlow: it was given up.
            StorageCrowded: too many long queries wait already.
        """
        ...

    async def survey(self, query: Callable[[Transaction], T]) -> T:
        """The same for background duties that may have to look at every row: one at a time, and
        however long it takes.
        """
        ...

    async def glance(self, query: Callable[[Transaction], T]) -> T:
        """The same for what is expected to be found at once: one statement, by an index.

        Where it takes longer all the same it is run again, as `read` would.
        """
        ...


def open_storage(database_url: str) -> Storage:
    """The database at `sqlite:///path/to/file.db` or `postgresql://user@host/name`.

    Raises:
        ConfigurationError: the URL names neither.
    """
    scheme, _, rest = database_url.partition("://")
    kind = scheme.partition("+")[0]
    if kind == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from runwright.storage.sqlite import SqliteStorage  # only the driver in use

        return SqliteStorage(rest[1:])
    if kind in {"postgresql", "postgres"}:
        from runwright.storage.postgres import PostgresStorage

        return PostgresStorage(f"postgresql+asyncpg://{rest}")
    raise ConfigurationError(
        f"The database URL {scheme}://... is neither sqlite nor postgresql. Give "
        "sqlite:////path/to/runwright.db or postgresql://user:password@host/database."
    )
