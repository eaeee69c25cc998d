"""A hash of values that is the same in every process, as `hash()` and pickles are not."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec

#: Turns any other value into bytes; equal values should give equal bytes.
Pickled = Callable[[Any], bytes]

_PRINTED = (int, float, complex, date, datetime, time, timedelta, Decimal, Fraction, UUID)


def stable_hash(value: Any, pickled: Pickled | None = None) -> str:
    """128 bits in hex. Values of different types hash differently, `1` and `True` too.

    Raises:
        TypeError: a value has no stable form and there is no `pickled`.
    """
    return _Hasher(pickled).digest(value).hex()[:32]


class _Hasher:
    def __init__(self, pickled: Pickled | None) -> None:
        self._pickled = pickled
        #: Containers being hashed: one that holds itself is named by its depth.
        self._open: dict[int, int] = {}

    def digest(self, value: Any) -> bytes:  # noqa: PLR0911  # one line a kind of value
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}".encode()
        if value is None or kind is bool:
            return _join(b"constant", repr(value).encode())
        if kind is str:
            return _join(b"str", value.encode("utf-8", "surrogatepass"))
        if kind in (bytes, bytearray):
            return _join(name, bytes(value))
        # Paths are told by their protocol: this layer does not know the file system.
        if kind in _PRINTED or hasattr(value, "__fspath__"):
            return _join(name, repr(value).encode())
        if isinstance(value, Enum):
            return _join(b"enum", name, value.name.encode())
        if isinstance(value, type):
            return _join(b"type", f"{value.__module__}.{value.__qualname__}".encode())
        return self._container(name, value)

    def _container(self, name: bytes, value: Any) -> bytes:
        if id(value) in self._open:
            return _join(b"cycle", str(self._open[id(value)]).encode())
        self._open[id(value)] = len(self._open)
        try:
            return self._members(name, value)
        finally:
            del self._open[id(value)]

    def _members(self, name: bytes, value: Any) -> bytes:
        if isinstance(value, list | tuple):
            return _join(b"sequence", name, *map(self.digest, value))
        if isinstance(value, set | frozenset):
            return _join(b"set", name, *sorted(map(self.digest, value)))
        if isinstance(value, Mapping):
            pairs = [_join(self.digest(k), self.digest(v)) for k, v in value.items()]
            return _join(b"mapping", name, *sorted(pairs))
        attributes = _attributes(value)
        if attributes is not None:
            return _join(b"fields", name, self.digest(attributes))
        array = _array(value)
        if array is not None:
            return _join(b"array", name, *array)
        if self._pickled is None:
            raise TypeError(f"no stable hash for a value of type {name.decode()}")
        return _join(b"pickle", name, self._pickled(value))


def _attributes(value: Any) -> dict[str, Any] | None:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    # Pydantic's models, known by what they have: core does not import it.
    if hasattr(type(value), "model_fields") and hasattr(value, "model_dump"):
        return dict(value.__dict__) | (getattr(value, "model_extra", None) or {})
    return None


def _array(value: Any) -> tuple[bytes, ...] | None:
    """Arrays as numpy has them, known by what they have. Those of objects are left to pickle."""
    if not all(hasattr(value, name) for name in ("dtype", "shape", "tobytes")):
        return None
    if getattr(value.dtype, "hasobject", True):
        return None
    return (str(value.dtype).encode(), repr(value.shape).encode(), value.tobytes())


def _join(*pieces: bytes) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.digest()
