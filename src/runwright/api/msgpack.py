"""MessagePack as processes of one machine speak it: integers may be of any size, as in JSON.

MessagePack itself ends at 64 bits. A larger integer travels as an extension with its digits.
"""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

#: The extension's number.
INTEGER = 1

_encode = msgspec.msgpack.Encoder().encode
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def encode(value: Any) -> bytes:
    """The value as MessagePack.

    Raises:
        UnicodeEncodeError: a text holds a lone surrogate.
        TypeError: a type has no form in MessagePack.
        RecursionError: it is nested too deeply, or within itself.
    """
    try:
        return _encode(value)
    except OverflowError:
        kept = (bytes, bytearray, memoryview)
        return _encode(_with_large_integers(msgspec.to_builtins(value, builtin_types=kept)))


def decoder(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Reads what `encode` wrote; `kind` may be a union."""
    return msgspec.msgpack.Decoder(kind, ext_hook=_read)


def _with_large_integers(value: Any) -> Any:
    if type(value) is int and not _SMALLEST <= value <= _LARGEST:
        return msgspec.msgpack.Ext(INTEGER, str(value).encode())
    if isinstance(value, dict):
        return {_key(name): _with_large_integers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_large_integers(item) for item in value]
    return value


def _key(name: Any) -> Any:
    """Keys become texts in JSON anyhow."""
    return str(name) if type(name) is int else name


def _read(code: int, data: memoryview) -> Any:
    if code != INTEGER:
        raise ValueError(f"there is no extension {code}")
    return int(bytes(data))
