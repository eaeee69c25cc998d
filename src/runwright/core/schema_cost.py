"""How much work a JSON Schema may make of one value: an upper bound, found before any is done.

A validator applies schemas to values, and some schemas make it do so again and again: `anyOf` whose
branches refer to the same definitions doubles the work at each of them, and a definition that
refers to itself does at each level of the value. Three kilobytes of that keep a processor busy
for hours. So the applications are counted first, definition by definition and level by level.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

#: Beyond this the numbers say no more than "far too much".
MANY = 10**9

_SAME_VALUE = ("allOf", "anyOf", "oneOf")
_SAME_VALUE_ONE = ("not", "if", "then", "else")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_OF_OBJECTS = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_OF_ARRAYS = ("additionalItems", "unevaluatedItems", "contains")


_MATCHED, _SEARCHED = 10, 5_000
#: Lookarounds, atomic groups, conditions and backreferences.
_SEARCHES = re.compile(r"\(\?[=!>(]|\(\?<[=!]|\(\?P=|\\[1-9kKGg]|[*+?}]\+")
#: Stands for a schema of which nothing is known.
_ANYTHING = object()


class Extent(NamedTuple):
    """How large a value is: all that is in it, and how deep."""

    parts: int
    depth: int


def extent(value: object) -> Extent:
    """The lists, members, texts and numbers in a value; long texts count as many."""
    parts, depth, level = 0, 0, [value]
    while level:
        inner: list[object] = []
        for each in level:
            parts += 1 + (len(each) // 256 if isinstance(each, str) else 0)
            if isinstance(each, Mapping):
                inner += each.values()
            elif isinstance(each, list | tuple):
                inner += each
        level = inner
        depth += 1
    return Extent(parts, depth)


def applications(schema: Mapping[str, Any], depth: int) -> int:
    """How many schemas are applied, at most, to any one part of a value of this depth."""
    counting = _Counting(schema)
    return max(counting.at(schema, level) for level in range(max(depth, 1)))


def pattern_work(schema: Mapping[str, Any]) -> int:
    """The work of compiling the regular expressions; those that count repetitions grow large."""
    return sum(
        10 if "{" in each or "\\p" in each else 1
        for found in _objects(schema)
        for each in _patterns_in(found)
    )


def _patterns_in(schema: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(schema.get("pattern"), str):
        yield schema["pattern"]
    named = schema.get("patternProperties")
    if isinstance(named, Mapping):
        yield from (each for each in named if isinstance(each, str))


def _objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    rest = [schema]
    while rest:
        each = rest.pop()
        if isinstance(each, Mapping):
            yield each
            rest += each.values()
        elif isinstance(each, list):
            rest += each


class _Counting:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        #: By the identity of a schema, which lives as long as `root`, and the level.
        self._known: dict[tuple[int, int], tuple[int, int]] = {}
        self._open: set[tuple[int, int]] = set()
        self._references: dict[str, Any] = {}
        self._anchors = _anchors_in(root)

    def at(self, schema: Any, level: int) -> int:
        """Applications to a part `level` levels below the one that `schema` is applied to."""
        return max(self._pair(schema, level))

    def _pair(self, schema: Any, level: int) -> tuple[int, int]:
        """Where the value is an object, and where it is an array: it cannot be both."""
        if schema is _ANYTHING:
            return MANY, MANY
        if not isinstance(schema, Mapping):
            return 1, 1
        key = id(schema), level
        found = self._known.get(key)
        if found is not None:
            return found
        if key in self._open:  # it refers to itself for the same value: nothing more is found
            return 0, 0
        self._open.add(key)
        objects, arrays = (_own(schema),) * 2 if level == 0 else self._below(schema, level - 1)
        for each in self._same_value(schema):
            pair = self._pair(each, level)
            objects, arrays = objects + pair[0], arrays + pair[1]
        self._open.discard(key)
        pair = self._known[key] = min(objects, MANY), min(arrays, MANY)
        return pair

    def _below(self, schema: Mapping[str, Any], level: int) -> tuple[int, int]:
        named = _members(schema.get("properties"))
        matching = _members(schema.get("patternProperties"))
        objects = max((self.at(each, level) for each in named), default=0)
        objects += sum(self.at(each, level) for each in matching)
        objects += sum(map(_match, _members(schema.get("patternProperties"), keys=True)))
        objects += sum(self.at(schema[name], level) for name in _OF_OBJECTS if name in schema)
        items = schema.get("items")
        listed = [
            *(items if isinstance(items, list) else ()),
            *_listed(schema.get("prefixItems")),
        ]
        arrays = max((self.at(each, level) for each in listed), default=0)
        arrays += self.at(items, level) if isinstance(items, Mapping) else 0
        arrays += sum(self.at(schema[name], level) for name in _OF_ARRAYS if name in schema)
        return objects, arrays

    def _same_value(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        for name in _SAME_VALUE:
            yield from _listed(schema.get(name))
        yield from (schema[name] for name in _SAME_VALUE_ONE if name in schema)
        for name in _REFERENCES:
            if isinstance(schema.get(name), str):
                yield self._referred(schema[name])
        yield from _members(schema.get("dependentSchemas"))
        yield from (
            each for each in _members(schema.get("dependencies")) if isinstance(each, Mapping)
        )

    def _referred(self, reference: str) -> Any:
        """What a reference means. One that is not simply looked up may mean anything."""
        if reference not in self._references:
            self._references[reference] = self._find(reference)
        return self._references[reference]

    def _find(self, reference: str) -> Any:
        if self._anchors is None or not reference.startswith("#"):
            return _ANYTHING
        if not reference.startswith("#/"):
            return self._anchors.get(reference[1:], _ANYTHING) if reference != "#" else self._root
        found: Any = self._root
        for step in unquote(reference[2:]).split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping):
                found = found.get(name)
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found


def _anchors_in(root: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schemas that are named; None where parts of `root` are documents of their own."""
    found: dict[str, Any] = {}
    for each in _objects(root):
        if each is not root and any(isinstance(each.get(name), str) for name in ("$id", "id")):
            return None
        for name in ("$anchor", "$dynamicAnchor"):
            if isinstance(each.get(name), str):
                found[each[name]] = _ANYTHING if each[name] in found else each
    return found


def _own(schema: Mapping[str, Any]) -> int:
    """What the words of a schema cost by themselves."""
    pattern = schema.get("pattern")
    return (
        1
        + sum(len(_listed(schema.get(name))) for name in ("enum", "required"))
        + (_match(pattern) if isinstance(pattern, str) else 0)
    )


def _match(pattern: str) -> int:
    """What one match costs. Those that look around or back try again, up to a limit."""
    return _SEARCHED if _SEARCHES.search(pattern) else _MATCHED


def _members(found: Any, *, keys: bool = False) -> list[Any]:
    return list(found if keys else found.values()) if isinstance(found, Mapping) else []


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
