"""Which values of parameters are secrets, by their JSON Schema, and what is shown of them."""

from collections.abc import Mapping
from typing import Any

MASK = "**********"

_DEEPEST = 32
_BRANCHES = ("allOf", "anyOf", "oneOf")


def holds_secrets(schema: Any) -> bool:
    """Whether anything in the schema is a secret."""
    if isinstance(schema, Mapping):
        return _is_secret(schema) or any(map(holds_secrets, schema.values()))
    return isinstance(schema, list) and any(map(holds_secrets, schema))


def masked(parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with a mask for each secret in them."""
    shown = _masked(dict(parameters), schema, schema, 0)
    return shown if isinstance(shown, dict) else {}


def shown_of(parameters: Mapping[str, Any], schema: Any) -> dict[str, Any] | None:
    """What is shown of given parameters until their flow has read them; None: they themselves."""
    if not parameters or not holds_secrets(schema):
        return None
    shown = masked(parameters, schema)
    return None if shown == parameters else shown


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("writeOnly") is True or schema.get("format") == "password"


def _masked(value: Any, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if value is None or not isinstance(schema, Mapping):
        return value
    if depth > _DEEPEST or _is_secret(schema):
        return MASK
    if isinstance(reference := schema.get("$ref"), str):
        value = _masked(value, _resolved(reference, root), root, depth + 1)
    for name in _BRANCHES:
        branches = schema.get(name)
        for branch in branches if isinstance(branches, list) else ():
            value = _masked(value, branch, root, depth + 1)
    if isinstance(value, dict):
        return _masked_members(value, schema, root, depth)
    if isinstance(value, list):
        return _masked_items(value, schema, root, depth)
    return value


def _masked_members(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    properties = schema.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    others = schema.get("additionalProperties")
    return {
        name: _masked(item, known.get(name, others), root, depth + 1)
        for name, item in value.items()
    }


def _masked_items(
    value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> list[Any]:
    first = schema.get("prefixItems")
    known = first if isinstance(first, list) else []
    others = schema.get("items")
    return [
        _masked(item, known[i] if i < len(known) else others, root, depth + 1)
        for i, item in enumerate(value)
    ]


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step.replace("~1", "/").replace("~0", "~"))
    return found
