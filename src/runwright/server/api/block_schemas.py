"""`/block_schemas` and `/block_capabilities`: the fields of blocks, and what blocks can do."""

from typing import Any

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody

from runwright.api.blocks import BlockSchema, BlockSchemaCreate
from runwright.api.filters import BlockSchemaQuery
from runwright.core.block_checksums import block_checksum
from runwright.server.injected import PathId, PathName, QueryText, Wired
from runwright.server.pages import many
from runwright.server.problems import Conflict, Denied, Missing
from runwright.storage.blocks import (
    BLOCK_SCHEMAS,
    BLOCK_TYPES,
    add_block_schema,
    all_capabilities,
    find_block_schema,
    find_block_type,
    remove_block_schema,
)
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one


@post("/", status_code=201)
async def create(data: JSONBody[BlockSchemaCreate], wiring: Wired) -> Response[BlockSchema]:
    """The schema of those fields: 201 when it is new, 200 when it is known."""
    checksum = block_checksum(data.fields)

    def use_case(tx: Transaction) -> tuple[BlockSchema, int]:
        kind = read_one(tx, BLOCK_TYPES, data.block_type_id)
        if kind is None:
            raise Missing(f"There is no block type {data.block_type_id}. Register it first.")
        found = find_block_schema(tx, checksum, data.version)
        if found is not None:
            return found, 200
        _check_references(tx, data.fields)
        return add_block_schema(tx, data, kind, checksum, wiring.new_id()), 201

    schema, status = await wiring.storage.write(use_case)
    return Response(schema, status_code=status)


@get("/{schema_id:uuid}")
async def read(schema_id: PathId, wiring: Wired) -> BlockSchema:
    """One schema."""
    found = await wiring.storage.read(lambda tx: read_one(tx, BLOCK_SCHEMAS, schema_id))
    if found is None:
        raise Missing(f"There is no block schema {schema_id}.")
    return found


@get("/checksum/{checksum:str}")
async def read_by_checksum(
    checksum: PathName, wiring: Wired, version: QueryText = ""
) -> BlockSchema:
    """The schema of that checksum; the newest, or that of a version."""
    found = await wiring.storage.read(lambda tx: find_block_schema(tx, checksum, version or None))
    if found is None:
        raise Missing(f"There is no block schema with the checksum {checksum!r}.")
    return found


@post("/filter", status_code=200)
async def filtered(data: JSONBody[BlockSchemaQuery], wiring: Wired) -> Response[list[BlockSchema]]:
    """Schemas that meet the filters, the newest first."""
    return await many(wiring, BLOCK_SCHEMAS, data)


@delete("/{schema_id:uuid}")
async def remove(schema_id: PathId, wiring: Wired) -> None:
    """Delete a schema."""

    def use_case(tx: Transaction) -> None:
        found = read_one(tx, BLOCK_SCHEMAS, schema_id)
        if found is None:
            raise Missing(f"There is no block schema {schema_id}.")
        if found.block_type.is_protected:
            raise Denied(
                f"Schemas of the built-in block type {found.block_type.name!r} cannot be deleted.",
                status=403,
            )
        remove_block_schema(tx, schema_id)

    await wiring.storage.write(use_case)


@get("/")
async def capabilities(wiring: Wired) -> list[str]:
    """What the registered blocks can do."""
    return await wiring.storage.read(all_capabilities)


def _check_references(tx: Transaction, fields: dict[str, Any]) -> None:
    references = fields.get("block_schema_references")
    for named in references.values() if isinstance(references, dict) else ():
        for reference in named if isinstance(named, list) else [named]:
            slug = reference.get("block_type_slug") if isinstance(reference, dict) else None
            if not isinstance(slug, str) or find_block_type(tx, slug) is None:
                raise Conflict(
                    f"The schema refers to the block type {slug!r}, which is not registered. "
                    "Register the nested block's type first."
                )


router = Router(
    path="/block_schemas", route_handlers=[create, read, read_by_checksum, filtered, remove]
)
capabilities_router = Router(path="/block_capabilities", route_handlers=[capabilities])
