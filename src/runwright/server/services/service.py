"""What every background duty is, and the record of when one was last done."""

from typing import Any, Protocol

from sqlalchemy import bindparam, select

from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import service_pass

_PASSED = Prepared(
    lambda dialect: dialect.upsert(service_pass, ["name"], ["last_pass_at"]),
    columns=["name", "last_pass_at"],
)
LAST_PASS = Prepared(
    select(service_pass.c.last_pass_at).where(service_pass.c.name == bindparam("service"))
)


class Service(Protocol):
    """One duty. `server/duties.py` repeats its passes until the server stops."""

    async def one_pass(self) -> Any:
        """Do the duty once. Any number of replicas may do it at the same time."""
        ...


def note_pass(tx: Transaction, name: str) -> None:
    """Remember that a duty was done now."""
    tx.execute(_PASSED, {"name": name, "last_pass_at": tx.now})
