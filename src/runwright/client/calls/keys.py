"""Calls about API keys."""

from uuid import UUID

from runwright.api.keys import Dependents, Key, KeyCreate, KeyNarrow, NewKey, Session, SignIn
from runwright.client.call import Call, delete, get, join, post, query, with_query


def create(key: KeyCreate) -> Call[NewKey]:
    """A new key; its secret is in the answer, and nowhere else ever again."""
    return post("/keys", NewKey, key)


def sign_in_link() -> Call[SignIn]:
    """A link that signs one browser in, once."""
    return post("/sign_in_links", SignIn, {})


def find() -> Call[list[Key]]:
    """All keys, revoked ones too, without their secrets."""
    return query("/keys/filter", list[Key], {})


def dependents(key_id: UUID) -> Call[Dependents]:
    """What hangs on a key: the browsers signed in with it, and the keys made with it."""
    return get(join("keys", key_id, "dependents"), Dependents)


def narrow(key_id: UUID, change: KeyNarrow, *, made_too: bool = False) -> Call[Key]:
    """Take scopes from a key, or let it expire earlier; `made_too`: from keys made with it too."""
    path = join("keys", key_id)
    path = with_query(path, {"made_too": "true"}) if made_too else path
    return Call(method="PATCH", path=path, answer=Key, body=change, is_idempotent=True)


def revoke(key_id: UUID, *, made_too: bool = False) -> Call[None]:
    """Make a key worthless, and end its sessions; `made_too`: and the keys made with it."""
    path = join("keys", key_id)
    return delete(with_query(path, {"made_too": "true"}) if made_too else path)


def sessions() -> Call[list[Session]]:
    """The browsers that are signed in: those of this key, or all for an administrator."""
    return query("/sessions/filter", list[Session], {})


def end_session(session_id: UUID) -> Call[None]:
    """Sign a browser out."""
    return delete(join("sessions", session_id))
