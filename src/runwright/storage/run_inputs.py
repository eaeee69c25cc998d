"""How inputs of flow runs are read and written."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import delete, insert, select

from runwright.api.run_inputs import RunInput, RunInputCreate, RunInputQuery
from runwright.storage.tables import flow_run_input

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = flow_run_input.c
_FIELDS = RunInput.__struct_fields__


def add_run_input(tx: "Transaction", run_id: UUID, wanted: RunInputCreate, id_: UUID) -> None:
    """Keep a value. The run must be there, and the key free."""
    tx.execute(
        insert(flow_run_input).values(
            id=id_,
            created=tx.now,
            updated=tx.now,
            flow_run_id=run_id,
            key=wanted.key,
            value=wanted.value,
            sender=wanted.sender,
        )
    )


def run_input_value(tx: "Transaction", run_id: UUID, key: str) -> str | None:
    """The value of a key; None where there is none."""
    found = select(_c.value).where(_c.flow_run_id == run_id, _c.key == key)
    return tx.execute(found).scalar()


def run_inputs(tx: "Transaction", run_id: UUID, query: RunInputQuery, limit: int) -> list[RunInput]:
    """The inputs that the query asks for."""
    rows = tx.execute(
        select(flow_run_input)
        .where(
            _c.flow_run_id == run_id,
            _c.key.startswith(query.prefix, autoescape=True),
            _c.key.not_in(query.exclude_keys),
        )
        .order_by(_c.created, _c.id)
        .limit(limit)
    )
    return [RunInput(**{name: getattr(row, name) for name in _FIELDS}) for row in rows]


def remove_run_input(tx: "Transaction", run_id: UUID, key: str) -> bool:
    """Delete the value of a key; False when there is none."""
    found = delete(flow_run_input).where(_c.flow_run_id == run_id, _c.key == key)
    return tx.execute(found).rowcount > 0
