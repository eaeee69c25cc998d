"""How kept searches are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select

from runwright.api.saved_searches import SavedSearch, SavedSearchCreate
from runwright.storage.queries import Resource
from runwright.storage.tables import saved_search

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = saved_search.c
_FIELDS = SavedSearch.__struct_fields__


def _to_wire(row: Any, _: datetime) -> SavedSearch:
    return SavedSearch(**{name: getattr(row, name) for name in _FIELDS})


SAVED_SEARCHES: Resource[SavedSearch] = Resource(
    table=saved_search,
    columns=tuple(saved_search.columns),
    to_wire=_to_wire,
    as_stored=True,
    sorts={"NAME_ASC": (_c.name.asc(), _c.id)},
)


def put_search(tx: "Transaction", wanted: SavedSearchCreate, id_: UUID) -> tuple[SavedSearch, bool]:
    """Keep a search under its name; and whether the name is new."""
    filters = msgspec.to_builtins(wanted.filters)
    statement = tx.dialect.insert(saved_search).values(
        id=id_, created=tx.now, updated=tx.now, name=wanted.name, filters=filters
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"updated": statement.excluded.updated, "filters": statement.excluded.filters},
        )
    )
    kept = _to_wire(tx.execute(select(saved_search).where(_c.name == wanted.name)).one(), tx.now)
    return kept, kept.id == id_


def remove_search(tx: "Transaction", id_: UUID) -> bool:
    """Forget a search; False when there is none."""
    return tx.execute(delete(saved_search).where(_c.id == id_)).rowcount > 0
