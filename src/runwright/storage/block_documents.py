"""How blocks are read and written; what is in them is sealed."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update

from runwright.storage.queries import Resource
from runwright.storage.tables import block_document, block_type

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_d, _t = block_document.c, block_type.c


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A block as it is stored."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    block_type_id: UUID
    block_schema_id: UUID
    is_anonymous: bool
    key_id: str
    wrapped_key: str
    content: str
    secret_fields: list[str] | None = None


_FIELDS = DocumentRow.__struct_fields__


def _row(row: Any, _: datetime) -> DocumentRow:
    return DocumentRow(**{name: getattr(row, name) for name in _FIELDS})


BLOCK_DOCUMENTS: Resource[DocumentRow] = Resource(
    table=block_document,
    columns=tuple(block_document.columns),
    to_wire=_row,
    sorts={
        "NAME_ASC": (_d.name.asc(), _d.id),
        "NAME_DESC": (_d.name.desc(), _d.id),
        "BLOCK_TYPE_AND_NAME_ASC": (_t.name.asc(), _d.name.asc(), _d.id),
    },
    source=block_document.join(block_type, _t.id == _d.block_type_id),
)


def find_document(tx: "Transaction", block_type_id: UUID, name: str) -> DocumentRow | None:
    """The block of that name among those of a type."""
    found = select(block_document).where(_d.block_type_id == block_type_id, _d.name == name)
    row = tx.execute(found).first()
    return None if row is None else _row(row, tx.now)


def add_document(tx: "Transaction", row: DocumentRow) -> None:
    """A new block. Its name must be free among those of its type."""
    tx.execute(insert(block_document).values(msgspec.structs.asdict(row)))


def change_document(tx: "Transaction", id_: UUID, values: Mapping[str, Any]) -> None:
    """Change columns of a block."""
    tx.execute(update(block_document).where(_d.id == id_).values(updated=tx.now, **values))


def remove_document(tx: "Transaction", id_: UUID) -> bool:
    """Delete a block; False when there is none."""
    return tx.execute(delete(block_document).where(_d.id == id_)).rowcount > 0


def key_ids(tx: "Transaction") -> list[str]:
    """The keys under which there are values."""
    return sorted(tx.execute(select(_d.key_id).distinct()).scalars())


def every_document(tx: "Transaction") -> Iterator[DocumentRow]:
    """All blocks."""
    for row in tx.execute(select(block_document).order_by(_d.id)).all():
        yield _row(row, tx.now)
