"""`/block_documents`, and the blocks of a type below `/block_types`."""

from collections.abc import Callable

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromQuery, JSONBody

from runwright.api.blocks import BlockDocument, BlockDocumentCreate, BlockDocumentUpdate
from runwright.api.filters import (
    BlockDocumentFilter,
    BlockDocumentFilters,
    BlockDocumentQuery,
    FlagIs,
    IdIs,
)
from runwright.server.auth import authorize
from runwright.server.injected import Asker, PathId, PathName, Wired
from runwright.server.keys import Principal
from runwright.server.pages import many
from runwright.server.problems import Missing
from runwright.server.use_cases.block_documents import (
    create_document,
    document_of,
    shown,
    update_document,
)
from runwright.server.wiring import Wiring
from runwright.storage.block_documents import (
    BLOCK_DOCUMENTS,
    DocumentRow,
    find_document,
    remove_document,
)
from runwright.storage.blocks import find_block_type
from runwright.storage.engine import Transaction
from runwright.storage.queries import count

_SECRETS = "blocks:secrets"


@post("/", status_code=201)
async def create(data: JSONBody[BlockDocumentCreate], wiring: Wired) -> BlockDocument:
    """A new block; its secrets are hidden in the answer."""

    def use_case(tx: Transaction) -> BlockDocument:
        id_ = create_document(tx, data, wiring.vault, wiring.new_id)
        return shown(tx, document_of(tx, id_), wiring.vault, include_secrets=False)

    return await wiring.storage.write(use_case)


@get("/{document_id:uuid}")
async def read(
    document_id: PathId,
    wiring: Wired,
    principal: Asker,
    include_secrets: FromQuery[bool] = False,
) -> BlockDocument:
    """One block."""
    _check(principal, include_secrets=include_secrets)
    return await wiring.storage.read(
        lambda tx: shown(
            tx, document_of(tx, document_id), wiring.vault, include_secrets=include_secrets
        )
    )


@patch("/{document_id:uuid}", status_code=204)
async def change(
    document_id: PathId, data: JSONBody[BlockDocumentUpdate], wiring: Wired, principal: Asker
) -> None:
    """Change a block: what is given replaces what there is, or all that there is.

    To keep a secret and change something else takes the scope `blocks:secrets`.
    """
    may_see = _SECRETS in principal.scopes
    await wiring.storage.write(
        lambda tx: update_document(tx, document_id, data, wiring.vault, may_see_secrets=may_see)
    )


@delete("/{document_id:uuid}")
async def remove(document_id: PathId, wiring: Wired) -> None:
    """Delete a block."""
    if not await wiring.storage.write(lambda tx: remove_document(tx, document_id)):
        raise Missing(f"There is no block {document_id}.")


@post("/filter", status_code=200)
async def filtered(
    data: JSONBody[BlockDocumentQuery], wiring: Wired, principal: Asker
) -> Response[list[BlockDocument]]:
    """Blocks that meet the filters; anonymous ones only where asked for."""
    _check(principal, include_secrets=data.include_secrets)
    query = msgspec.structs.replace(data, block_documents=_named_only(data))
    shape = _shown(wiring, include_secrets=data.include_secrets)
    return await many(wiring, BLOCK_DOCUMENTS, query, shape)


@post("/count", status_code=200)
async def counted(data: JSONBody[BlockDocumentFilters], wiring: Wired) -> int:
    """How many blocks meet the filters."""
    query = msgspec.structs.replace(data, block_documents=_named_only(data))
    return await wiring.storage.read(lambda tx: count(tx, BLOCK_DOCUMENTS, query))


#: Prefect's client sends a part of the list; it gets all of it, as from its own server.
@get("/slug/{slug:str}/block_documents", opt={"parameters": ["limit", "offset"]})
async def of_type(
    slug: PathName,
    wiring: Wired,
    principal: Asker,
    include_secrets: FromQuery[bool] = False,
) -> Response[list[BlockDocument]]:
    """The named blocks of a type."""
    _check(principal, include_secrets=include_secrets)
    kind = await wiring.storage.read(lambda tx: find_block_type(tx, slug))
    if kind is None:
        raise Missing(f"There is no block type {slug!r}.")
    wanted = BlockDocumentFilter(block_type_id=IdIs(any_=[kind.id]), is_anonymous=FlagIs(eq_=False))
    query = BlockDocumentQuery(block_documents=wanted)
    return await many(
        wiring, BLOCK_DOCUMENTS, query, _shown(wiring, include_secrets=include_secrets)
    )


@get("/slug/{slug:str}/block_documents/name/{name:str}")
async def read_by_name(
    slug: PathName,
    name: PathName,
    wiring: Wired,
    principal: Asker,
    include_secrets: FromQuery[bool] = False,
) -> BlockDocument:
    """The block of a name among those of a type."""
    _check(principal, include_secrets=include_secrets)

    def query(tx: Transaction) -> BlockDocument:
        kind = find_block_type(tx, slug)
        row = None if kind is None else find_document(tx, kind.id, name)
        if row is None:
            raise Missing(f"There is no block {name!r} of the type {slug!r}.")
        return shown(tx, row, wiring.vault, include_secrets=include_secrets)

    return await wiring.storage.read(query)


@post("/install_system_block_types", status_code=200)
async def install_system_types() -> None:
    """Nothing to do: clients register the types of their blocks when they save one."""


def _check(principal: Principal, *, include_secrets: bool) -> None:
    if include_secrets:
        authorize(principal, _SECRETS)


def _named_only(filters: BlockDocumentFilters | BlockDocumentQuery) -> BlockDocumentFilter:
    given = filters.block_documents or BlockDocumentFilter()
    if given.is_anonymous is not None:
        return given
    return msgspec.structs.replace(given, is_anonymous=FlagIs(eq_=False))


def _shown(
    wiring: Wiring, *, include_secrets: bool
) -> Callable[[Transaction, list[DocumentRow]], list[BlockDocument]]:
    vault = wiring.vault
    return lambda tx, rows: [shown(tx, row, vault, include_secrets=include_secrets) for row in rows]


router = Router(
    path="/block_documents", route_handlers=[create, read, change, remove, filtered, counted]
)
of_types_router = Router(
    path="/block_types", route_handlers=[of_type, read_by_name, install_system_types]
)
