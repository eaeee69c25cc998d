"""How types and schemas of blocks are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update

from runwright.api.blocks import (
    BlockSchema,
    BlockSchemaCreate,
    BlockType,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from runwright.storage.queries import Resource
from runwright.storage.tables import block_schema, block_type

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_t, _s = block_type.c, block_schema.c
_TYPE_FIELDS = BlockType.__struct_fields__
_SCHEMA_FIELDS = tuple(name for name in BlockSchema.__struct_fields__ if name != "block_type")


def _type_to_wire(row: Any, _: datetime) -> BlockType:
    return BlockType(**{name: getattr(row, name) for name in _TYPE_FIELDS})


def _schema_to_wire(row: Any, _: datetime) -> BlockSchema:
    # `fields` and `version` are columns; a row's own methods have other names.
    kind = BlockType(**{name: getattr(row, f"type_{name}") for name in _TYPE_FIELDS})
    return BlockSchema(
        **{name: getattr(row, f"schema_{name}") for name in _SCHEMA_FIELDS}, block_type=kind
    )


BLOCK_TYPES: Resource[BlockType] = Resource(
    table=block_type,
    columns=tuple(block_type.columns),
    to_wire=_type_to_wire,
    sorts={"NAME_ASC": (_t.name.asc(), _t.id)},
)
BLOCK_SCHEMAS: Resource[BlockSchema] = Resource(
    table=block_schema,
    columns=(
        *(_s[name].label(f"schema_{name}") for name in _SCHEMA_FIELDS),
        *(_t[name].label(f"type_{name}") for name in _TYPE_FIELDS),
    ),
    to_wire=_schema_to_wire,
    sorts={"CREATED_DESC": (_s.created.desc(), _s.id.desc())},
    source=block_schema.join(block_type, _t.id == _s.block_type_id),
)


def find_block_type(tx: "Transaction", slug: str) -> BlockType | None:
    """The type of that slug."""
    row = tx.execute(select(block_type).where(_t.slug == slug)).first()
    return None if row is None else _type_to_wire(row, tx.now)


def is_type_taken(tx: "Transaction", wanted: BlockTypeCreate) -> bool:
    """Whether a type has that name or slug."""
    same = select(_t.id).where((_t.name == wanted.name) | (_t.slug == wanted.slug))
    return tx.execute(same).first() is not None


def add_block_type(tx: "Transaction", wanted: BlockTypeCreate, id_: UUID) -> BlockType:
    """A new type. Its name and slug must be free."""
    made = BlockType(
        id=id_, created=tx.now, updated=tx.now, **msgspec.structs.asdict(wanted), is_protected=False
    )
    tx.execute(insert(block_type).values(msgspec.structs.asdict(made)))
    return made


def change_block_type(tx: "Transaction", id_: UUID, wanted: BlockTypeUpdate) -> bool:
    """Change what is said about a type; False when there is none."""
    given = msgspec.structs.asdict(wanted).items()
    values = {name: value for name, value in given if value is not msgspec.UNSET}
    changed = update(block_type).where(_t.id == id_).values(updated=tx.now, **values)
    return tx.execute(changed).rowcount > 0


def remove_block_type(tx: "Transaction", id_: UUID) -> None:
    """Delete a type and its schemas."""
    tx.execute(delete(block_type).where(_t.id == id_))


def find_block_schema(
    tx: "Transaction", checksum: str, version: str | None = None
) -> BlockSchema | None:
    """The schema of that checksum; the newest, or that of a version."""
    found = BLOCK_SCHEMAS.select().where(_s.checksum == checksum)
    if version is not None:
        found = found.where(_s.version == version)
    row = tx.execute(found.order_by(_s.created.desc(), _s.id.desc()).limit(1)).first()
    return None if row is None else _schema_to_wire(row, tx.now)


def add_block_schema(
    tx: "Transaction", wanted: BlockSchemaCreate, kind: BlockType, checksum: str, id_: UUID
) -> BlockSchema:
    """A new schema of a type. Its checksum and version must be free."""
    made = BlockSchema(
        id=id_,
        created=tx.now,
        updated=tx.now,
        checksum=checksum,
        fields={"block_schema_references": {}, **wanted.fields},
        block_type_id=kind.id,
        block_type=kind,
        capabilities=wanted.capabilities,
        version=wanted.version,
    )
    tx.execute(insert(block_schema).values({name: getattr(made, name) for name in _SCHEMA_FIELDS}))
    return made


def remove_block_schema(tx: "Transaction", id_: UUID) -> None:
    """Delete a schema."""
    tx.execute(delete(block_schema).where(_s.id == id_))


def all_capabilities(tx: "Transaction") -> list[str]:
    """What blocks can do: each capability of any schema, once."""
    rows = tx.execute(select(_s.capabilities).distinct()).all()
    return sorted({capability for row in rows for capability in row.capabilities})
