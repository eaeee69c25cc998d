"""How keys, sessions and sign-in links are kept: what they may do, never their secret."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from runwright.api.keys import Key, Session
from runwright.storage.queries import Resource
from runwright.storage.statements import Prepared
from runwright.storage.tables import api_key, work_pool
from runwright.storage.types import Instant

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = api_key.c
_parent = api_key.alias("parent")
#: Woken when any key, session or link is revoked or narrowed.
KEYS_REVOKED = "keys"
_HANGS = ("session", "sign_in")

#: A key by the hash of its secret, and of a session the key that it hangs on.
BY_HASH = Prepared(
    select(
        api_key,
        _parent.c.id.label("parent_id"),
        _parent.c.name.label("parent_name"),
        _parent.c.kind.label("parent_kind"),
        _parent.c.scopes.label("parent_scopes"),
        _parent.c.expires_at.label("parent_expires_at"),
        _parent.c.revoked_at.label("parent_revoked_at"),
    )
    .select_from(
        api_key.outerjoin(_parent, and_(_c.kind == "session", _parent.c.id == _c.created_by_id))
    )
    .where(_c.secret_hash == bindparam("hash"))
)


def _to_wire(row: Any, _: datetime) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        kind=row.kind,
        created=row.created,
        scopes=row.scopes,
        work_pool_name=row.work_pool_name,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        created_by=row.created_by,
    )


KEYS: Resource[Key] = Resource(
    table=api_key,
    columns=(
        *(column for column in api_key.columns if column.name != "secret_hash"),
        work_pool.c.name.label("work_pool_name"),
    ),
    source=api_key.outerjoin(work_pool, work_pool.c.id == _c.work_pool_id),
    to_wire=_to_wire,
    sorts={"CREATED_DESC": (_c.created.desc(), _c.id)},
)


def add_key(
    tx: "Transaction",
    key: Key,
    *,
    secret_hash: str,
    work_pool_id: UUID | None = None,
    made_with: UUID | None = None,
) -> None:
    """Keep a new key, session or link. `made_with`: the key that it was made with."""
    tx.execute(
        insert(api_key).values(
            id=key.id,
            created=key.created,
            updated=key.created,
            name=key.name,
            kind=key.kind,
            secret_hash=secret_hash,
            scopes=key.scopes,
            work_pool_id=work_pool_id,
            expires_at=key.expires_at,
            created_by=key.created_by,
            created_by_id=made_with,
        )
    )


def hold_key(tx: "Transaction", key_id: UUID) -> Any:
    """A valid key's row, which cannot be revoked before this transaction ends; else None.

    So whatever is made with a key is seen, and ended, by who revokes it at the same time.
    """
    held = select(api_key).where(_c.id == key_id, _is_valid(tx)).with_for_update(read=True)
    return tx.execute(held).first()


def lock_key(tx: "Transaction", key_id: UUID) -> bool:
    """Wait for those who make something with a key; False where there is none of that id."""
    found = select(_c.id).where(_c.id == key_id, _c.kind.not_in(_HANGS)).with_for_update()
    return tx.execute(found).first() is not None


def _is_valid(tx: "Transaction", key: FromClause = api_key) -> ColumnElement[bool]:
    expires_at = key.c.expires_at
    return and_(key.c.revoked_at.is_(None), or_(expires_at.is_(None), expires_at > tx.now))


def use_link(tx: "Transaction", secret_hash: str) -> Any:
    """Spend a sign-in link and return its row; None where it was spent, is too old or unknown."""
    spent = tx.execute(
        update(api_key)
        .where(_c.secret_hash == secret_hash, _c.kind == "sign_in", _is_valid(tx))
        .values(revoked_at=tx.now, last_used_at=tx.now, updated=tx.now)
        .returning(_c.scopes, _c.created_by_id)
    )
    return spent.first()


def sessions_of(tx: "Transaction", *, key_id: UUID | None = None, most: int = 200) -> list[Session]:
    """Browsers that are signed in, the newest first; those of one key, or all."""
    found = (
        select(api_key, _parent.c.name.label("key_name"), _parent.c.scopes.label("key_scopes"))
        .select_from(api_key.join(_parent, _parent.c.id == _c.created_by_id))
        .where(_c.kind == "session", _is_valid(tx), _is_valid(tx, _parent))
        .order_by(_c.created.desc(), _c.id)
        .limit(most)
    )
    if key_id is not None:
        found = found.where(_c.created_by_id == key_id)
    return [
        Session(
            id=row.id,
            created=row.created,
            scopes=sorted(set(row.scopes) & set(row.key_scopes)),
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            key_id=row.created_by_id,
            key_name=row.key_name,
        )
        for row in tx.execute(found).all()
    ]


def keys_made_with(tx: "Transaction", key_id: UUID) -> list[Key]:
    """Valid keys that were made with a key, or with one that was, and so on."""
    made: dict[UUID, Key] = {}
    makers = [key_id]
    while makers:
        found = (
            select(*KEYS.columns)
            .select_from(KEYS.source)
            .where(_c.created_by_id.in_(makers), _c.kind.not_in(_HANGS))
            .order_by(_c.created, _c.id)
        )
        rows = [row for row in tx.execute(found).all() if row.id not in made]
        made |= {row.id: _to_wire(row, tx.now) for row in rows}
        makers = [row.id for row in rows]
    return [
        key
        for key in made.values()
        if key.revoked_at is None and (key.expires_at is None or key.expires_at > tx.now)
    ]


def end_session(tx: "Transaction", session_id: UUID, *, key_id: UUID | None = None) -> bool:
    """End a session; False where there is none of that id, or it is not one of the key."""
    is_meant = and_(_c.id == session_id, _c.kind == "session")
    if key_id is not None:
        is_meant &= _c.created_by_id == key_id
    return _revoke(tx, is_meant) > 0


def revoke_key(tx: "Transaction", key_id: UUID) -> bool:
    """Revoke a key for good, with its sessions and links; False: there is none of that id."""
    if not _revoke(tx, and_(_c.id == key_id, _c.kind.not_in(_HANGS))):
        return False
    _revoke(tx, and_(_c.created_by_id == key_id, _c.kind.in_(_HANGS)))
    return True


def narrow_key(
    tx: "Transaction", key_id: UUID, *, scopes: list[str], expires_at: datetime | None
) -> None:
    """Keep what a key may do from now on, and tell whoever hangs on it."""
    values = {"scopes": scopes, "expires_at": expires_at, "updated": tx.now}
    tx.execute(update(api_key).where(_c.id == key_id).values(values))
    hanging = select(_c.id).where(_c.created_by_id == key_id, _c.kind.in_(_HANGS), _is_valid(tx))
    tx.wake(KEYS_REVOKED)
    for each in (key_id, *tx.execute(hanging).scalars()):
        tx.wake(topic_of_key(each))


def _revoke(tx: "Transaction", which: ColumnElement[bool]) -> int:
    revoked_at = func.coalesce(_c.revoked_at, literal(tx.now, Instant))
    changed = tx.execute(
        update(api_key).where(which).values(revoked_at=revoked_at, updated=tx.now).returning(_c.id)
    ).all()
    tx.wake(KEYS_REVOKED)
    for row in changed:
        tx.wake(topic_of_key(row.id))
    return len(changed)


def topic_of_key(key_id: UUID) -> str:
    """What is woken when this key is revoked or narrowed."""
    return f"key:{key_id}"


def has_any_key(tx: "Transaction") -> bool:
    """Whether a person could sign in at all."""
    return tx.execute(select(_c.id).where(_c.kind == "user").limit(1)).first() is not None


def pool_id(tx: "Transaction", name: str) -> UUID | None:
    """The id of the work pool of that name."""
    return tx.execute(select(work_pool.c.id).where(work_pool.c.name == name)).scalar()
