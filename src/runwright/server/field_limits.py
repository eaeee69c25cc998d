"""The limits that the types of requests carry: in sizes that are checked, and in what is described.

Lengths and counts are refused by the decoder itself. What free JSON takes in bytes is looked at
here, in bodies that are large enough for it to matter.
"""

import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from runwright.api.limits import MAX_SCHEMA
from runwright.server.problems import Unprocessable

_encode = msgspec.json.Encoder().encode
#: No body of so many bytes has anything that is too large in bytes.
_SMALL = MAX_SCHEMA


def check_sizes(value: Any, hint: Any, length: int) -> None:
    """Refuse a body whose free JSON is larger than its type says. `length`: that of the body.

    Raises:
        Unprocessable: names the field and its limit.
    """
    if length <= _SMALL:
        return
    for path, most, size in _oversized(value, hint, ""):
        raise Unprocessable(
            f"{path or 'The body'} is too large: it takes {size:,} bytes as JSON, and at most "
            f"{most:,} are taken.",
            field=path,
        )


def _oversized(value: Any, hint: Any, path: str) -> Iterator[tuple[str, int, int]]:
    if value is None or value is msgspec.UNSET or not _has_sizes(hint):
        return
    inner, metas = plain(hint)
    most = next((each.extra["max_bytes"] for each in metas if each.extra), None)
    if most is not None:
        size = len(_encode(value))
        if size > most:
            yield path, most, size
    elif is_union(inner):
        for each in get_args(inner):
            yield from _oversized(value, each, path)
    elif get_origin(inner) is list and isinstance(value, list):
        for number, each in enumerate(value):
            yield from _oversized(each, get_args(inner)[0], f"{path}.{number}".lstrip("."))
    elif is_struct(inner):
        for name, of_field in fields_of(inner).items():
            found = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
            yield from _oversized(found, of_field, f"{path}.{name}".lstrip("."))


@lru_cache(None)
def _has_sizes(hint: Any) -> bool:
    """Whether anything in the type is limited in bytes."""
    inner, metas = plain(hint)
    if any(each.extra for each in metas):
        return True
    return any(map(_has_sizes, fields_of(inner).values() if is_struct(inner) else get_args(inner)))


def plain(hint: Any) -> tuple[Any, tuple[msgspec.Meta, ...]]:
    """A type without its annotations, and those that are msgspec's."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    inner, *metas = get_args(hint)
    return inner, tuple(each for each in metas if isinstance(each, msgspec.Meta))


def is_union(hint: Any) -> bool:
    """Whether the type is one of several."""
    return get_origin(hint) in (Union, types.UnionType)


def is_struct(hint: Any) -> bool:
    """Whether the type is a struct."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


@lru_cache(None)
def fields_of(struct: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The types of a struct's fields, with their annotations."""
    return get_type_hints(struct, include_extras=True)


def described(schema: dict[str, Any], hint: Any) -> None:
    """Add to a field's JSON schema the limits in its type that it does not name yet."""
    inner, _ = plain(hint)
    for name, most in limits_of(hint).items():
        schema.setdefault(name, most)
    if is_union(inner):
        for each in get_args(inner):
            described(schema, each)
    elif get_origin(inner) in _MEMBERS:
        member = _MEMBERS[get_origin(inner)]
        for arm in (schema, *schema.get("oneOf", ())):
            if isinstance(arm.get(member), dict):
                described(arm[member], get_args(inner)[-1])


def all_limits(hint: Any) -> Iterator[str]:
    """Every limit in a type, in words, the outermost first. Structs in it have their own."""
    inner, _ = plain(hint)
    for name, most in limits_of(hint).items():
        yield _WORDS[name].format(most)
    if is_union(inner) or get_origin(inner) in _MEMBERS:
        of_each = "each " if get_origin(inner) in _MEMBERS else ""
        for each in get_args(inner):
            yield from (f"{of_each}{words}" for words in all_limits(each))


_WORDS = {
    "maxLength": "{:,} characters",
    "maxItems": "{:,} items",
    "maxProperties": "{:,} members",
    "x-max-bytes": "{:,} bytes as JSON",
}

#: How JSON Schema calls the members of a type, and their number.
_MEMBERS = {list: "items", dict: "additionalProperties"}
_COUNTS = {str: "maxLength", list: "maxItems", dict: "maxProperties"}


def limits_of(hint: Any) -> dict[str, int]:
    """The limits of a type itself, by the names of JSON Schema."""
    inner, metas = plain(hint)
    found: dict[str, int] = {}
    for meta in metas:
        name = _COUNTS.get(get_origin(inner) or inner)
        if meta.max_length is not None and name is not None:
            found[name] = meta.max_length
        if meta.extra and "max_bytes" in meta.extra:
            found["x-max-bytes"] = meta.extra["max_bytes"]
    return found


def describe_limits(schemas: dict[str, Any], structs: Mapping[str, type[msgspec.Struct]]) -> None:
    """Add the limits of their fields to the schemas of these structs."""
    for title, struct in structs.items():
        properties = schemas.get(title, {}).get("properties", {})
        for name, hint in fields_of(struct).items():
            if isinstance(properties.get(name), dict):
                described(properties[name], hint)


def structs_in(hints: Any) -> dict[str, type[msgspec.Struct]]:
    """Every struct that these types are made of, by its name."""
    found: dict[str, type[msgspec.Struct]] = {}
    rest = list(hints)
    while rest:
        inner, _ = plain(rest.pop())
        if is_struct(inner):
            if inner.__name__ not in found:
                found[inner.__name__] = inner
                rest += fields_of(inner).values()
        else:
            rest += get_args(inner)
    return found
