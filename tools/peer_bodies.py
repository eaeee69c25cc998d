"""Write bodies that have every field of Prefect's description of its API, without values.

    python tools/peer_bodies.py OPENAPI_JSON [tests/api/prefect_bodies.json]

The tests send them: a field that Prefect's clients may send must never be unknown here.
"""

import json
import sys
from pathlib import Path
from typing import Any

_DEEPEST = 9
_CHOICES = ("anyOf", "oneOf", "allOf")


class Sampler:
    """Makes values of a schema. Several where it has alternatives, which differ in their fields."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]

    def samples(self, schema: dict[str, Any], depth: int = 0) -> list[Any]:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[1]]
        if depth > _DEEPEST:
            return [None]
        if "const" in schema:
            return [schema["const"]]
        for choices in _CHOICES:
            if choices in schema:
                found = [x for each in schema[choices] for x in self.samples(each, depth + 1)]
                return [x for x in found if isinstance(x, dict | list) and x] or [None]
        if "properties" in schema:
            return self._objects(schema["properties"], depth)
        if schema.get("type") == "array":
            inner = self.samples(schema.get("items", {}), depth + 1)
            objects = [each for each in inner if isinstance(each, dict)]
            return [objects or None]
        return [None]

    def _objects(self, properties: dict[str, Any], depth: int) -> list[dict[str, Any]]:
        values = {name: self.samples(each, depth + 1) for name, each in properties.items()}
        first = {name: found[0] for name, found in values.items()}
        tag = {"type": first["type"]} if first.get("type") else {}
        others = [{**tag, name: x} for name, found in values.items() for x in found[1:]]
        return [first, *others]


def main(source: str, target: str = "tests/api/prefect_bodies.json") -> None:
    document = json.loads(Path(source).read_text())
    sampler = Sampler(document)
    lines: list[str] = []
    for path, methods in sorted(document["paths"].items()):
        for method, operation in sorted(methods.items()):
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            bodies = [x for x in sampler.samples(content["schema"]) if x] if content else []
            if bodies:
                text = json.dumps(bodies, separators=(",", ":"))
                lines.append(f'"{method.upper()} {path}": {text}')
    Path(target).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
