"""How flows are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select

from runwright.api.flows import Flow, FlowCreate
from runwright.core.ids import NewId
from runwright.storage.queries import Resource
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = flow.c


def _to_wire(row: Any, _: datetime) -> Flow:
    return Flow(
        id=row.id,
        created=row.created,
        updated=row.updated,
        name=row.name,
        tags=row.tags,
        labels=row.labels,
    )


FLOWS: Resource[Flow] = Resource(
    table=flow,
    columns=tuple(flow.columns),
    to_wire=_to_wire,
    sorts={
        "NAME_ASC": (_c.name.asc(), _c.id),
        "NAME_DESC": (_c.name.desc(), _c.id),
        "CREATED_DESC": (_c.created.desc(), _c.id),
        "UPDATED_DESC": (_c.updated.desc(), _c.id),
    },
)

_by_name = Prepared(select(flow).where(_c.name == bindparam("wanted_name")))
_insert = Prepared(insert(flow))


def find_flow(tx: "Transaction", name: str) -> Flow | None:
    """The flow of that name."""
    row = tx.execute(_by_name, {"wanted_name": name}).first()
    return None if row is None else _to_wire(row, tx.now)


def ensure_flow(tx: "Transaction", wanted: FlowCreate, new_id: NewId) -> tuple[Flow, bool]:
    """The flow of that name, made where there was none, and whether it was made."""
    found = find_flow(tx, wanted.name)
    if found is not None:
        return found, False
    made = Flow(
        id=new_id(),
        created=tx.now,
        updated=tx.now,
        name=wanted.name,
        tags=wanted.tags,
        labels=wanted.labels or {},
    )
    tx.execute(
        _insert,
        {
            "id": made.id,
            "created": made.created,
            "updated": made.updated,
            "name": made.name,
            "tags": made.tags,
            "labels": made.labels,
        },
    )
    return made, True
