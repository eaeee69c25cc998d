"""Types and schemas of blocks on the wire: what a block of users' code looks like."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from runwright.api import limits

BlockTypeName = Annotated[str, msgspec.Meta(max_length=limits.MAX_NAME, pattern=r"^[^/%&><]+$")]
Slug = Annotated[str, msgspec.Meta(max_length=limits.MAX_NAME, pattern=r"^[a-z0-9-]+$")]


class BlockType(msgspec.Struct, frozen=True, kw_only=True):
    """One class of blocks. Protected ones cannot be deleted."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockTypeCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /block_types/`: 201, or 409 when the name or the slug is taken."""

    name: BlockTypeName
    slug: Slug
    logo_url: limits.Path | None = None
    documentation_url: limits.Path | None = None
    description: limits.Description | None = None
    code_example: limits.Description | None = None


class BlockTypeUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /block_types/{id}`."""

    logo_url: limits.Path | msgspec.UnsetType | None = msgspec.UNSET
    documentation_url: limits.Path | msgspec.UnsetType | None = msgspec.UNSET
    description: limits.Description | msgspec.UnsetType | None = msgspec.UNSET
    code_example: limits.Description | msgspec.UnsetType | None = msgspec.UNSET


class BlockSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a block type at one time, known by their checksum."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    checksum: str
    fields: dict[str, Any]
    block_type_id: UUID
    block_type: BlockType
    capabilities: list[str]
    version: str


class BlockSchemaCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /block_schemas/`: 201, or 200 with the schema of that checksum and version."""

    block_type_id: UUID
    fields: limits.JsonMap = {}
    capabilities: limits.Names = []
    version: limits.Name = "non-versioned"


class BlockDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A block: values for the fields of a schema. Secret ones are hidden unless asked for."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str | None
    data: dict[str, Any]
    block_schema_id: UUID
    block_schema: BlockSchema | None = None
    block_type_id: UUID
    block_type_name: str | None = None
    block_type: BlockType | None = None
    #: Of the fields that are blocks themselves.
    block_document_references: dict[str, dict[str, Any]] = {}
    is_anonymous: bool = False


class BlockDocumentCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /block_documents/`. Only an anonymous one needs no name."""

    block_schema_id: UUID
    block_type_id: UUID
    name: BlockTypeName | None = None
    data: limits.JsonMap = {}
    is_anonymous: bool = False


class BlockDocumentUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /block_documents/{id}`."""

    block_schema_id: UUID | None = None
    data: limits.JsonMap = {}
    merge_existing_data: bool = True
