"""`/keys` and `/session`: who may do what, and browsers that signed in."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from runwright.api.filters import Query
from runwright.api.keys import Key, KeyCreate, NewKey, Scope, SessionStart, SignIn
from runwright.server.auth import COOKIE, SECURE_COOKIE
from runwright.server.injected import Asker, Doorkeeper, PathId, Wired
from runwright.server.keys import (
    ALL_SCOPES,
    WORKER_SCOPES,
    hash_secret,
    is_key,
    new_key,
)
from runwright.server.problems import Denied, Missing, Unprocessable
from runwright.server.scopes import SCOPES
from runwright.storage.api_keys import KEYS, add_key, pool_id, revoke_key
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_where
from runwright.storage.tables import api_key

_SESSION = timedelta(days=7)


@post("/keys", status_code=201)
async def create(data: JSONBody[KeyCreate], wiring: Wired, principal: Asker) -> NewKey:
    """Make a key. Its secret is in this answer and nowhere else."""
    if not data.name.strip():
        raise Unprocessable("A key needs a name.", field="name")
    if data.kind == "worker" and data.work_pool_name is None:
        raise Unprocessable(
            "A worker's key is bound to a work pool: say which.", field="work_pool_name"
        )
    scopes = _scopes(data, principal)

    def use_case(tx: Transaction) -> NewKey:
        pool = None
        if data.work_pool_name is not None:
            pool = pool_id(tx, data.work_pool_name)
            if pool is None:
                raise Missing(f"There is no work pool {data.work_pool_name!r}.")
        key = Key(
            id=wiring.new_id(),
            name=data.name,
            kind=data.kind,
            created=tx.now,
            scopes=sorted(scopes),
            work_pool_name=data.work_pool_name,
            expires_at=data.expires_at,
        )
        secret = new_key(data.kind, key.id)
        add_key(tx, key, secret_hash=hash_secret(secret), work_pool_id=pool)
        return NewKey(key=key, secret=secret)

    return await wiring.storage.write(use_case)


def _scopes(data: KeyCreate, principal: Asker) -> frozenset[str]:
    most = principal.scopes & (WORKER_SCOPES if data.kind == "worker" else ALL_SCOPES)
    if data.scopes is None:
        return most
    asked = frozenset(data.scopes)
    if unknown := asked - ALL_SCOPES:
        raise Unprocessable(
            f"There is no scope {', '.join(sorted(unknown))}. There are: "
            f"{', '.join(sorted(ALL_SCOPES))}.",
            field="scopes",
        )
    if beyond := asked - most:
        raise Denied(f"Nobody grants more than they hold: {', '.join(sorted(beyond))}.", status=403)
    return asked


@post("/keys/filter", status_code=200)
async def listed(data: JSONBody[Query], wiring: Wired) -> list[Key]:
    """The newest 200 keys of people and workers; sessions of browsers are not listed."""
    del data
    return await wiring.storage.read(
        lambda tx: read_where(tx, KEYS, api_key.c.kind.in_(["user", "worker"]))
    )


@get("/scopes")
async def scopes() -> list[Scope]:
    """The scopes there are, and the requests that each of them opens."""
    return [
        Scope(
            name=name,
            operations=[
                f"{method} {path}"
                for (method, path), needs in SCOPES.items()
                if name in ((needs,) if isinstance(needs, str) else needs)
            ],
            is_for_workers=name in WORKER_SCOPES,
        )
        for name in sorted(ALL_SCOPES)
    ]


@delete("/keys/{key_id:uuid}")
async def revoke(key_id: PathId, wiring: Wired, authenticator: Doorkeeper) -> None:
    """Revoke a key: refused here at once, and by every replica within five seconds."""
    if not await wiring.storage.write(lambda tx: revoke_key(tx, key_id)):
        raise Missing(f"There is no key {key_id}.")
    authenticator.forget()


@post("/sign_in_links", status_code=201)
async def sign_in_link(request: Request[Any, Any, Any], wiring: Wired, principal: Asker) -> SignIn:
    """A link that signs one browser in, once, within 15 minutes, with the scopes of its maker."""
    token, expires_at = wiring.sign_in.issue(principal.scopes)
    host = request.headers.get("host", "")
    return SignIn(url=f"{request.url.scheme}://{host}/?token={token}", expires_at=expires_at)


@post("/session", status_code=201)
async def sign_in(
    data: JSONBody[SessionStart],
    request: Request[Any, Any, Any],
    wiring: Wired,
    authenticator: Doorkeeper,
) -> Response[None]:
    """Exchange a one-time token, or a key, for a cookie."""
    scopes = wiring.sign_in.redeem(data.token)
    if scopes is None and is_key(data.token):
        holder = await authenticator.holder_of(data.token)
        scopes = holder.scopes if holder.kind == "user" else None
    if scopes is None:
        raise Denied("The sign-in link was used already or is too old. Make a new one.")

    def use_case(tx: Transaction) -> str:
        key_id = wiring.new_id()
        secret = new_key("session", key_id)
        key = Key(
            id=key_id,
            name="browser",
            kind="session",  # type: ignore[arg-type]  # not a kind people may ask for
            created=tx.now,
            scopes=sorted(scopes),
            expires_at=tx.now + _SESSION,
        )
        add_key(tx, key, secret_hash=hash_secret(secret))
        return secret

    secret = await wiring.storage.write(use_case)
    is_secure = request.url.scheme == "https"
    cookie = Cookie(
        key=(SECURE_COOKIE if is_secure else COOKIE).decode(),
        value=secret,
        max_age=int(_SESSION.total_seconds()),
        httponly=True,
        secure=is_secure,
        samesite="lax",
        path="/",
    )
    return Response(None, status_code=201, cookies=[cookie])


@delete("/session")
async def sign_out(wiring: Wired, principal: Asker, authenticator: Doorkeeper) -> None:
    """End the session that this request came with."""
    key_id = principal.key_id
    if principal.kind != "session" or key_id is None:
        raise Unprocessable("Only a session that began with a sign-in link can be ended here.")
    await wiring.storage.write(lambda tx: revoke_key(tx, key_id))
    authenticator.forget()


router = Router(
    path="/",
    route_handlers=[create, listed, scopes, revoke, sign_in_link, sign_in, sign_out],
)
