"""What can go wrong with the database while the control plane runs.

runwright.errors.DatabaseError
└── StorageError              has a stable `code` and the HTTP `status` that fits it
    ├── StorageFull           the disk is full: nothing of the transaction was kept
    ├── StorageInterrupted    a query took longer than it was given
    ├── StorageUnavailable    the database cannot be reached, or is too busy
    └── StorageStopped        the control plane is stopping
"""

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


class StorageUnavailable(StorageError):
    """The database does not answer."""

    code = "storage_unavailable"


class StorageStopped(StorageError):
    """The control plane is stopping and takes no more work."""

    code = "stopping"
