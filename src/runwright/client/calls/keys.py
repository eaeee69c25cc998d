"""Calls about API keys."""

from uuid import UUID

from runwright.api.keys import Key, KeyCreate, NewKey, SignIn
from runwright.client.call import Call, delete, join, post, query


def create(key: KeyCreate) -> Call[NewKey]:
    """A new key; its secret is in the answer, and nowhere else ever again."""
    return post("/keys", NewKey, key)


def sign_in_link() -> Call[SignIn]:
    """A link that signs one browser in, once."""
    return post("/sign_in_links", SignIn, {})


def find() -> Call[list[Key]]:
    """All keys, revoked ones too, without their secrets."""
    return query("/keys/filter", list[Key], {})


def revoke(key_id: UUID) -> Call[None]:
    """Make a key worthless."""
    return delete(join("keys", key_id))
