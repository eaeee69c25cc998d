"""What every background duty has in common: it is repeated until the server stops."""

import asyncio
import logging

from sqlalchemy import bindparam, select

from runwright.storage.engine import Storage, Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import service_pass

_PASSED = Prepared(
    lambda dialect: dialect.upsert(service_pass, ["name"], ["last_pass_at"]),
    columns=["name", "last_pass_at"],
)
LAST_PASS = Prepared(
    select(service_pass.c.last_pass_at).where(service_pass.c.name == bindparam("service"))
)
_log = logging.getLogger("runwright.server")


class Service:
    """One duty. A pass that fails is logged; the next one comes all the same."""

    name: str
    #: Seconds between the end of a pass and the next.
    interval: float

    def __init__(self, storage: Storage, *, interval: float | None = None) -> None:
        self.storage = storage
        if interval is not None:
            self.interval = interval

    async def one_pass(self) -> None:
        """Do the duty once. Any number of replicas may do it at the same time."""
        raise NotImplementedError

    async def run(self) -> None:
        """Repeat the duty until cancelled."""
        while True:
            try:
                await self.one_pass()
            except Exception:  # a duty goes on whatever happened
                _log.exception("The %s failed and goes on in %.1f s.", self.name, self.interval)
            await asyncio.sleep(self.interval)


def note_pass(tx: Transaction, name: str) -> None:
    """Remember that a duty was done now."""
    tx.execute(_PASSED, {"name": name, "last_pass_at": tx.now})
