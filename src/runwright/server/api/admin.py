"""Health, versions, and what clients probe before they begin."""

from typing import Any

from litestar import Request, Response, Router, get

from runwright.server.auth import csrf_token, session_of
from runwright.server.injected import QueryText, Wired
from runwright.server.problems import Busy, Unprocessable
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
    from sqlalchemy import literal, select

    if wiring.stopping.is_set():
        raise Busy("The server is stopping.")
    await wiring.storage.read(lambda tx: tx.execute(select(literal(1).label("one"))).scalar())
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


@get("/admin/storage")
async def default_storage() -> dict[str, None]:
    """Where results go when nothing else is said: the control plane does not prescribe it."""
    return {"default_result_storage_block_id": None}


@get("/admin/settings")
async def settings(wiring: Wired) -> dict[str, Any]:
    """Settings that are not secret."""
    kept = wiring.settings
    names = ("lease_seconds", "pending_lease_seconds", "late_after", "log_level")
    return {name: str(getattr(kept, name, None)) for name in names}


@get("/csrf-token")
async def csrf(request: Request[Any, Any, Any], client: QueryText = "") -> dict[str, str]:
    """A token for changes by a browser; with a key there is none, and none is needed."""
    session = session_of(request.scope)
    if session is None or b"authorization" in dict(request.scope["headers"]):
        raise Unprocessable("CSRF protection is disabled.", code="csrf_disabled")
    return {"token": csrf_token(session), "client": client, "expiration": "9999-12-31T00:00:00Z"}


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
        settings,
        csrf,
    ],
)
