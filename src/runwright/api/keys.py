"""API keys on the wire. A secret is shown once, in the answer that made it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from runwright.api import limits
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
    #: Who made it: the key, or the user of the server's machine.
    created_by: dict[str, Any] | None = None


class KeyCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /keys/`.

    Scopes: at most those of the key that asks; by default all of them. It expires when that key
    does at the latest, which is the default as well.
    """

    name: limits.Name
    kind: Literal["user", "worker"] = "user"
    scopes: limits.Names | None = None
    work_pool_name: limits.Name | None = None
    expires_at: Instant | None = None


class KeyNarrow(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /keys/{id}`: what is left out stays. A key never becomes more than it is."""

    #: Those that it keeps.
    scopes: limits.Names | UnsetType = UNSET
    #: Earlier than it would expire otherwise.
    expires_at: Instant | UnsetType = UNSET


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

    token: limits.Name


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in. It is good for as long as its key is, and at most until then."""

    id: UUID
    created: datetime
    #: What it may do: at most what its key may at the moment.
    scopes: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None = None
    #: The key that it was signed in with.
    key_id: UUID
    key_name: str
    #: The request that asks came with it.
    is_current: bool = False


class Dependents(msgspec.Struct, frozen=True, kw_only=True):
    """What hangs on a key, as of now."""

    #: Browsers that are signed in with it. They end with it.
    sessions: list[Session] = []
    #: Valid keys that were made with it, or with one of those. They stay unless it is asked for.
    keys: list[Key] = []


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs one browser in, once. The token is in its fragment: no server logs it."""

    url: str
    expires_at: datetime
    #: Where the page is, without host: for who knows a better address of the server.
    path: str = ""
    #: Whether `url` begins with the address that the server's settings give.
    is_public: bool = False
