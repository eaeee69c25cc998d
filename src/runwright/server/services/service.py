"""The record of when a background duty was last done: what an outage is told by."""

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


def note_pass(tx: Transaction, name: str) -> None:
    """Remember that a duty was done now."""
    tx.execute(_PASSED, {"name": name, "last_pass_at": tx.now})
