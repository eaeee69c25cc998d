"""`/session`, `/sessions` and `/sign_in_links`: browsers, how they sign in, and which are."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from runwright.api.filters import Paging
from runwright.api.keys import Session, SessionStart, SignIn
from runwright.server.browser_requests import (
    COOKIE,
    SECURE_COOKIE,
    is_secure,
    refuse_foreign_origin,
    refuse_other_content,
)
from runwright.server.injected import Asker, Doorkeeper, PathId, Wired
from runwright.server.keys import (
    Principal,
    hash_secret,
    is_key,
    is_sign_in_token,
    new_key,
    new_sign_in_token,
)
from runwright.server.problems import Denied, Missing, Unprocessable
from runwright.server.use_cases.make_key import make_link, make_session
from runwright.storage.api_keys import end_session, sessions_of
from runwright.storage.engine import Transaction

_MAY_SEE_ALL = "admin:keys"


@post("/sign_in_links", status_code=201)
async def sign_in_link(wiring: Wired, principal: Asker) -> SignIn:
    """A link that signs one browser in, once, within 15 minutes, with the scopes of its maker."""
    token, link_id = new_sign_in_token(), wiring.new_id()
    hashed = hash_secret(token)
    expires_at = await wiring.storage.write(lambda tx: make_link(tx, principal, link_id, hashed))
    settings = wiring.settings
    # Never the Host of this request: who asks could have the link lead anywhere.
    base = settings.public_url or wiring.own_url or ""
    folder = settings.ui_base_path.strip("/")
    path = f"/{folder}/sign-in" if folder else "/sign-in"
    return SignIn(
        url=f"{base.rstrip('/')}{path}#token={token}",
        path=f"{path}#token={token}",
        is_public=settings.public_url is not None,
        expires_at=expires_at,
    )


@post("/session", status_code=201)
async def sign_in(
    data: JSONBody[SessionStart],
    request: Request[Any, Any, Any],
    wiring: Wired,
    authenticator: Doorkeeper,
) -> Response[None]:
    """Exchange a one-time token, or a person's key, for a cookie.

    The session may at most what the key may, and ends with it. A browser has to ask from a page of
    this server: another site must not sign it in.
    """
    refuse_foreign_origin(request.scope, wiring.settings, may_be_absent=True)
    refuse_other_content(request.scope)
    holder, link_hash = None, None
    if is_key(data.token):
        holder = await authenticator.holder_of(data.token)
        if holder.kind != "user":
            raise Denied("A browser signs in with the key of a person, or with a sign-in link.")
    elif is_sign_in_token(data.token):
        link_hash = hash_secret(data.token)
    else:
        raise Denied("That is neither a key nor the token of a sign-in link.")
    session_id = wiring.new_id()
    secret = new_key("session", session_id)

    def use_case(tx: Transaction) -> tuple[datetime, datetime]:
        hashed = hash_secret(secret)
        return make_session(tx, session_id, hashed, link_hash=link_hash, holder=holder), tx.now

    expires_at, now = await wiring.storage.write(use_case)
    is_over_tls = is_secure(request.scope, wiring.settings)
    cookie = Cookie(
        key=(SECURE_COOKIE if is_over_tls else COOKIE).decode(),
        value=secret,
        max_age=int((expires_at - now).total_seconds()),
        httponly=True,
        secure=is_over_tls,
        samesite="lax",
        path="/",
    )
    return Response(None, status_code=201, cookies=[cookie])


@delete("/session")
async def sign_out(wiring: Wired, principal: Asker) -> None:
    """End the session that this request came with."""
    key_id = principal.key_id
    if principal.kind != "session" or key_id is None:
        raise Unprocessable("Only a session that began with a sign-in link can be ended here.")
    await wiring.storage.write(lambda tx: end_session(tx, key_id))


@post("/sessions/filter", status_code=200)
async def listed(data: JSONBody[Paging], wiring: Wired, principal: Asker) -> list[Session]:
    """The newest 200 browsers that are signed in: one's own, or all with `admin:keys`."""
    del data
    whose = _whose(principal)
    if whose is None and _MAY_SEE_ALL not in principal.scopes:
        return []
    found = await wiring.storage.read(lambda tx: sessions_of(tx, key_id=whose))
    return [msgspec.structs.replace(each, is_current=each.id == principal.key_id) for each in found]


@delete("/sessions/{session_id:uuid}")
async def end(session_id: PathId, wiring: Wired, principal: Asker) -> None:
    """End a session: one's own, or any with `admin:keys`. On every replica within five seconds."""
    whose = _whose(principal)
    may = whose is not None or _MAY_SEE_ALL in principal.scopes
    if not may or not await wiring.storage.write(
        lambda tx: end_session(tx, session_id, key_id=whose)
    ):
        raise Missing(f"There is no session {session_id}.")


def _whose(principal: Principal) -> UUID | None:
    """The key whose sessions are meant; None: all."""
    return None if _MAY_SEE_ALL in principal.scopes else principal.owner_id


router = Router(path="/", route_handlers=[sign_in_link, sign_in, sign_out, listed, end])
