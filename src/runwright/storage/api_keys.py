"""How keys are kept: what they may do, never their secret."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, literal, select, update

from runwright.api.keys import Key
from runwright.storage.queries import Resource
from runwright.storage.tables import api_key, work_pool
from runwright.storage.types import Instant

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = api_key.c


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
    tx: "Transaction", key: Key, *, secret_hash: str, work_pool_id: UUID | None = None
) -> None:
    """Keep a new key."""
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
        )
    )


def revoke_key(tx: "Transaction", key_id: UUID) -> bool:
    """Revoke a key for good; False where there is none of that id."""
    changed = tx.execute(
        update(api_key)
        .where(_c.id == key_id)
        .values(revoked_at=func.coalesce(_c.revoked_at, literal(tx.now, Instant)), updated=tx.now)
    )
    return changed.rowcount > 0


def has_any_key(tx: "Transaction") -> bool:
    """Whether a person could sign in at all."""
    return tx.execute(select(_c.id).where(_c.kind == "user").limit(1)).first() is not None


def pool_id(tx: "Transaction", name: str) -> UUID | None:
    """The id of the work pool of that name."""
    return tx.execute(select(work_pool.c.id).where(work_pool.c.name == name)).scalar()
