"""Values given on the command line: `name=value`, JSON, times."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from runwright.errors import ConfigurationError

_DEEPEST = 10
_KINDS: dict[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
    dict: "object", type(None): "null",
}  # fmt: skip
_CHOICES = ("anyOf", "oneOf", "allOf")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def pairs(given: Iterable[str], option: str) -> dict[str, Any]:
    """`["n=3", "name=x"]` as `{"n": 3, "name": "x"}`: values that are JSON are read as JSON.

    Raises:
        ConfigurationError: one has no equals sign.
    """
    return {name: json_or_text(text) for name, text in pairs_of_text(given, option).items()}


def pairs_of_text(given: Iterable[str], option: str) -> dict[str, str]:
    """`["n=3", "name=x"]` as `{"n": "3", "name": "x"}`.

    Raises:
        ConfigurationError: one has no equals sign.
    """
    read: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"{option} {text!r} must be name=value, for example n=3.")
        read[name] = value
    return read


def json_or_text(text: str) -> Any:
    """The text as JSON where it is that, else as itself."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def pairs_for(given: Iterable[str], option: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same where a JSON Schema says what each value is: `version=1.10` stays text for a `str`.

    So does a number inside of JSON: `release={"version": 1.10}`.

    Raises:
        ConfigurationError: one has no equals sign.
    """
    return {
        name: _of_part(text, _member(schema, name, schema), schema)
        for name, text in pairs_of_text(given, option).items()
    }


def _of_part(text: str, part: Any, schema: Mapping[str, Any]) -> Any:
    value = json_or_text(text)
    types = _types(part, schema)
    # What is one of the other types, as for `int | str`, is that; else it is text as it stands.
    if "string" in types and not _fits(value, types - {"string"}):
        return text
    return _inside(text.encode(), part, schema) if isinstance(value, dict | list) else value


def _inside(raw: bytes, part: Any, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """A part of a JSON text; what is text by the schema, and no JSON string, as it was written."""
    value = msgspec.json.decode(raw)
    if depth < _DEEPEST and isinstance(value, dict):
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return {
            name: _inside(bytes(each), _member(part, name, schema), schema, depth + 1)
            for name, each in members.items()
        }
    if depth < _DEEPEST and isinstance(value, list):
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
        return [
            _inside(bytes(each), _item(part, place, schema), schema, depth + 1)
            for place, each in enumerate(items)
        ]
    types = _types(part, schema)
    if value is None or "string" not in types or isinstance(value, str):
        return value
    if _fits(value, types - {"string"}):
        return value
    return raw.decode().strip()


def _fits(value: Any, types: frozenset[str]) -> bool:
    kind = _KINDS[type(value)]
    return kind in types or (kind == "integer" and "number" in types)


def _member(part: Any, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema says of a member of an object."""
    found = []
    for each in _alternatives(part, schema):
        members = each.get("properties")
        if isinstance(members, Mapping) and name in members:
            found.append(members[name])
        else:
            found.append(each.get("additionalProperties"))
    return {"anyOf": found}


def _item(part: Any, place: int, schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema says of an item of an array."""
    found = []
    for each in _alternatives(part, schema):
        first = each.get("prefixItems") or ()
        found.append(first[place] if place < len(first) else each.get("items"))
    return {"anyOf": found}


def _alternatives(part: Any, schema: Mapping[str, Any], depth: int = 0) -> list[Mapping[str, Any]]:
    """A part of a schema and those that it is made of, without references."""
    if not isinstance(part, Mapping) or depth > _DEEPEST:
        return []
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        return _alternatives(_referred(reference, schema), schema, depth + 1)
    inner = [each for kind in _CHOICES for each in part.get(kind, ())]
    return [part, *(found for each in inner for found in _alternatives(each, schema, depth + 1))]


def _referred(reference: str, schema: Mapping[str, Any]) -> Any:
    found: Any = schema
    for step in reference[2:].split("/"):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _types(part: Any, schema: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a part of a schema allows; none where it does not say."""
    named: set[str] = set()
    for each in _alternatives(part, schema):
        kinds = each.get("type", [])
        named |= {kinds} if isinstance(kinds, str) else set(kinds)
        values = each.get("enum", [each["const"]] if "const" in each else [])
        named |= {_KINDS.get(type(value), "string") for value in values}
    return frozenset(named)


def json_object(text: str, option: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ConfigurationError: it is something else.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{option} must be a JSON object, for example '{{\"n\": 3}}': {error}."
        ) from error


def duration(text: str, option: str) -> timedelta:
    """`90`, `90s`, `5m`, `2h`, `1d`.

    Raises:
        ConfigurationError: it is something else.
    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    try:
        return timedelta(seconds=float(number) * _UNITS[unit])
    except ValueError as error:
        raise ConfigurationError(
            f"{option} {text!r} is no duration: write 90s, 5m, 2h or 1d."
        ) from error


def instant(text: str, option: str) -> datetime:
    """An ISO 8601 time; without an offset it is meant in this machine's zone.

    Raises:
        ConfigurationError: it is something else.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise ConfigurationError(
            f"{option} {text!r} is no time: write 2026-01-31T09:00 or 2026-01-31T09:00+01:00."
        ) from error
