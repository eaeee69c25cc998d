"""Who asks: keys, credentials of executions, and cookies; each checked against the database.

What was found out is believed for five seconds, and not after a revocation that this replica has
heard of. So a revoked key is refused at once as a rule, and within five seconds always.
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from runwright.server.browser_requests import (
    CSRF_HEADER,
    SAFE_METHODS,
    Scope,
    header,
    refuse_foreign_change,
    refuse_foreign_origin,
    refuse_other_token,
    session_in,
)
from runwright.server.handshakes import Handshakes
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
from runwright.storage.api_keys import BY_HASH, KEYS_REVOKED, topic_of_key
from runwright.storage.errors import StorageError
from runwright.storage.runs import OVER
from runwright.storage.statements import Prepared
from runwright.storage.tables import api_key, flow_run
from runwright.storage.turns import ASKER, Asker

_BELIEVED_SECONDS = 5.0
#: How often it is looked up whether a stream may go on, and how old such a finding may be: together
#: less than the five seconds within which a revocation must be noticed.
_LOOK_AGAIN_S, _FRESH_SECONDS = 3.0, 1.0
_MOST_REMEMBERED = 10_000
_USE_NOTED_EVERY = timedelta(minutes=1)

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
        #: Secret -> whose it is, when that was looked up, and until when it may be believed.
        self._believed: dict[str, tuple[Principal, float, float]] = {}
        #: Where websockets say who they are.
        self.handshakes = Handshakes()
        self._revocations = wiring.storage.waker.watch_always([KEYS_REVOKED])

    async def let_in(self, scope: Scope, *, needs: Needs = ANY_KEY) -> "Access":
        """Let in the sender of an ASGI scope, who asks for what `needs` this.

        What an execution asks for, other than to be heard, is for the holder of its run alone: that
        it still is, is never believed but looked up.

        Raises:
            Denied: 401 without a valid key; 403 without the scope, or for a cookie or password
                that another site's page has sent.
        """
        # Set by a caller in this process, never by a server.
        principal: Principal | None = scope.get("runwright.principal")
        secret = None
        if principal is None:
            principal, secret = await self._identify(scope, needs)
        authorize(principal, needs)
        ASKER.set(Asker(principal.holder))
        access = Access(self, self._wiring, principal, secret, needs)
        scope["runwright.access"] = access
        return access

    async def let_in_by(self, key: str, *, needs: Needs) -> "Access":
        """Let in who has sent this key.

        Raises:
            Denied: 401 or 403, as above.
        """
        principal = await self._check(key, afresh=needs != REPORT)
        authorize(principal, needs)
        ASKER.set(Asker(principal.holder))
        return Access(self, self._wiring, principal, key, needs)

    async def _identify(self, scope: Scope, needs: Needs) -> tuple[Principal, str]:
        settings = self._wiring.settings
        is_change = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        authorization = header(scope, b"authorization")
        if authorization is not None:
            secret = secret_in(authorization)
            known = self._recalled(secret, afresh=needs != REPORT)
            principal = known or await self._look_up(secret)
            if is_change and _is_basic(authorization):
                refuse_foreign_origin(scope, settings, may_be_absent=True)
            if settings.csrf_protection and scope["type"] != "websocket":
                _refuse_without_token(scope, authorization, secret)
            return principal, secret
        found = session_in(scope, settings)
        if found is None:
            raise Denied(
                "This needs a key: send it as 'Authorization: Bearer rwk_...'. "
                "Make one with: runwright key create NAME"
            )
        principal = await self._check(found)
        if principal.kind != "session":
            raise Denied("That cookie is no session.")
        if scope["type"] == "websocket":
            refuse_foreign_origin(scope, settings)
        elif is_change:
            refuse_foreign_change(scope, found, settings)
        return principal, found

    async def holder_of(self, key: str) -> Principal:
        """Whose key it is.

        Raises:
            Denied: 401, it is not good.
        """
        return await self._check(key)

    def forget(self) -> None:
        """Believe nothing any more."""
        self._believed.clear()

    async def check_again(self, secret: str, needs: Needs, at_most_s: float) -> Principal:
        """Whose secret it is, and what they may by now, if that is still what it was let in for.

        `at_most_s`: how old an earlier finding may be that is believed.

        Raises:
            Denied: 401 or 403.
            StorageError: the database does not answer.
        """
        principal = await self._check(secret, at_most_s=at_most_s)
        authorize(principal, needs)
        return principal

    async def _check(
        self, secret: str, *, afresh: bool = False, at_most_s: float = _BELIEVED_SECONDS
    ) -> Principal:
        """`afresh`: nothing is believed of an execution. `at_most_s`: how old a finding may be."""
        known = self._recalled(secret, afresh=afresh, at_most_s=at_most_s)
        return known or await self._look_up(secret)

    def _recalled(
        self, secret: str, *, afresh: bool = False, at_most_s: float = _BELIEVED_SECONDS
    ) -> Principal | None:
        """Whose secret it is, where that was looked up lately."""
        if self._revocations.take():
            self._believed.clear()
        found = self._believed.get(secret)
        if found is None or (afresh and found[0].flow_run_id):
            return None
        principal, looked_up_at, until = found
        now = self._wiring.clock.monotonic()
        return principal if looked_up_at > now - at_most_s and until > now else None

    async def _look_up(self, secret: str) -> Principal:
        now = self._wiring.clock.monotonic()
        left = _BELIEVED_SECONDS
        if is_key(secret):
            principal, expires_at = await self._check_key(secret)
            if expires_at is not None:
                left = min(left, (expires_at - self._wiring.clock.now()).total_seconds())
        else:
            run_id = run_of_credential(secret)
            if run_id is None:
                raise Denied("The key does not have the form of a Runwright key (rwk_...).")
            principal = await self._check_credential(secret, run_id)
        if len(self._believed) >= _MOST_REMEMBERED:
            self._believed.clear()
        self._believed[secret] = (principal, now, now + left)
        return principal

    async def _check_key(self, secret: str) -> tuple[Principal, datetime | None]:
        """Whose key it is, and when it expires."""
        storage = self._wiring.storage
        row = await storage.glance(
            lambda tx: tx.execute(BY_HASH, {"hash": hash_secret(secret)}).first()
        )
        now = self._wiring.clock.now()
        if row is None:
            raise Denied("The key is not known here. List keys with: runwright key ls")
        found = _session_of(row, now) if row.kind == "session" else _key_of(row, now)
        if row.last_used_at is None or row.last_used_at < now - _USE_NOTED_EVERY:
            await storage.write(
                lambda tx: tx.execute(_note_use, {"key_id": row.id, "used_at": now}).rowcount
            )
        return found

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


class Access:
    """What a request was let in by. What lasts for long asks it again and again."""

    __slots__ = ("_authenticator", "_needs", "_secret", "_since", "_wiring", "is_over", "principal")

    def __init__(
        self,
        authenticator: Authenticator,
        wiring: Wiring,
        principal: Principal,
        secret: str | None,
        needs: Needs,
    ) -> None:
        #: Who asks, and what they may: as of the last check.
        self.principal = principal
        self._authenticator = authenticator
        self._wiring = wiring
        self._secret = secret
        self._needs = needs
        self._since = wiring.clock.monotonic()
        #: It was refused meanwhile.
        self.is_over = False

    @property
    def topics(self) -> list[str]:
        """What is woken when it may be over."""
        key_id = self.principal.key_id
        return [] if key_id is None else [topic_of_key(key_id)]

    @property
    def is_to_read(self) -> bool:
        """It was let in by a scope that changes nothing."""
        needs = self._needs if isinstance(self._needs, tuple) else (self._needs,)
        return any(need.endswith(":read") for need in needs)

    async def check(self, *, at_most_s: float = _FRESH_SECONDS) -> None:
        """Go on, or not. `at_most_s`: how old an earlier finding may be that is believed.

        Raises:
            Denied: what it was let in by is not good any more, or not for this.
            StorageError: the database does not answer.
        """
        if self._secret is None:  # the user of this machine
            return
        try:
            self.principal = await self._authenticator.check_again(
                self._secret, self._needs, at_most_s
            )
        except Denied:
            self.is_over = True
            raise

    def is_old(self) -> bool:
        """Whether the sender has taken its time since it was let in."""
        return self._wiring.clock.monotonic() - self._since > _FRESH_SECONDS

    async def check_if_old(self) -> None:
        """The same, where the sender has taken its time since it was let in.

        Raises:
            Denied: as above; or it may less than when the request began, which others were told.
        """
        if self.is_old():
            may = self.principal.scopes
            await self.check()
            if not may <= self.principal.scopes:
                raise Denied(
                    f"The key {self.principal.name!r} was narrowed while this request was being "
                    "sent. Send it again.",
                    status=403,
                )

    async def until_refused(self) -> Denied:
        """Wait until it is not good any more; why."""
        with self._wiring.storage.waker.watch(self.topics) as watch:
            while True:
                await watch.wait(_LOOK_AGAIN_S)
                try:
                    await self.check()
                except Denied as error:
                    return error
                except StorageError:  # nothing can be read or stored meanwhile
                    await asyncio.sleep(_LOOK_AGAIN_S)


def _key_of(row: Any, now: datetime) -> tuple[Principal, datetime | None]:
    if row.revoked_at is not None:
        raise Denied(f"The key {row.name!r} was revoked.")
    if row.expires_at is not None and row.expires_at <= now:
        raise Denied(f"The key {row.name!r} expired at {row.expires_at.isoformat()}.")
    principal = Principal(
        name=row.name,
        kind=row.kind,
        scopes=frozenset(row.scopes) & (WORKER_SCOPES if row.kind == "worker" else ALL_SCOPES),
        key_id=row.id,
        work_pool_id=row.work_pool_id,
    )
    return principal, row.expires_at


def _session_of(row: Any, now: datetime) -> tuple[Principal, datetime | None]:
    """A session is good for as long as its key is, and may at most what its key may."""
    again = "Sign in again."
    if row.parent_id is None or row.parent_kind != "user":
        raise Denied(f"The key that the session hangs on is gone. {again}")
    if row.parent_revoked_at is not None:
        raise Denied(f"The key {row.parent_name!r} that the session hangs on was revoked. {again}")
    if row.parent_expires_at is not None and row.parent_expires_at <= now:
        raise Denied(f"The key {row.parent_name!r} that the session hangs on expired. {again}")
    if row.revoked_at is not None:
        raise Denied(f"The session was ended. {again}")
    if row.expires_at is None or row.expires_at <= now:
        raise Denied(f"The session expired. {again}")
    principal = Principal(
        name=row.parent_name,
        kind="session",
        scopes=frozenset(row.scopes) & frozenset(row.parent_scopes) & ALL_SCOPES,
        key_id=row.id,
        parent_id=row.parent_id,
    )
    return principal, min(row.expires_at, row.parent_expires_at or row.expires_at)


def _refuse_without_token(scope: Mapping[str, Any], authorization: bytes, secret: str) -> None:
    """Refuse a change with a password and no token, or with a token of somebody else."""
    if scope["method"] in SAFE_METHODS:
        return
    sent = header(scope, CSRF_HEADER)
    if sent is None and not _is_basic(authorization):
        return
    refuse_other_token(sent or b"", secret)


def _is_basic(authorization: bytes) -> bool:
    return authorization[:6].lower() == b"basic "


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
