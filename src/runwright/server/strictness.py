"""Finds the first field of a request that its type does not have.

A misspelt field is not left out silently: a filter without it would match everything, and a change
without it would lose what somebody wanted. The walk follows types, so it never enters values that
are users' own (parameters, job variables, payloads).
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from runwright.server.problems import Unprocessable

#: A strict body has a few objects; more than this is a mistake or an attack.
_MOST_OBJECTS = 20_000
_LONGEST_NAME = 100
_ALIKE = 0.6


@dataclass(frozen=True)
class Unknown:
    """A field that is not known, where it stands, and those that are known there."""

    name: str
    where: str
    known: tuple[str, ...]

    def refusal(self) -> Unprocessable:
        """The answer to the request."""
        name, place = _shown(self.name), f" in `{_shown(self.where)}`" if self.where else ""
        alike = difflib.get_close_matches(self.name[:_LONGEST_NAME], self.known, 1, _ALIKE)
        hint = f" Did you mean `{alike[0]}`?" if alike else ""
        known = ", ".join(sorted(self.known)) or "none"
        return Unprocessable(
            f"There is no field `{name}`{place}.{hint} Known fields: {known}.",
            field=f"{self.where}.{name}".lstrip("."),
            code="unknown_field",
        )


def refuse_unknown(wanted: Any, value: Any, where: str = "") -> None:
    """Refuse a decoded value that has a field which the type `wanted` does not know.

    Raises:
        Unprocessable: names the field, a similar one, and all that are known there.
    """
    found = next(_Walk().unknown(_shape(wanted), value, where), None)
    if found is not None:
        raise found.refusal()


@lru_cache(512)
def _shape(wanted: Any) -> inspect.Type:
    return inspect.type_info(wanted)


class _Walk:
    def __init__(self) -> None:
        self._objects = 0

    def unknown(self, shape: inspect.Type, value: Any, where: str) -> Iterator[Unknown]:
        """The unknown fields of a value, in its order."""
        if isinstance(value, dict):
            yield from self._in_object(shape, value, where)
        elif isinstance(value, list):
            inner = _items(shape)
            if inner is not None:
                for number, each in enumerate(value):
                    yield from self.unknown(inner, each, f"{where}[{number}]")

    def _in_object(
        self, shape: inspect.Type, value: dict[str, Any], where: str
    ) -> Iterator[Unknown]:
        self._objects += 1
        if self._objects > _MOST_OBJECTS:
            raise Unprocessable(f"The body has more than {_MOST_OBJECTS:,} objects.")
        struct = _struct(shape, value)
        if struct is None:
            inner = _values(shape)
            if inner is not None:
                for name, each in value.items():
                    yield from self.unknown(inner, each, _under(where, name))
            return
        fields = _fields(struct)
        for name, each in value.items():
            if name not in fields:
                yield Unknown(name, where, tuple(fields))
            elif (inner := fields[name]) is not None:
                yield from self.unknown(inner, each, _under(where, name))


def _under(where: str, name: str) -> str:
    return f"{where}.{_shown(name)}" if where else _shown(name)


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}..."


def _fields(struct: inspect.StructType) -> dict[str, inspect.Type | None]:
    return _fields_of(struct.cls)


@lru_cache(512)
def _fields_of(cls: type) -> dict[str, inspect.Type | None]:
    struct = _shape(cls)
    assert isinstance(struct, inspect.StructType)  # noqa: S101  # it was one when it was found
    tag = {struct.tag_field: None} if struct.tag_field else {}
    return {
        **tag,
        **{
            each.encode_name: each.type if _may_hold_fields(each.type) else None
            for each in struct.fields
        },
    }


def _may_hold_fields(shape: inspect.Type) -> bool:
    return any(
        isinstance(each, inspect.StructType)
        or ((inner := _items(each) or _values(each)) is not None and _may_hold_fields(inner))
        for each in _alternatives(shape)
    )


def _alternatives(shape: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(shape, inspect.Metadata):
        shape = shape.type
    if isinstance(shape, inspect.UnionType):
        for each in shape.types:
            yield from _alternatives(each)
    else:
        yield shape


def _struct(shape: inspect.Type, value: dict[str, Any]) -> inspect.StructType | None:
    """The type of an object; of a union, the one that its tag names."""
    structs = [each for each in _alternatives(shape) if isinstance(each, inspect.StructType)]
    if len(structs) == 1:
        return structs[0]
    tagged = (each for each in structs if value.get(each.tag_field or "") == each.tag)
    return next(tagged, None)


def _items(shape: inspect.Type) -> inspect.Type | None:
    for each in _alternatives(shape):
        if isinstance(each, inspect.ListType | inspect.VarTupleType | inspect.SetType):
            return each.item_type
    return None


def _values(shape: inspect.Type) -> inspect.Type | None:
    for each in _alternatives(shape):
        if isinstance(each, inspect.DictType):
            return each.value_type
    return None


def read_strictly(wanted: Any, content: bytes | str) -> Any:
    """Decode JSON as a type, and refuse what the type does not know.

    Raises:
        Unprocessable: it has an unknown field.
        msgspec.MsgspecError: it is no JSON, or does not fit.
    """
    refuse_unknown(wanted, msgspec.json.decode(content))
    return msgspec.json.decode(content, type=wanted)
