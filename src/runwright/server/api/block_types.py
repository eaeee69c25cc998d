"""`/block_types`: the classes of blocks that clients have registered."""

from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.blocks import BlockType, BlockTypeCreate, BlockTypeUpdate
from runwright.api.filters import BlockTypeQuery
from runwright.server.injected import PathId, PathName, Wired
from runwright.server.pages import many
from runwright.server.problems import Conflict, Denied, Missing
from runwright.storage.blocks import (
    BLOCK_TYPES,
    add_block_type,
    change_block_type,
    find_block_type,
    is_type_taken,
    remove_block_type,
)
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one


@post("/", status_code=201)
async def create(data: JSONBody[BlockTypeCreate], wiring: Wired) -> BlockType:
    """A new type of blocks."""
    if data.name.lower().startswith("prefect"):
        raise Denied(
            f"A block type cannot be called {data.name!r}: names that begin with 'Prefect' are "
            "reserved. Choose another name.",
            status=403,
        )

    def use_case(tx: Transaction) -> BlockType:
        if is_type_taken(tx, data):
            raise Conflict(
                f"There is a block type with the name {data.name!r} or the slug {data.slug!r} "
                "already. Change that one, or choose another name."
            )
        return add_block_type(tx, data, wiring.new_id())

    return await wiring.storage.write(use_case)


@get("/{type_id:uuid}")
async def read(type_id: PathId, wiring: Wired) -> BlockType:
    """One type of blocks."""
    found = await wiring.storage.read(lambda tx: read_one(tx, BLOCK_TYPES, type_id))
    if found is None:
        raise Missing(f"There is no block type {type_id}.")
    return found


@get("/slug/{slug:str}")
async def read_by_slug(slug: PathName, wiring: Wired) -> BlockType:
    """The type of that slug."""
    found = await wiring.storage.read(lambda tx: find_block_type(tx, slug))
    if found is None:
        raise Missing(f"There is no block type {slug!r}.")
    return found


@post("/filter", status_code=200)
async def filtered(data: JSONBody[BlockTypeQuery], wiring: Wired) -> Response[list[BlockType]]:
    """Types of blocks that meet the filters, by name."""
    return await many(wiring, BLOCK_TYPES, data)


@patch("/{type_id:uuid}", status_code=204)
async def change(type_id: PathId, data: JSONBody[BlockTypeUpdate], wiring: Wired) -> None:
    """Change what is said about a type."""
    if not await wiring.storage.write(lambda tx: change_block_type(tx, type_id, data)):
        raise Missing(f"There is no block type {type_id}.")


@delete("/{type_id:uuid}")
async def remove(type_id: PathId, wiring: Wired) -> None:
    """Delete a type and its schemas."""

    def use_case(tx: Transaction) -> None:
        found = read_one(tx, BLOCK_TYPES, type_id)
        if found is None:
            raise Missing(f"There is no block type {type_id}.")
        if found.is_protected:
            raise Denied(
                f"The block type {found.name!r} is built in and cannot be deleted.", status=403
            )
        remove_block_type(tx, type_id)

    await wiring.storage.write(use_case)


router = Router(
    path="/block_types", route_handlers=[create, read, read_by_slug, filtered, change, remove]
)
