"""Requests at their limits, made from the server's own OpenAPI document."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from runwright.api.limits import body_limit

ID = "00000000-0000-4000-8000-000000000000"
INSTANT = "2026-11-01T10:00:00Z"
#: Free JSON that takes long to read: empty lists, one after the other, in lists.
_PARTS = 49_000
_DEEPEST = 4
Json = dict[str, Any]
Make = Callable[[], Any]


@dataclass(frozen=True)
class Large:
    """One request; `what` says which of its fields is at its limit, and with what."""

    method: str
    path: str
    what: str
    make: Callable[[], bytes]


class Maker:
    """Bodies for the operations of a document."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas = document["components"]["schemas"]

    def requests(self, fill: dict[str, str]) -> Iterator[Large]:
        """For every operation, one request for each field that can be large.

        `fill`: path -> the same with ids that are there; others get ones that are not.
        """
        for template, methods in sorted(self._document["paths"].items()):
            for method, operation in sorted(methods.items()):
                path = fill.get(template) or _filled(template)
                body = operation.get("requestBody", {}).get("content", {}).get("application/json")
                if body is None:
                    yield Large(method.upper(), path, "no body", bytes)
                    continue
                for what, make in self.bodies(body["schema"]):
                    yield Large(method.upper(), path, what, _encoded(make, body_limit(path)))

    def bodies(self, schema: Json) -> Iterator[tuple[str, Make]]:
        """The least body, and that with each field in turn at its limit."""
        least = self._least(schema)
        yield "the least", lambda: least
        for number, (where, make) in enumerate(self._large(schema, 0)):
            yield (
                f"{'.'.join(where)} at its limit ({number})",
                lambda where=where, make=make: _with(copy.deepcopy(least), where, make()),
            )

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        arms = schema.get("oneOf") or schema.get("anyOf")
        if arms:
            first = next((each for each in arms if each.get("type") != "null"), arms[0])
            rest = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
            return self._resolved({**self._resolved(first), **rest})
        return schema

    def _least(self, schema: Json) -> Any:
        schema = self._resolved(schema)
        for key in ("const", "default"):
            if key in schema and schema[key] is not None:
                return schema[key]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = schema.get("type")
        if kind == "object":
            of = schema.get("properties", {})
            return {name: self._least(of[name]) for name in schema.get("required", ())}
        if kind == "array":
            return [self._least(schema.get("items", {}))] * schema.get("minItems", 0)
        plain = {"integer": schema.get("minimum", 1) or 1, "number": 1, "boolean": False}
        return plain.get(kind, _text(schema, 1) if kind == "string" else {})

    def _large(self, schema: Json, depth: int) -> Iterator[tuple[tuple[str, ...], Make]]:
        schema = self._resolved(schema)
        kind = schema.get("type")
        if "x-max-bytes" in schema:
            yield from self._free(schema)
        elif kind == "string" and "maxLength" in schema:
            yield (), partial(_text, schema, schema["maxLength"])
        elif kind == "array":
            yield (), partial(self._list, schema)
        elif kind == "object" and "properties" not in schema:
            most = schema.get("maxProperties", 1)
            yield (), lambda: {f"k{n}": "v" for n in range(most)}
        elif kind == "object" and depth < _DEEPEST:
            for name, of in schema["properties"].items():
                for where, make in self._large(of, depth + 1):
                    yield (name, *where), make

    def _list(self, schema: Json) -> list[Any]:
        each = self._least(schema.get("items", {}))
        count = min(schema.get("maxItems", 10_000), 1_500_000 // (len(json.dumps(each)) + 8))
        if isinstance(each, str) and each not in (ID, INSTANT) and "enum" not in schema["items"]:
            return [f"{each}{n}" for n in range(count)]
        return [each] * count

    @staticmethod
    def _free(schema: Json) -> Iterator[tuple[tuple[str, ...], Make]]:
        most = min(schema["x-max-bytes"], 1_900_000) - 100
        shapes: list[Make] = [
            lambda: "x" * most,
            lambda: [[[]] for _ in range(_PARTS)],
            lambda: [{} for _ in range(2 * _PARTS)],
            lambda: {f"k{n}": n for n in range(min(_PARTS, most // 16))},
            lambda: [1.5] * (most // 6),
            lambda: ["\u20ac"] * (most // 12),
            _deep,
        ]
        for make in shapes:
            yield (), lambda make=make: {"x": make()}


def _deep() -> Any:
    made: Any = []
    for _ in range(90):
        made = [made]
    return made


def _encoded(make: Make, most: int) -> Callable[[], bytes]:
    def encode() -> bytes:
        content = json.dumps(make()).encode()
        return content if len(content) <= most else b""

    return encode


def _text(schema: Json, length: int) -> str:
    made = {"uuid": ID, "date-time": INSTANT}.get(schema.get("format", ""))
    return made or "x" * max(length, schema.get("minLength", 0))


def _with(body: Any, where: tuple[str, ...], value: Any) -> Any:
    if not where:
        return value
    inside = body
    for name in where[:-1]:
        if not isinstance(inside.get(name), dict):
            inside[name] = {}
        inside = inside[name]
    inside[where[-1]] = value
    return body


def _filled(template: str) -> str:
    parts = [ID if each.startswith("{") else each for each in template.split("/")]
    return "/".join(parts)
