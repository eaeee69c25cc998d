"""Whether the database that Postgres connects to by a name is still the one it was.

All connections end when a database is dropped. What a new one finds under the same name may be
another database: each new connection is therefore asked once for the identity that is stored in it.
A dump carries it along, so that a restored database is the same one.
"""

import logging
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from runwright.storage.errors import StorageLost

log = logging.getLogger("runwright.server")

_GONE = (asyncpg.UndefinedTableError, asyncpg.InvalidCatalogNameError)
_READ = "SELECT value #>> '{}' FROM configuration WHERE name = 'database_identity'"
_MAKE = (
    "INSERT INTO configuration (name, value) VALUES ('database_identity', to_jsonb($1::text)) "
    "ON CONFLICT DO NOTHING"
)
LOST = (
    "The database was dropped, emptied or replaced by another one while the server ran{}. Nothing "
    "is written to what is there now. Stop the server, restore the database from its backup, and "
    "start the server again; to begin with what is there, only start it again."
)


class PostgresIdentity:
    """Looks at each new connection of an engine, once the first has said which database it is."""

    def __init__(self) -> None:
        self._known: str | None = None
        self._is_lost = False

    def watch(self, engine: AsyncEngine) -> None:
        """Look at the connections that this engine will open."""
        event.listen(engine.sync_engine, "connect", self._connected)

    async def learn(self, connection: Any) -> None:
        """Read it, or make it; a database without tables has none."""
        try:
            await connection.execute(_MAKE, str(uuid4()))
            self._known = await connection.fetchval(_READ)
        except _GONE:
            return

    def lost(self, why: str = "") -> StorageLost:
        """The refusal; said once in the log as well."""
        text = LOST.format(f" ({why})" if why else "")
        if not self._is_lost:
            self._is_lost = True
            log.error("%s", text)
        return StorageLost(text)

    def _connected(self, dbapi_connection: Any, _record: Any) -> None:
        if self._known is not None:
            dbapi_connection.run_async(self._check)

    async def _check(self, connection: Any) -> None:
        try:
            found = await connection.fetchval(_READ)
        except _GONE as error:
            raise self.lost(str(error)) from error
        if found != self._known:
            raise self.lost()
        if self._is_lost:
            self._is_lost = False
            log.warning("The database is there again, and is used again.")
