"""What a peer's OpenAPI document says of its answers, and nothing else of it, for the tests.

python tools/reduce_openapi.py openapi.json > tests/api/peer_operations.json
"""

import json
import sys
from pathlib import Path
from typing import Any

_METHODS = {"get", "put", "post", "patch", "delete"}
#: What a schema says of the shape of values.
_SHAPE = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "enum",
    "format",
    "items",
    "maxItems",
    "minItems",
    "oneOf",
    "prefixItems",
    "properties",
    "required",
    "type",
}
_REF = "#/components/schemas/"
#: Formats that can be checked alike everywhere.
_FORMATS = {"uuid", "date-time"}


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text())
    schemas = document["components"]["schemas"]
    operations: dict[str, Any] = {}
    needed: set[str] = set()
    for path, methods in sorted(document["paths"].items()):
        if path.startswith("/ui"):
            continue
        for method in sorted(_METHODS & methods.keys()):
            answers: dict[str, Any] = {}
            for status, answer in methods[method]["responses"].items():
                if status.startswith("2"):
                    content = answer.get("content", {}).get("application/json", {})
                    answers[status] = shape(content.get("schema", {}), needed)
            operations[f"{method.upper()} {path}"] = answers
    reduced: dict[str, Any] = {}
    while missing := needed - reduced.keys():
        for name in missing:
            reduced[name] = shape(schemas[name], needed)
    lines = [
        f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}"
        for name, each in operations.items()
    ]
    parts = [
        f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}"
        for name, each in sorted(reduced.items())
    ]
    print('{"operations": {\n' + ",\n".join(lines) + "\n},")
    print('"schemas": {\n' + ",\n".join(parts) + "\n}}")


def shape(schema: Any, needed: set[str]) -> Any:
    """The schema without words; the names it refers to are added to `needed`."""
    if isinstance(schema, list):
        return [shape(each, needed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key not in _SHAPE or (key == "format" and value not in _FORMATS):
            continue
        if key == "$ref":
            needed.add(value.removeprefix(_REF))
            found[key] = value
        elif key == "properties":
            found[key] = {name: shape(each, needed) for name, each in value.items()}
        else:
            found[key] = shape(value, needed)
    return found


if __name__ == "__main__":
    main()
