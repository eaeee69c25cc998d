"""Parameters as JSON: as they are given to another process, and as they are shown to people.

What is given arrives as it is, secrets included, or is refused. What is shown has masks for
secrets, names of types for values without a form, and bounds.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec

from runwright.core.masks import MASK, holds_secrets, masked
from runwright.core.texts import encodable, shortened
from runwright.errors import ParameterError
from runwright.sdk.entry_encoding import type_name
from runwright.sdk.signatures import MISSING, signature_of

#: Of a parameter as it is shown: characters of a text, members of a collection, levels, and values
#: altogether.
_TEXT, _ITEMS, _DEPTH, _VALUES = 10_000, 1_000, 24, 10_000
_DEEPEST = 90
_SCALARS = (str, int, float, bool, NoneType)
#: The interpreter writes and reads no more digits; a digit has a little more than three bits.
_MOST_BITS = 14_000
_TEXTUAL = (UUID, datetime, date, time, timedelta, Decimal)
_COLLECTIONS = (list, tuple, set, frozenset, deque)


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON that another process turns into the same values again.

    Raises:
        ParameterError: a value has no such form; it names the parameter.
    """
    return {name: _given(value, name, 0) for name, value in parameters.items()}


def _given(value: Any, place: str, depth: int) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return _scalar(value, place)
    if depth > _DEEPEST:
        raise _refused(place, f"is nested more than {_DEEPEST} levels deep")
    inner = _inside(value, kind)
    if inner is not None:
        return _given(inner[0], place, depth + 1)
    members = _members(value, kind, by_alias=True)
    if members is not None:
        return {
            _key(name, place): _given(item, f"{place}.{name}", depth + 1)
            for name, item in members.items()
        }
    if issubclass(kind, _COLLECTIONS):
        return [_given(item, f"{place}.{i}", depth + 1) for i, item in enumerate(value)]
    return _leaf(value, kind, place)


def _inside(value: Any, kind: type) -> tuple[Any] | None:
    """The value that a wrapper has inside: a secret, a member of an enumeration, numpy's."""
    if issubclass(kind, Enum):
        return (value.value,)
    if hasattr(kind, "get_secret_value"):
        return (value.get_secret_value(),)
    if kind.__module__ == "numpy" and hasattr(kind, "tolist"):
        return (value.tolist(),)
    for base in (str, int, float):
        if issubclass(kind, base):
            return (base(value),)
    return None


def _leaf(value: Any, kind: type, place: str) -> Any:
    if issubclass(kind, bytes | bytearray):
        return _text_of_bytes(bytes(value), place)
    if issubclass(kind, _TEXTUAL):
        return msgspec.to_builtins(value)
    if issubclass(kind, PurePath):
        return str(value)
    return _other(value, place)


def _scalar(value: Any, place: str) -> Any:
    if type(value) is str and not value.isascii() and value != encodable(value):
        raise _refused(place, "holds characters that are no Unicode text (lone surrogates)")
    if type(value) is float and not math.isfinite(value):
        return _float_name(value)
    if type(value) is int and value.bit_length() > _MOST_BITS:
        raise _refused(place, "is an integer of more than 4,300 digits")
    return value


def _float_name(value: float) -> str:
    """As pydantic reads it. JSON has no word for it."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text_of_bytes(value: bytes, place: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _refused(
            place, "is bytes that are no UTF-8: JSON cannot carry them. Encode them, as base64"
        ) from None


def _members(value: Any, kind: type, *, by_alias: bool) -> Mapping[Any, Any] | None:
    """The members of a mapping, a dataclass or a model."""
    if issubclass(kind, Mapping):
        return value
    if hasattr(kind, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in kind.__dataclass_fields__}
    if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):
        return value.model_dump(by_alias=by_alias, round_trip=True)
    if issubclass(kind, msgspec.Struct):
        return msgspec.structs.asdict(value)
    return None


def _key(name: Any, place: str) -> str:
    if isinstance(name, Enum):
        name = name.value
    if type(name) is str or type(name) in _SCALARS:
        return str(_scalar(name, place))
    if isinstance(name, _TEXTUAL):
        return str(msgspec.to_builtins(name))
    raise _refused(place, f"has a key of type {type_name(type(name))}")


def _other(value: Any, place: str) -> Any:
    """A type of its own, such as a URL of pydantic's."""
    try:
        from pydantic_core import to_jsonable_python  # late: it takes a while, and few need it

        return to_jsonable_python(value, by_alias=True)
    except Exception:  # noqa: BLE001  # whatever its own serializer raises
        raise _refused(place, f"is of type {type_name(type(value))}, which JSON has not") from None


def _refused(place: str, why: str) -> ParameterError:
    return ParameterError(
        f"Parameter {place} {why}. Pass a value that JSON can carry, or a reference to where the "
        "value is kept."
    )


def jsonable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are shown, whatever they are."""
    shown: dict[str, Any] = {}
    for name, value in parameters.items():
        kind = type(value)
        if kind is bool or kind is NoneType or (kind is str and len(value) <= _TEXT):
            shown[name] = value
            continue
        shown[name] = _Showing().value(value, 0)
    return shown


class _Showing:
    """One walk through a value, with a budget for all that is in it."""

    def __init__(self) -> None:
        self._left = _VALUES

    def value(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > _DEPTH or self._left < 0:
            return "..."
        try:
            return self._shown(value, type(value), depth)
        except Exception:  # noqa: BLE001  # properties and serializers of users' classes may raise
            return type_name(type(value))

    def _shown(self, value: Any, kind: type, depth: int) -> Any:  # noqa: PLR0911  # by kind
        if hasattr(kind, "get_secret_value"):
            return MASK
        if issubclass(kind, str) and not issubclass(kind, Enum):
            return shortened(str.__str__(value), _TEXT)
        if kind is float:
            return value if math.isfinite(value) else _float_name(value)
        if issubclass(kind, int) and not issubclass(kind, bool | Enum):
            value = int.__int__(value)
            return value if value.bit_length() <= _MOST_BITS else _of_bits(value)
        if kind in _SCALARS:
            return value
        members = _members(value, kind, by_alias=False)
        if members is not None:
            pairs = islice(list(members.items()), _ITEMS)
            return {_shown_key(name): self.value(item, depth + 1) for name, item in pairs}
        if issubclass(kind, _COLLECTIONS):
            items = [self.value(item, depth + 1) for item in islice(list(value), _ITEMS)]
            more = len(value) - _ITEMS
            return [*items, f"... {more:,} more"] if more > 0 else items
        return self._converted(value, kind)

    def _converted(self, value: Any, kind: type) -> Any:
        if issubclass(kind, bytes | bytearray) and len(value) > _TEXT:
            return f"<{len(value):,} bytes>"
        plain = msgspec.to_builtins(value, enc_hook=_as_builtin)
        return shortened(plain, _TEXT) if isinstance(plain, str) else plain


def _of_bits(value: int) -> str:
    return f"<an integer of {value.bit_length():,} bits>"


def _shown_key(name: Any) -> str:
    if type(name) is str:
        return name
    if type(name) in _SCALARS or isinstance(name, _TEXTUAL):
        return str(msgspec.to_builtins(name))
    return type_name(type(name))


def _as_builtin(value: Any) -> Any:
    if hasattr(type(value), "__get_pydantic_core_schema__"):
        from pydantic_core import to_jsonable_python

        return to_jsonable_python(value)
    return type_name(type(value))


def shown_parameters(fn: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a call as they are shown.

    Before they have been checked, what is to become a secret is still a text: it is masked by what
    the signature says.
    """
    return jsonable(parameters) | _masked_secrets(fn, parameters)


def nameable(fn: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a run's name may use them: without secrets that are texts still."""
    shown = _masked_secrets(fn, parameters)
    return {
        name: shown.get(name, value) if type(value) in _UNCHECKED else value
        for name, value in parameters.items()
    }


_UNCHECKED = (str, bytes, dict, list)


def _masked_secrets(fn: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters that have a secret in them."""
    declared = signature_of(fn).parameters
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        annotation = declared[name].annotation if name in declared else MISSING
        schema = None if annotation is MISSING else secret_schema(annotation)
        if schema is not None:
            root = {"properties": {name: schema}, "$defs": schema.get("$defs", {})}
            found |= masked(jsonable({name: value}), root)
    return found


def secret_schema(annotation: Any) -> dict[str, Any] | None:
    """The JSON Schema of an annotation that has a secret in it; None for all others."""
    if _is_plain(annotation):
        return None
    try:
        return _secret_schema(annotation)
    except TypeError:  # an annotation that cannot be hashed
        return _secret_schema.__wrapped__(annotation)


@lru_cache(maxsize=1024)
def _secret_schema(annotation: Any) -> dict[str, Any] | None:
    from pydantic import TypeAdapter

    try:
        schema = TypeAdapter(annotation).json_schema()
    except Exception:  # noqa: BLE001  # types that have no schema
        return None
    return schema if holds_secrets(schema) else None


def _is_plain(annotation: Any) -> bool:
    if any(annotation is plain for plain in (*_SCALARS, None, Any, object, list, dict)):
        return True
    origin = get_origin(annotation)
    if origin in {list, dict, Union, UnionType}:
        return all(map(_is_plain, get_args(annotation)))
    return False
