"""JSON that keeps Python's types, by wrapping what it lacks: `{"__type__": ..., "value": ...}`."""

import base64
import importlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from runwright.errors import SerializationError

_TYPE = "__type__"

_TEXT: dict[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    Decimal: ("decimal", str, Decimal),
    UUID: ("uuid", str, UUID),
    bytes: ("bytes", lambda b: base64.b64encode(b).decode(), base64.b64decode),
    type(Path()): ("path", str, Path),
    complex: ("complex", repr, complex),
}
_FROM_TEXT = {name: parse for name, _, parse in _TEXT.values()}
_SEQUENCES: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}
_FROM_SEQUENCE = {name: kind for kind, name in _SEQUENCES.items()}


def tag(value: Any, where: str = "") -> Any:  # noqa: PLR0911  # one line a kind of value
    """The value in terms of JSON.

    Raises:
        SerializationError: something in it could not be given back; says where.
    """
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if kind is list:
        return [tag(each, f"{where}[{i}]") for i, each in enumerate(value)]
    if kind is dict:
        return _tag_dict(value, where)
    if kind in _TEXT:
        name, write, _ = _TEXT[kind]
        return {_TYPE: name, "value": write(value)}
    if kind in _SEQUENCES:
        items = [tag(each, f"{where}[{i}]") for i, each in enumerate(value)]
        return {_TYPE: _SEQUENCES[kind], "value": items}
    if kind is timedelta:
        return {_TYPE: "timedelta", "value": [value.days, value.seconds, value.microseconds]}
    return _tag_object(value, where)


def _tag_dict(value: dict[Any, Any], where: str) -> Any:
    if all(type(key) is str for key in value) and _TYPE not in value:
        return {key: tag(each, f"{where}[{key!r}]") for key, each in value.items()}
    pairs = [
        [tag(key, f"{where} key"), tag(each, f"{where}[{key!r}]")] for key, each in value.items()
    ]
    return {_TYPE: "dict", "value": pairs}


def _tag_object(value: Any, where: str) -> Any:
    kind = type(value)
    path = f"{kind.__module__}:{kind.__qualname__}"
    if "<locals>" not in kind.__qualname__:
        if isinstance(value, Enum):
            return {_TYPE: "enum", "class": path, "value": value.name}
        if _is_model(kind):
            return {_TYPE: "model", "class": path, "value": value.model_dump_json()}
        content = _attributes(value)
        if content is not None:
            return {_TYPE: "fields", "class": path, "value": tag(content, where)}
    place = f" (at {where})" if where else ""
    raise SerializationError(f"JSON cannot hold a value of type {path.replace(':', '.')}{place}")


def _attributes(value: Any) -> dict[str, Any] | None:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return None


def _is_model(kind: type) -> bool:
    """Pydantic's models, known by what they have, to not import it for everyone."""
    return hasattr(kind, "model_validate_json") and hasattr(kind, "model_dump_json")


def untag(content: Any) -> Any:  # noqa: PLR0911  # one line a kind of value
    """The value that `tag` was given.

    Raises:
        SerializationError: a class is not where it was, or the content makes no sense.
    """
    if type(content) is list:
        return [untag(each) for each in content]
    if type(content) is not dict:
        return content
    if _TYPE not in content:
        return {key: untag(each) for key, each in content.items()}
    name: str = content[_TYPE]
    value: Any = content.get("value")
    if name in _FROM_TEXT:
        return _FROM_TEXT[name](value)
    if name in _FROM_SEQUENCE:
        return _FROM_SEQUENCE[name](untag(each) for each in value)
    if name == "dict":
        return {untag(key): untag(each) for key, each in value}
    if name == "timedelta":
        return timedelta(*value)
    return _untag_object(name, content.get("class", ""), value)


def _untag_object(name: str, path: str, value: Any) -> Any:
    kind = _class_at(path)
    if name == "enum" and issubclass(kind, Enum):
        return kind[value]
    if name == "model" and _is_model(kind):
        return kind.model_validate_json(value)  # type: ignore[attr-defined]
    if name == "fields" and (is_dataclass(kind) or issubclass(kind, msgspec.Struct)):
        return _rebuild(kind, untag(value))
    raise SerializationError(f"The stored result says {name!r} of {path!r}, which it is not.")


def _rebuild(kind: type, content: dict[str, Any]) -> Any:
    if not is_dataclass(kind):
        return kind(**content)
    made = kind(**{field.name: content[field.name] for field in fields(kind) if field.init})
    for field in fields(kind):
        if not field.init:
            object.__setattr__(made, field.name, content[field.name])
    return made


def _class_at(path: str) -> type:
    module, _, qualname = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise SerializationError(
            f"The stored result holds a {path.replace(':', '.')}, which cannot be imported here: "
            f"{error}. Keep the class where it was, or run the task again with refresh_cache=True."
        ) from error
    if not isinstance(found, type):
        raise SerializationError(f"The stored result names {path!r}, which is not a class.")
    return found
