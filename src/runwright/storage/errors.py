"""What can go wrong with the database while the control plane runs.

runwright.errors.DatabaseError
└── StorageError              has a stable `code` and the HTTP `status` that fits it
    ├── StorageFull           the disk is full: nothing of the transaction was kept
    ├── StorageInterrupted    a query took longer than it was given; it goes on elsewhere
    ├── ResultTooLarge        a query found more bytes than it may gather; it is read in parts
    ├── QueryTooSlow          a query took longer than any is given
    ├── StorageCrowded        too many long queries wait already
    ├── StorageLost           the database was removed, replaced or damaged
    ├── StorageUnavailable    the database cannot be reached, or is too busy
    └── StorageStopped        the control plane is stopping
"""

from typing import Self

from runwright.errors import DatabaseError


class StorageError(DatabaseError):
    """A transaction could not be committed; nothing of it was kept."""

    code = "storage_error"
    status = 503


class StorageFull(StorageError):
    """The disk is full, or cannot be written. Work goes on by itself when there is space again."""

    code = "storage_full"
    status = 507


class StorageInterrupted(StorageError):
    """A query took longer than it was given; it goes on elsewhere."""

    code = "storage_interrupted"


class ResultTooLarge(StorageError):
    """A query found more bytes than it may gather at once; it is read in parts."""

    code = "result_too_large"


class QueryTooSlow(StorageError):
    """A query took longer than any is given."""

    code = "query_too_slow"
    status = 422  # the same query again would take as long

    @classmethod
    def after(cls, seconds: float) -> Self:
        """It was given up after so long."""
        return cls(
            f"The query was given up after {seconds:g} s, so that it does not hold up others. "
            "Narrow it: a shorter span of time, fewer values, or a filter on a state, flow or "
            "deployment, for which there are indexes."
        )


class StorageCrowded(StorageError):
    """Too many long queries wait already."""

    code = "too_many_long_queries"

    @classmethod
    def of(cls, waiting: int) -> Self:
        """So many wait."""
        return cls(
            f"{waiting} other long queries wait for the database already. Nothing is wrong with "
            "this one: send it again after the pause in Retry-After, or narrow it so that it is "
            "short."
        )


class StorageLost(StorageError):
    """What the server works with is no longer the database that it opened."""

    code = "database_lost"


class StorageUnavailable(StorageError):
    """The database does not answer."""

    code = "storage_unavailable"


class StorageStopped(StorageError):
    """The control plane is stopping and takes no more work."""

    code = "stopping"
