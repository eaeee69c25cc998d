"""Health, versions, and what clients probe before they begin."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, get, put
from litestar.params import JSONBody

from runwright.server.auth import secret_in
from runwright.server.browser_requests import csrf_token, session_in
from runwright.server.injected import QueryText, Wired
from runwright.server.problems import Busy, Missing, Unprocessable
from runwright.storage.block_documents import BLOCK_DOCUMENTS
from runwright.storage.configuration import RESULT_STORAGE, configure, configured
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one
from runwright.version import __version__

#: Clients of the peer want a server of their own version or a later one.
COMPATIBLE_WITH = "3.8.8"


@get("/health")
async def health() -> bool:
    """Whether the process answers."""
    return True


@get("/ready")
async def ready(wiring: Wired) -> dict[str, str]:
    """Whether it can do its work: 503 while the database does not answer."""
    if wiring.stopping.is_set():
        raise Busy("The server is stopping.")
    # Of a table: an empty database that was made in the place of the right one answers too.
    await wiring.storage.read(lambda tx: configured(tx, RESULT_STORAGE))
    return {"message": "OK"}


@get("/openapi.json")
async def openapi() -> Response[dict[str, Any]]:
    """This interface, as OpenAPI 3.1."""
    from runwright.server.app import describe  # it lists this very module

    return Response(describe(), media_type="application/json")


@get("/hello")
async def hello() -> Response[bytes]:
    """Says hello."""
    return Response('"👋"'.encode(), media_type="application/json")


@get("/version")
async def version() -> Response[bytes]:
    """The version of this program."""
    return Response(f'"{__version__}"'.encode(), media_type="application/json")


@get("/admin/version")
async def compatible_version() -> Response[bytes]:
    """The version of the peer whose clients this server understands."""
    return Response(f'"{COMPATIBLE_WITH}"'.encode(), media_type="application/json")


class ResultStorage(msgspec.Struct, frozen=True, kw_only=True):
    """Where results go when nothing else is said: a block, or nothing that is prescribed."""

    default_result_storage_block_id: UUID | None


class ResultStorageUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PUT /admin/storage`."""

    default_result_storage_block_id: UUID


@get("/admin/storage")
async def default_storage(wiring: Wired) -> ResultStorage:
    """Where results go when nothing else is said."""
    block_id = await wiring.storage.read(lambda tx: configured(tx, RESULT_STORAGE))
    return ResultStorage(default_result_storage_block_id=block_id)


@put("/admin/storage")
async def set_default_storage(data: JSONBody[ResultStorageUpdate], wiring: Wired) -> ResultStorage:
    """Say where results go when nothing else is said."""
    block_id = data.default_result_storage_block_id

    def use_case(tx: Transaction) -> None:
        if read_one(tx, BLOCK_DOCUMENTS, block_id) is None:
            raise Missing(f"There is no block {block_id}. Save one that can store files first.")
        configure(tx, RESULT_STORAGE, str(block_id))

    await wiring.storage.write(use_case)
    return ResultStorage(default_result_storage_block_id=block_id)


@delete("/admin/storage")
async def clear_default_storage(wiring: Wired) -> None:
    """Prescribe nothing any more."""
    await wiring.storage.write(lambda tx: configure(tx, RESULT_STORAGE, None))


@get("/admin/settings")
async def settings(wiring: Wired) -> dict[str, Any]:
    """Settings that are not secret."""
    kept = wiring.settings
    names = ("lease_seconds", "pending_lease_seconds", "late_after", "log_level")
    return {name: str(getattr(kept, name, None)) for name in names}


@get("/csrf-token")
async def csrf(
    request: Request[Any, Any, Any], wiring: Wired, client: QueryText = ""
) -> dict[str, str]:
    """A token for changes by a browser; with a key only where the settings ask for it."""
    authorization = dict(request.scope["headers"]).get(b"authorization")
    if authorization is None:
        secret = session_in(request.scope, wiring.settings)
    else:
        secret = secret_in(authorization) if wiring.settings.csrf_protection else None
    if secret is None:
        raise Unprocessable("CSRF protection is disabled.", code="csrf_disabled")
    return {"token": csrf_token(secret), "client": client, "expiration": "9999-12-31T00:00:00Z"}


root = Router(path="/", route_handlers=[health, ready, openapi])
router = Router(
    path="/",
    route_handlers=[
        health,
        ready,
        openapi,
        hello,
        version,
        compatible_version,
        default_storage,
        set_default_storage,
        clear_default_storage,
        settings,
        csrf,
    ],
)
