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

    Raises:
        ConfigurationError: one has no equals sign.
    """
    members = schema.get("properties") or {}
    return {
        name: _of_types(text, _types(members.get(name), schema))
        for name, text in pairs_of_text(given, option).items()
    }


def _of_types(text: str, types: frozenset[str]) -> Any:
    value = json_or_text(text)
    if "string" not in types:
        return value
    # What is one of the other types, as for `int | str`, is that; else it is text as it stands.
    kind = _KINDS[type(value)]
    others = types - {"string"}
    fits = kind in others or (kind == "integer" and "number" in others)
    return value if fits else text


def _types(part: Any, schema: Mapping[str, Any], depth: int = 0) -> frozenset[str]:
    """The JSON types that a part of a schema allows; none where it does not say."""
    if not isinstance(part, Mapping) or depth > _DEEPEST:
        return frozenset()
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found: Any = schema
        for step in reference[2:].split("/"):
            found = found.get(step) if isinstance(found, Mapping) else None
        return _types(found, schema, depth + 1)
    kinds = part.get("type", [])
    named = {kinds} if isinstance(kinds, str) else set(kinds)
    for choices in ("anyOf", "oneOf", "allOf"):
        for each in part.get(choices, ()):
            named |= _types(each, schema, depth + 1)
    values = part.get("enum", [part["const"]] if "const" in part else [])
    return frozenset(named | {_KINDS.get(type(value), "string") for value in values})


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
