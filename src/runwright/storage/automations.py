"""How automations are read and written."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update

from runwright.api.automations import Automation
from runwright.storage.json_columns import array_has
from runwright.storage.queries import Resource
from runwright.storage.tables import automation

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = automation.c
_FIELDS = Automation.__struct_fields__
_MOST_RELATED = 200


def _to_wire(row: Any, _: datetime) -> Automation:
    return Automation(**{name: getattr(row, name) for name in _FIELDS})


AUTOMATIONS: Resource[Automation] = Resource(
    table=automation,
    columns=tuple(_c[name] for name in _FIELDS),
    to_wire=_to_wire,
    as_stored=True,
    sorts={
        "NAME_ASC": (_c.name.asc(), _c.id),
        "NAME_DESC": (_c.name.desc(), _c.id),
        "CREATED_DESC": (_c.created.desc(), _c.id),
        "UPDATED_DESC": (_c.updated.desc(), _c.id),
    },
)


def add_automation(tx: "Transaction", id_: UUID, values: Mapping[str, Any]) -> None:
    """A new automation."""
    tx.execute(insert(automation).values(id=id_, created=tx.now, updated=tx.now, **values))


def change_automation(tx: "Transaction", id_: UUID, values: Mapping[str, Any]) -> bool:
    """Change an automation; False when there is none."""
    changed = update(automation).where(_c.id == id_).values(updated=tx.now, **values)
    return tx.execute(changed).rowcount > 0


def remove_automation(tx: "Transaction", id_: UUID) -> bool:
    """Delete an automation; False when there is none."""
    return tx.execute(delete(automation).where(_c.id == id_)).rowcount > 0


def remove_owned(tx: "Transaction", resource_id: str) -> int:
    """Delete the automations that a resource owns; how many there were."""
    return tx.execute(delete(automation).where(_c.owner_resource == resource_id)).rowcount


def related_to(tx: "Transaction", resource_id: str) -> list[Automation]:
    """The automations that a resource owns, that wait for its events, or that act on it."""
    found = (
        select(*AUTOMATIONS.columns)
        .where(or_(_c.owner_resource == resource_id, array_has(_c.related, resource_id)))
        .order_by(_c.name, _c.id)
        .limit(_MOST_RELATED)
    )
    return [_to_wire(row, tx.now) for row in tx.execute(found)]
