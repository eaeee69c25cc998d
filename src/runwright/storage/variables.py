"""How variables are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update

from runwright.api.variables import Variable, VariableCreate, VariableUpdate
from runwright.storage.queries import Resource
from runwright.storage.tables import variable

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = variable.c
_FIELDS = Variable.__struct_fields__


def _to_wire(row: Any, _: datetime) -> Variable:
    return Variable(**{name: getattr(row, name) for name in _FIELDS})


VARIABLES: Resource[Variable] = Resource(
    table=variable,
    columns=tuple(variable.columns),
    to_wire=_to_wire,
    as_stored=True,
    sorts={
        "NAME_ASC": (_c.name.asc(), _c.id),
        "NAME_DESC": (_c.name.desc(), _c.id),
        "CREATED_DESC": (_c.created.desc(), _c.id),
        "UPDATED_DESC": (_c.updated.desc(), _c.id),
    },
)


def find_variable(tx: "Transaction", name: str) -> Variable | None:
    """The variable of that name."""
    row = tx.execute(select(variable).where(_c.name == name)).first()
    return None if row is None else _to_wire(row, tx.now)


def add_variable(tx: "Transaction", wanted: VariableCreate, id_: UUID) -> Variable:
    """A new variable. Its name must be free."""
    made = Variable(
        id=id_,
        created=tx.now,
        updated=tx.now,
        name=wanted.name,
        value=wanted.value,
        tags=wanted.tags,
    )
    tx.execute(insert(variable).values({name: getattr(made, name) for name in _FIELDS}))
    return made


def change_variable(tx: "Transaction", known_by: UUID | str, wanted: VariableUpdate) -> bool:
    """Change the variable of that id or name; False when there is none."""
    values: dict[str, Any] = {"updated": tx.now}
    if wanted.name is not None:
        values["name"] = wanted.name
    if wanted.tags is not None:
        values["tags"] = wanted.tags
    if wanted.value is not msgspec.UNSET:
        values["value"] = wanted.value
    return tx.execute(update(variable).where(_known_by(known_by)).values(values)).rowcount > 0


def remove_variable(tx: "Transaction", known_by: UUID | str) -> bool:
    """Delete the variable of that id or name; False when there is none."""
    return tx.execute(delete(variable).where(_known_by(known_by))).rowcount > 0


def _known_by(known_by: UUID | str) -> Any:
    return (_c.id if isinstance(known_by, UUID) else _c.name) == known_by
