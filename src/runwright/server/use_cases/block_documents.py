"""Blocks: made, changed and shown. They are sealed as a whole; secrets are hidden when shown."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.blocks import (
    BlockDocument,
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchema,
)
from runwright.core.block_secrets import Place, hide, is_kept, restore, secret_places
from runwright.core.ids import NewId
from runwright.core.texts import listed
from runwright.server.problems import Conflict, Denied, Missing, Unprocessable
from runwright.server.vault import Sealed, Vault
from runwright.storage.block_documents import (
    BLOCK_DOCUMENTS,
    DocumentRow,
    add_document,
    change_document,
    every_document,
    find_document,
    key_ids,
)
from runwright.storage.blocks import BLOCK_SCHEMAS
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one

#: Blocks in blocks are followed so far: a block can be made to hold itself.
_DEEPEST = 10
_REFERENCE = "$ref"


def create_document(
    tx: Transaction, wanted: BlockDocumentCreate, vault: Vault, new_id: NewId
) -> UUID:
    """Make a block; its id.

    Raises:
        Missing: there is no such schema.
        Unprocessable: it has no name, or its schema is of another type.
        Conflict: there is a block of that type and name.
    """
    schema = _schema(tx, wanted.block_schema_id)
    if schema.block_type_id != wanted.block_type_id:
        raise Unprocessable(
            f"Block schema {schema.id} belongs to the type {schema.block_type.name!r}, not to "
            f"{wanted.block_type_id}.",
            field="block_schema_id",
        )
    id_ = new_id()
    if wanted.name is None and not wanted.is_anonymous:
        raise Unprocessable("A block that is not anonymous needs a name.", field="name")
    name = wanted.name or f"anonymous-{id_}"
    if find_document(tx, wanted.block_type_id, name) is not None:
        raise Conflict(
            f"There is a block {name!r} of the type {schema.block_type.name!r} already. "
            "Change that one, or choose another name."
        )
    sealed = _seal(tx, vault, id_, wanted.data)
    row = DocumentRow(
        id=id_,
        created=tx.now,
        updated=tx.now,
        name=name,
        block_type_id=wanted.block_type_id,
        block_schema_id=wanted.block_schema_id,
        is_anonymous=wanted.is_anonymous,
        secret_fields=_secret_fields(schema),
        **msgspec.structs.asdict(sealed),
    )
    add_document(tx, row)
    return id_


def update_document(
    tx: Transaction,
    id_: UUID,
    wanted: BlockDocumentUpdate,
    vault: Vault,
    *,
    may_see_secrets: bool,
) -> None:
    """Change a block. Secrets that come back hidden stay as they are.

    Who may not see secrets cannot make them public by another schema, nor keep them while anything
    else changes: it may say where they are sent.

    Raises:
        Missing: there is no such block, or no such schema.
        Unprocessable: the schema is of another type.
        AmbiguousSecret: it is not clear which hidden value is to be kept.
        Denied: a secret would be kept beside something that changes.
    """
    row = document_of(tx, id_)
    values: dict[str, Any] = {}
    schema = _schema(tx, row.block_schema_id)
    secret = _secret_fields_of(row, schema)
    if wanted.block_schema_id is not None and wanted.block_schema_id != row.block_schema_id:
        schema = _schema(tx, wanted.block_schema_id)
        if schema.block_type_id != row.block_type_id:
            raise Unprocessable(
                f"Block schema {schema.id} belongs to the type {schema.block_type.name!r}: a block "
                "keeps its type.",
                field="block_schema_id",
            )
        values["block_schema_id"] = schema.id
    fields = _secret_fields(schema)
    values["secret_fields"] = fields if may_see_secrets else sorted({*secret, *fields})
    kept = _open(vault, row)
    data = restore(wanted.data, kept)
    if wanted.merge_existing_data:
        data = kept | data
    if not may_see_secrets:
        _refuse_redirection(wanted, kept, data, values["secret_fields"])
    values |= msgspec.structs.asdict(_seal(tx, vault, id_, data))
    change_document(tx, id_, values)


def shown(
    tx: Transaction, row: DocumentRow, vault: Vault, *, include_secrets: bool, depth: int = 0
) -> BlockDocument:
    """A block as clients see it, with the blocks in it."""
    schema = _schema(tx, row.block_schema_id)
    data = _open(vault, row)
    if not include_secrets:
        data = hide(data, _secret_fields_of(row, schema))
    references: dict[str, dict[str, Any]] = {}
    for field, inner_id in _references(data).items():
        inner = read_one(tx, BLOCK_DOCUMENTS, inner_id) if depth < _DEEPEST else None
        if inner is None:
            continue
        found = shown(tx, inner, vault, include_secrets=include_secrets, depth=depth + 1)
        data[field] = found.data
        about = {
            "id": found.id,
            "name": found.name,
            "block_type": found.block_type,
            "is_anonymous": found.is_anonymous,
            "block_document_references": found.block_document_references,
        }
        references[field] = {"block_document": about}
    return BlockDocument(
        id=row.id,
        created=row.created,
        updated=row.updated,
        name=row.name,
        data=data,
        block_schema_id=row.block_schema_id,
        block_schema=schema,
        block_type_id=row.block_type_id,
        block_type_name=schema.block_type.name,
        block_type=schema.block_type,
        block_document_references=references,
        is_anonymous=row.is_anonymous,
    )


def what_is_sent(tx: Transaction, id_: UUID, vault: Vault) -> tuple[str, dict[str, Any]]:
    """The slug of a block's type, and all that is in it, for the server to send.

    Blocks in it stay references: who makes a block may name others whose secrets they cannot see.

    Raises:
        Missing: there is no such block.
    """
    row = document_of(tx, id_)
    return _schema(tx, row.block_schema_id).block_type.slug, _open(vault, row)


def rewrap_all(tx: Transaction, vault: Vault) -> int:
    """Put every block under the vault's first key; how many were under another."""
    changed = 0
    for row in every_document(tx):
        fresh = vault.rewrap(_sealed(row), _about(row.id))
        if fresh is not None:
            change_document(tx, row.id, msgspec.structs.asdict(fresh))
            changed += 1
    return changed


def _refuse_redirection(
    wanted: BlockDocumentUpdate,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    secret_fields: list[str],
) -> None:
    places = secret_places(before, secret_fields)
    merges = wanted.merge_existing_data
    kept = {place for place in places if is_kept(wanted.data, place, merges=merges)}
    if not kept:
        return
    if kept == places and hide(before, secret_fields) == hide(after, secret_fields):
        return
    raise Denied(
        f"This change would keep what is secret in {_named(kept)} and change other values of the "
        "block: they may say where the secret is sent. Give all secrets anew, or use a key with "
        "the scope blocks:secrets.",
        status=403,
    )


def _named(places: set[Place]) -> str:
    return listed(sorted(".".join(map(str, place)) for place in places), 5)


def _secret_fields(schema: BlockSchema) -> list[str]:
    found = schema.fields.get("secret_fields")
    return sorted(
        {each for each in found if isinstance(each, str)} if isinstance(found, list) else ()
    )


def _secret_fields_of(row: DocumentRow, schema: BlockSchema) -> list[str]:
    """What its schema calls secret, and what an earlier one did."""
    return sorted({*(row.secret_fields or ()), *_secret_fields(schema)})


def _seal(tx: Transaction, vault: Vault, id_: UUID, data: Mapping[str, Any]) -> Sealed:
    strange = [key_id for key_id in key_ids(tx) if vault.lacks(key_id)]
    if strange:
        raise Conflict(
            f"There are blocks sealed under the key {strange[0]}, which is not in {vault.path}: "
            "another server made them. Servers that share a database share that file: copy it.",
            code="encryption_key_missing",
        )
    return vault.seal(msgspec.json.encode(data), _about(id_))


def _open(vault: Vault, row: DocumentRow) -> dict[str, Any]:
    return msgspec.json.decode(vault.open(_sealed(row), _about(row.id)))


def _sealed(row: DocumentRow) -> Sealed:
    return Sealed(row.key_id, row.wrapped_key, row.content)


def _about(id_: UUID) -> str:
    return f"block_document {id_}"


def _references(data: Mapping[str, Any]) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for field, value in data.items():
        inner = value.get(_REFERENCE) if isinstance(value, Mapping) else None
        id_ = inner.get("block_document_id") if isinstance(inner, Mapping) else None
        if isinstance(id_, str):
            try:
                found[field] = UUID(id_)
            except ValueError:
                continue
    return found


def document_of(tx: Transaction, id_: UUID) -> DocumentRow:
    """The block of that id.

    Raises:
        Missing: there is none.
    """
    row = read_one(tx, BLOCK_DOCUMENTS, id_)
    if row is None:
        raise Missing(f"There is no block {id_}.")
    return row


def _schema(tx: Transaction, id_: UUID) -> BlockSchema:
    schema = read_one(tx, BLOCK_SCHEMAS, id_)
    if schema is None:
        raise Missing(f"There is no block schema {id_}. Register it first.")
    return schema
