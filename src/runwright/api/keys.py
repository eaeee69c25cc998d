"""API keys on the wire. A secret is shown once, in the answer that made it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from runwright.core.instants import Instant


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What may be known of a key: everything but its secret."""

    id: UUID
    name: str
    kind: Literal["user", "worker"]
    created: datetime
    scopes: list[str] = []
    #: A worker key speaks for this pool alone.
    work_pool_name: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class KeyCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /keys/`. Scopes: at most those of the key that asks; by default all of them."""

    name: str
    kind: Literal["user", "worker"] = "user"
    scopes: list[str] | None = None
    work_pool_name: str | None = None
    expires_at: Instant | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made, with its secret."""

    key: Key
    secret: str


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope opens: requests as `METHOD /path`, below `/api`."""

    name: str
    operations: list[str]
    #: A worker's key may have it.
    is_for_workers: bool = False


class SessionStart(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /session`: a one-time sign-in token, or a key."""

    token: str


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs one browser in, once."""

    url: str
    expires_at: datetime
