"""Every field of every route with values that nobody means: refused or taken, never an error.

Fields of bodies, addresses and their parameters are those of the server's own OpenAPI document.
`ODD_VALUES=all` tries every value in every field (some minutes), else each field gets a few.
"""

import copy
import json
import os
import time
import zlib
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tests.api.at_limits import Maker
from tests.api.test_loop_holds import things

#: As JSON. Python reads the numbers that JSON does not have, so they are sent as they stand.
ODD = [
    str(2**70), "-1", "0", "1e400", "NaN", "Infinity", '"\\ud800"', '""', "null", "[]", "{}",
    '"\\u0000"', "true", "1e-7",
]  # fmt: skip
#: The same in addresses.
ODD_TEXTS = [
    str(2**70), "-1", "NaN", "Infinity", "1e400", "%ED%A0%80", "", "null", "%5B%5D", "%7B%7D",
    "%00", "..",
]  # fmt: skip
_HERE = "@here@"
_DEEPEST = 4
_A_FEW = 2
#: It is open for as long as somebody listens.
_LASTING = "/ui/changes"
LONGEST_S = 5.0


class Fields(Maker):
    """Bodies with a mark in the place of one field."""

    def marked(self, schema) -> Iterator[tuple[str, str]]:
        """Where the mark stands, and the body."""
        least = self._least(schema)
        for where in self._places(schema, 0):
            body = _put(copy.deepcopy(least), list(where))
            yield ".".join(map(str, where)), json.dumps(body)

    def _places(self, schema, depth) -> Iterator[tuple[str | int, ...]]:
        yield ()
        schema = self._resolved(schema)
        if depth >= _DEEPEST:
            return
        if schema.get("type") == "array":
            yield from ((0, *rest) for rest in self._places(schema.get("items", {}), depth + 1))
        for name, of in schema.get("properties", {}).items():
            yield from ((name, *rest) for rest in self._places(of, depth + 1))


def _put(body, where):
    if not where:
        return _HERE
    name, *rest = where
    if isinstance(name, int):
        return [_put(body[0] if isinstance(body, list) and body else {}, rest)]
    body = dict(body) if isinstance(body, dict) else {}
    body[name] = _put(body.get(name, {}), rest)
    return body


def some(values: list[str], of: str) -> list[str]:
    """All of the values, or a few, others for each field; one for those that lie deep."""
    if os.environ.get("ODD_VALUES") == "all":
        return values
    first = zlib.crc32(of.encode())
    return [
        values[(first + n * 5) % len(values)] for n in range(1 if of.count(".") > 1 else _A_FEW)
    ]


Tried = tuple[str, bytes]


def addresses(operation, template, address, least, of) -> Iterator[Tried]:
    """Odd values in the address and its parameters."""
    for part in [each for each in template.split("/") if each.startswith("{")]:
        for text in some(ODD_TEXTS, of + part):
            yield template.replace(part, text).replace("{", "").replace("}", ""), least
    if of.startswith("delete"):
        return  # what the others are tried on stays
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            for text in some(ODD_TEXTS, of + parameter["name"]):
                yield f"{address}?{quote(parameter['name'])}={text}", least


def of_operation(fields, operation, template, address, of) -> Iterator[Tried]:
    """Addresses and bodies for one operation."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        yield from addresses(operation, template, address, b"", of)
        return
    least = json.dumps(fields._least(body["schema"])).encode()
    yield from addresses(operation, template, address, least, of)
    if of.startswith("delete"):
        return
    for where, marked in fields.marked(body["schema"]):
        for value in some(ODD, of + where):
            yield address, marked.replace(f'"{_HERE}"', value).encode()


def requests(document, fill) -> Iterator[tuple[str, str, bytes]]:
    """Method, address and body."""
    fields = Fields(document)
    for template, methods in sorted(document["paths"].items()):
        if template.endswith(_LASTING):
            continue
        for method, operation in sorted(methods.items()):
            of = f"{method} {template}"
            for path, raw in of_operation(fields, operation, template, fill[template], of):
                yield method.upper(), path, raw


@pytest.mark.timeout(1200 if os.environ.get("ODD_VALUES") == "all" else 120)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_value_in_any_field_breaks_the_server(api):
    fill = things(api)
    tried, wrong = 0, []
    for method, path, raw in requests(api.ok("GET", "/api/openapi.json"), fill):
        began = time.monotonic()
        reply = api.send(method, path, raw=raw)
        took = time.monotonic() - began
        tried += 1
        if (reply.status >= 500 and reply.status != 503) or took > LONGEST_S:
            wrong.append(f"{method} {path} {raw[:200]!r}: {reply.status} in {took:.1f} s")
    assert tried > 1000
    assert not wrong, "\n".join(wrong)
