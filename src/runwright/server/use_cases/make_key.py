"""Keys made with keys: never more, never for longer, and known by whom."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET

from runwright.api.keys import Dependents, Key, KeyCreate, KeyNarrow
from runwright.server.keys import ALL_SCOPES, WORKER_SCOPES, Principal, creator
from runwright.server.problems import Conflict, Denied, Missing, Unprocessable
from runwright.storage.api_keys import (
    KEYS,
    add_key,
    hold_key,
    keys_made_with,
    lock_key,
    narrow_key,
    pool_id,
    revoke_key,
    sessions_of,
    use_link,
)
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one

#: A session lasts no longer than this, whatever its key does.
_SESSION = timedelta(days=7)
_LINK = timedelta(minutes=15)


def make_key(
    tx: Transaction, principal: Principal, wanted: KeyCreate, key_id: UUID, secret_hash: str
) -> Key:
    """Make a key with the key of the principal.

    Raises:
        Denied: 403, it would be more than that key, or last longer.
        Missing: there is no such pool.
        Unprocessable: a scope is unknown, or it would have expired already.
    """
    pool = None
    if wanted.work_pool_name is not None:
        pool = pool_id(tx, wanted.work_pool_name)
        if pool is None:
            raise Missing(f"There is no work pool {wanted.work_pool_name!r}.")
    held, until = _held(tx, principal)
    expires_at = wanted.expires_at
    if expires_at is not None and expires_at <= tx.now:
        raise Unprocessable("A key has to expire in the future.", field="expires_at")
    if until is not None and (expires_at or until) > until:
        raise Denied(
            f"A key outlives none that it was made with: at most until {until.isoformat()}.",
            status=403,
        )
    most = held & (WORKER_SCOPES if wanted.kind == "worker" else ALL_SCOPES)
    key = Key(
        id=key_id,
        name=wanted.name,
        kind=wanted.kind,
        created=tx.now,
        scopes=sorted(_scopes(wanted.scopes, most)),
        work_pool_name=wanted.work_pool_name,
        expires_at=expires_at or until,
        created_by=creator(principal),
    )
    add_key(tx, key, secret_hash=secret_hash, work_pool_id=pool, made_with=principal.owner_id)
    return key


def _scopes(asked: Collection[str] | None, most: frozenset[str]) -> frozenset[str]:
    if asked is None:
        return most
    if unknown := frozenset(asked) - ALL_SCOPES:
        raise Unprocessable(
            f"There is no scope {', '.join(sorted(unknown))}. There are: "
            f"{', '.join(sorted(ALL_SCOPES))}.",
            field="scopes",
        )
    if beyond := frozenset(asked) - most:
        raise Denied(f"Nobody grants more than they hold: {', '.join(sorted(beyond))}.", status=403)
    return frozenset(asked)


def _held(tx: Transaction, principal: Principal) -> tuple[frozenset[str], datetime | None]:
    """What a principal may at this moment, and until when; its key cannot be revoked meanwhile."""
    if principal.owner_id is None:  # the user of this machine
        return principal.scopes, None
    row = hold_key(tx, principal.owner_id)
    if row is None:
        raise Denied(f"The key {principal.name!r} was revoked or expired.")
    return principal.scopes & frozenset(row.scopes), row.expires_at


def make_link(tx: Transaction, principal: Principal, link_id: UUID, secret_hash: str) -> datetime:
    """Make a sign-in link that hangs on the principal's key; when it expires.

    Raises:
        Unprocessable: the principal has no key.
    """
    if principal.owner_id is None:
        raise Unprocessable(
            "A sign-in link hangs on a key of a server. Start the server (runwright server start) "
            "and ask again."
        )
    held, until = _held(tx, principal)
    expires_at = _earlier(tx.now + _LINK, until)
    link = _hanging(tx, link_id, "sign_in", held, expires_at, creator(principal))
    add_key(tx, link, secret_hash=secret_hash, made_with=principal.owner_id)
    return expires_at


def make_session(
    tx: Transaction,
    session_id: UUID,
    secret_hash: str,
    *,
    link_hash: str | None = None,
    holder: Principal | None = None,
) -> datetime:
    """Sign a browser in, by a link or by the key of a person; when the session expires.

    Raises:
        Denied: 401, the link was used already or is too old, or its key is not good any more.
    """
    scopes: frozenset[str]
    if link_hash is not None:
        link = use_link(tx, link_hash)
        row = None if link is None else hold_key(tx, link.created_by_id)
        scopes = frozenset() if link is None else frozenset(link.scopes)
    else:
        row = None if holder is None or holder.key_id is None else hold_key(tx, holder.key_id)
        scopes = frozenset() if holder is None else holder.scopes
    if row is None or row.kind != "user":
        raise Denied(
            "The sign-in link was used already or is too old, or its key was revoked. Make a new "
            "one."
        )
    expires_at = _earlier(tx.now + _SESSION, row.expires_at)
    owner = {"id": str(row.id), "type": "USER", "display_value": row.name}
    allowed = scopes & frozenset(row.scopes)
    session = _hanging(tx, session_id, "session", allowed, expires_at, owner)
    add_key(tx, session, secret_hash=secret_hash, made_with=row.id)
    return expires_at


def _hanging(
    tx: Transaction,
    id_: UUID,
    kind: str,
    scopes: frozenset[str],
    expires_at: datetime,
    owner: dict[str, Any],
) -> Key:
    """What hangs on the key of its owner, and is called as that is."""
    return Key(
        id=id_,
        name=owner["display_value"],
        kind=kind,  # type: ignore[arg-type]  # not a kind people may ask for
        created=tx.now,
        scopes=sorted(scopes),
        expires_at=expires_at,
        created_by=owner,
    )


def _earlier(one: datetime, other: datetime | None) -> datetime:
    return one if other is None else min(one, other)


def dependents(tx: Transaction, key_id: UUID) -> Dependents:
    """What hangs on a key."""
    return Dependents(sessions=sessions_of(tx, key_id=key_id), keys=keys_made_with(tx, key_id))


def narrow_with(tx: Transaction, key_id: UUID, wanted: KeyNarrow, *, made_too: bool) -> Key | None:
    """Narrow a key, with its sessions; the key as it is then. None where there is no such key.

    The keys that were made with it are valid ones of their own: `made_too` takes the same from
    them, as far as they have it.

    Raises:
        Conflict: it was revoked or expired already.
        Unprocessable: it would be more than it is, or nothing is to change.
    """
    if not lock_key(tx, key_id):
        return None
    key = read_one(tx, KEYS, key_id)
    if key is None:
        return None
    _refuse_more(tx, key, wanted)
    _narrow(tx, key, wanted)
    for made in keys_made_with(tx, key_id) if made_too else ():
        if lock_key(tx, made.id):
            _narrow(tx, made, wanted)
    return read_one(tx, KEYS, key_id)


def _refuse_more(tx: Transaction, key: Key, wanted: KeyNarrow) -> None:
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= tx.now):
        raise Conflict(f"The key {key.name!r} was revoked or expired: it may nothing any more.")
    if wanted.scopes is UNSET and wanted.expires_at is UNSET:
        raise Unprocessable("Say what is to change: scopes, expires_at, or both.", field="scopes")
    if wanted.scopes is not UNSET and (beyond := frozenset(wanted.scopes) - frozenset(key.scopes)):
        raise Unprocessable(
            f"A key is only narrowed, and {key.name!r} has no scope {', '.join(sorted(beyond))}. "
            f"It has: {', '.join(sorted(key.scopes)) or 'none'}. For more make another key.",
            field="scopes",
        )
    if wanted.expires_at is UNSET:
        return
    if wanted.expires_at <= tx.now:
        raise Unprocessable(
            "A key has to expire in the future. To end it now, revoke it.", field="expires_at"
        )
    if key.expires_at is not None and wanted.expires_at > key.expires_at:
        raise Unprocessable(
            f"A key is only narrowed: {key.name!r} expires at {key.expires_at.isoformat()}.",
            field="expires_at",
        )


def _narrow(tx: Transaction, key: Key, wanted: KeyNarrow) -> None:
    kept = key.scopes if wanted.scopes is UNSET else set(key.scopes) & set(wanted.scopes)
    until = key.expires_at
    if wanted.expires_at is not UNSET:
        until = _earlier(wanted.expires_at, until)
    narrow_key(tx, key.id, scopes=sorted(kept), expires_at=until)


def revoke_with(tx: Transaction, key_id: UUID, *, made_too: bool) -> Dependents | None:
    """Revoke a key with its sessions; what hung on it. None where there is no such key.

    The keys that were made with it are valid ones of their own: `made_too` revokes them as well.
    """
    if not lock_key(tx, key_id):
        return None
    found = dependents(tx, key_id)
    revoke_key(tx, key_id)
    makers = [key_id] if made_too else []
    while makers:
        made = keys_made_with(tx, makers.pop())
        makers += [key.id for key in made if lock_key(tx, key.id)]
        for key in made:
            revoke_key(tx, key.id)
    return found
