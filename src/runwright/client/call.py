"""A request as a value: built without I/O, sent by either client."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

T = TypeVar("T")


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One request and the type of its answer."""

    method: str
    #: Below the API's root, with what it names already quoted.
    path: str
    #: How the answer's JSON is read; None where there is no body.
    answer: Any = None
    body: Any = None
    #: May be sent again when the answer was lost: reads, and writes that carry a key.
    is_idempotent: bool = False
    #: How long the server may keep the request, on top of the usual timeout: seconds.
    patience: float = 0.0


def get(path: str, answer: type[T] | Any) -> Call[T]:
    """A read."""
    return Call(method="GET", path=path, answer=answer, is_idempotent=True)


def query(path: str, answer: type[T] | Any, body: Any) -> Call[T]:
    """A read whose filter is in the body."""
    return Call(method="POST", path=path, answer=answer, body=body, is_idempotent=True)


def post(path: str, answer: type[T] | Any = None, body: Any = None) -> Call[T]:
    """A write that must not be repeated blindly."""
    return Call(method="POST", path=path, answer=answer, body=body)


def patch(path: str, body: Any) -> Call[None]:
    """A partial change. Repeating it changes nothing."""
    return Call(method="PATCH", path=path, body=body, is_idempotent=True)


def put(path: str, body: Any) -> Call[None]:
    """A replacement. Repeating it changes nothing."""
    return Call(method="PUT", path=path, body=body, is_idempotent=True)


def delete(path: str) -> Call[None]:
    """A deletion."""
    return Call(method="DELETE", path=path)


def join(*parts: str | UUID) -> str:
    """A path of quoted parts: `join("flows", "name", "a/b")` is `/flows/name/a%2Fb`."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def with_query(path: str, parameters: Mapping[str, str | int | UUID]) -> str:
    """The path with a query string."""
    return f"{path}?{urlencode({name: str(value) for name, value in parameters.items()})}"
