"""What identifies the schema of a block: clients and server must come to the same text."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_DEFINITIONS = "#/definitions/"


def block_checksum(fields: Mapping[str, Any]) -> str:
    """`sha256:<hex>` of a schema, whatever the order of its members.

    Which fields are secret, and the definitions of nested blocks, are not part of it: a nested
    block has a schema and a checksum of its own.
    """
    kept = _without_secrets(fields)
    definitions = kept.pop("definitions", None)
    if definitions:
        own = _own_definitions({**kept, "definitions": definitions}, definitions)
        if own:
            kept["definitions"] = own
    elif definitions is not None:
        kept["definitions"] = definitions
    # The text is that of the peer's clients: the arguments of a call, positional and by name.
    text = json.dumps([[kept], {}], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _without_secrets(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {k: _without_secrets(each) for k, each in value.items() if k != "secret_fields"}


def _own_definitions(value: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ahead = [value]
    while ahead:
        for reference in _references(ahead.pop()):
            name = reference.replace(_DEFINITIONS, "")
            definition = definitions.get(name)
            if name in found or not isinstance(definition, Mapping) or not definition:
                continue
            if definition.get("block_type_slug") is None:
                found[name] = definition
                ahead.append(definition)
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "$ref" and isinstance(each, str):
                yield each
            else:
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
