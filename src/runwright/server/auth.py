"""Who asks: keys, credentials of executions, and cookies; each checked against the database.

What was checked is believed for five seconds, so a revoked key is refused within that time.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import bindparam, select, update

from runwright.server.keys import (
    ALL_SCOPES,
    EXECUTION_SCOPES,
    LATE_SCOPES,
    REPORT,
    WORKER_SCOPES,
    Principal,
    hash_secret,
    is_key,
    run_of_credential,
)
from runwright.server.problems import Denied
from runwright.server.scopes import ANY_KEY, Needs
from runwright.server.wiring import Wiring
from runwright.storage.runs import OVER
from runwright.storage.statements import Prepared
from runwright.storage.tables import api_key, flow_run

COOKIE = b"runwright_session"
SECURE_COOKIE = b"__Host-runwright_session"
CSRF_HEADER = b"prefect-csrf-token"
_BELIEVED_SECONDS = 5.0
_MOST_REMEMBERED = 10_000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_USE_NOTED_EVERY = timedelta(minutes=1)

_key_by_hash = Prepared(select(api_key).where(api_key.c.secret_hash == bindparam("hash")))
_credential_of_run = Prepared(
    select(flow_run.c.id, flow_run.c.credential_hash).where(flow_run.c.id == bindparam("run_id"))
)
_note_use = Prepared(
    update(api_key)
    .where(api_key.c.id == bindparam("key_id"))
    .values(last_used_at=bindparam("used_at"))
)


class Authenticator:
    """Finds out who sent a request."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._believed: dict[str, tuple[Principal, float]] = {}

    async def identify(self, scope: Mapping[str, Any], *, needs: Needs = ANY_KEY) -> Principal:
        """The principal of an ASGI scope, which asks for what `needs` this.

        What an execution asks for, other than to be heard, is for the holder of its run alone: that
        it still is, is never believed but looked up.

        Raises:
            Denied: 401 without a valid key; 403 for a cookie sent from another site.
        """
        known = scope.get("runwright.principal")
        if known is not None:  # set by a caller in this process, never by a server
            return known
        authorization = cookie = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"cookie":
                cookie = value
        if authorization is not None:
            secret = secret_in(authorization)
            principal = await self._check(secret, afresh=needs != REPORT)
            if self._wiring.settings.csrf_protection:
                _refuse_without_token(scope, authorization, secret)
            return principal
        secret = _session_in(cookie) if cookie else None
        if secret is None:
            raise Denied(
                "This needs a key: send it as 'Authorization: Bearer rwk_...'. "
                "Make one with: runwright key create NAME"
            )
        principal = await self._check(secret)
        if principal.kind != "session":
            raise Denied("That cookie is no session.")
        if scope["method"] not in _SAFE:
            refuse_foreign(scope, secret)
        return principal

    async def holder_of(self, key: str) -> Principal:
        """Whose key it is.

        Raises:
            Denied: 401, it is not good.
        """
        return await self._check(key)

    def forget(self) -> None:
        """Believe nothing any more: a key was changed by this very process."""
        self._believed.clear()

    async def _check(self, secret: str, *, afresh: bool = False) -> Principal:
        """`afresh`: nothing is believed of an execution."""
        now = self._wiring.clock.monotonic()
        found = self._believed.get(secret)
        if found is not None and found[1] > now and not (afresh and found[0].flow_run_id):
            return found[0]
        if is_key(secret):
            principal = await self._check_key(secret)
        else:
            run_id = run_of_credential(secret)
            if run_id is None:
                raise Denied("The key does not have the form of a Runwright key (rwk_...).")
            principal = await self._check_credential(secret, run_id)
        if len(self._believed) >= _MOST_REMEMBERED:
            self._believed.clear()
        self._believed[secret] = (principal, now + _BELIEVED_SECONDS)
        return principal

    async def _check_key(self, secret: str) -> Principal:
        storage = self._wiring.storage
        row = await storage.glance(
            lambda tx: tx.execute(_key_by_hash, {"hash": hash_secret(secret)}).first()
        )
        now = self._wiring.clock.now()
        if row is None:
            raise Denied("The key is not known here. List keys with: runwright key ls")
        if row.revoked_at is not None:
            raise Denied(f"The key {row.name!r} was revoked.")
        if row.expires_at is not None and row.expires_at <= now:
            raise Denied(f"The key {row.name!r} expired at {row.expires_at.isoformat()}.")
        if row.last_used_at is None or row.last_used_at < now - _USE_NOTED_EVERY:
            await storage.write(
                lambda tx: tx.execute(_note_use, {"key_id": row.id, "used_at": now}).rowcount
            )
        scopes = frozenset(row.scopes) & (WORKER_SCOPES if row.kind == "worker" else ALL_SCOPES)
        return Principal(
            name=row.name,
            kind=row.kind,
            scopes=scopes,
            key_id=row.id,
            work_pool_id=row.work_pool_id,
        )

    async def _check_credential(self, secret: str, run_id: UUID) -> Principal:
        row = await self._wiring.storage.glance(
            lambda tx: tx.execute(_credential_of_run, {"run_id": run_id}).first()
        )
        kept = "" if row is None else row.credential_hash or ""
        is_over = kept.startswith(OVER)
        if not hmac.compare_digest(kept.removeprefix(OVER), hash_secret(secret)):
            # One answer for all: whoever made the credential up learns nothing about runs.
            raise Denied(
                "The credential is not that of a run's present execution. An execution that is "
                "told so has lost its run and stops."
            )
        return Principal(
            name=f"run {run_id}, of which this execution is over" if is_over else f"run {run_id}",
            kind="execution",
            scopes=LATE_SCOPES if is_over else EXECUTION_SCOPES,
            flow_run_id=run_id,
        )


def authorize(principal: Principal, needs: Needs) -> None:
    """Refuse a principal that lacks what a route needs.

    Raises:
        Denied: 403.
    """
    wanted = needs if isinstance(needs, tuple) else (needs,)
    if needs != ANY_KEY and principal.scopes.isdisjoint(wanted):
        raise Denied(
            f"The key {principal.name!r} may not do this: "
            f"it needs the scope {' or '.join(wanted)}.",
            status=403,
        )


def _refuse_without_token(scope: Mapping[str, Any], authorization: bytes, secret: str) -> None:
    """Refuse a change with a password and no token, or with a token of somebody else."""
    if scope.get("method", "GET") in _SAFE:
        return
    sent = dict(scope["headers"]).get(CSRF_HEADER)
    if sent is None and authorization[:6].lower() != b"basic ":
        return
    _refuse_other_token(sent or b"", secret)


def _refuse_other_token(sent: bytes, secret: str) -> None:
    if not hmac.compare_digest(sent, csrf_token(secret).encode()):
        raise Denied("Invalid CSRF token: fetch one from /api/csrf-token.", status=403)


def secret_in(authorization: bytes) -> str:
    """The key in an Authorization header: a bearer's, or the password of Basic.

    Raises:
        Denied: 401, it is neither.
    """
    scheme, _, rest = authorization.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest.strip(), validate=True).decode("latin-1")
        except (binascii.Error, ValueError):
            raise Denied("The Authorization header is not valid Basic.") from None
        return pair.partition(":")[2]
    raise Denied("The Authorization header must be 'Bearer' or 'Basic' with the key as password.")


def _session_in(cookie: bytes) -> str | None:
    for part in cookie.split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name in (COOKIE, SECURE_COOKIE):
            return value.decode("latin-1")
    return None


def csrf_token(session: str) -> str:
    """What a page of ours sends back with every change, to show that it is ours."""
    return hashlib.sha256(b"csrf:" + session.encode()).hexdigest()


def refuse_foreign(scope: Mapping[str, Any], session: str) -> None:
    """Refuse a change that a cookie came with unless a page of ours made it.

    Raises:
        Denied: 403: another origin, no JSON, or no CSRF token.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    is_ours = bool(origin) and urlsplit(origin).netloc == host
    if not is_ours or headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
        raise Denied("Changes are taken from pages of this server alone.", status=403)
    content_type = headers.get(b"content-type", b"application/json")
    if not content_type.startswith(b"application/json"):
        raise Denied("A change sent with a cookie must be JSON.", status=403)
    _refuse_other_token(headers.get(CSRF_HEADER, b""), session)


def session_of(scope: Mapping[str, Any]) -> str | None:
    """The session in a request's cookie, where it has one."""
    cookie = dict(scope["headers"]).get(b"cookie")
    return _session_in(cookie) if cookie else None
