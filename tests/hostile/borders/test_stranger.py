"""Schemas by which a few kilobytes would keep the server busy for hours."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.hostile.conftest import HostileSite

BRANCHES = 24


def doubling(levels: int, reference: str = "#/$defs/a{}") -> dict[str, Any]:
    """Three kilobytes: each definition tries the next one twice."""
    definitions: dict[str, Any] = {
        f"a{n}": {"$anchor": f"a{n}", "anyOf": [{"$ref": reference.format(n + 1)}] * 2}
        for n in range(levels)
    }
    definitions[f"a{levels}"] = {"$anchor": f"a{levels}", "type": "integer"}
    return {"$defs": definitions, "properties": {"x": {"$ref": reference.format(0)}}}


RECURSIVE = {
    "$defs": {
        "n": {
            "anyOf": [
                {"properties": {"c": {"$ref": "#/$defs/n"}}, "required": ["c", str(each)]}
                for each in range(3)
            ]
        }
    },
    "$ref": "#/$defs/n",
}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"c": value}
    return value


@contextmanager
def others_are_answered(site: HostileSite, within: float = 1.0) -> Iterator[None]:
    """Somebody else asks all the while, and never waits for long."""
    slowest, stop = 0.0, threading.Event()

    def ask() -> None:
        nonlocal slowest
        while not stop.is_set():
            begun = time.monotonic()
            site.send("POST", "/variables/", {"name": f"v{time.monotonic_ns()}", "value": 1})
            slowest = max(slowest, time.monotonic() - begun)
            stop.wait(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join()
    assert slowest < within


@pytest.mark.parametrize(
    "schema",
    [doubling(BRANCHES), doubling(BRANCHES, "#a{}"), doubling(BRANCHES, "#/%24defs/a{}")],
    ids=["pointers", "anchors", "escaped"],
)
def test_a_schema_that_doubles_is_refused_at_once(site: HostileSite, schema: Any) -> None:
    key = site.make_key("flows:write", "deployments:write")
    flow = site.send("POST", "/flows/", {"name": "f"}, key=key).json["id"]
    body = {
        "name": "slow", "flow_id": flow, "parameter_openapi_schema": schema,
        "enforce_parameter_schema": True, "parameters": {"x": "no number"},
    }  # fmt: skip
    with others_are_answered(site):
        reply = site.send("POST", "/deployments/", body, key=key, seconds=60)
    assert (reply.status, reply.json["code"]) == (422, "schema_too_complex")


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (RECURSIVE, nested(40)),
        (
            {"additionalProperties": {"anyOf": [{"type": "integer"}] * 900}},
            {f"p{n}": "no number" for n in range(300)},
        ),
        (
            {"additionalProperties": {"pattern": "^(?=(a+)+$)(a|a)*b$"}},
            {f"p{n}": "a" * 200 for n in range(3_000)},
        ),
    ],
    ids=["recursive", "branches", "searching"],
)
def test_values_that_a_schema_takes_long_for_are_refused_at_once(
    site: HostileSite, schema: Any, values: Any
) -> None:
    key = site.make_key("flows:write", "deployments:write", "runs:create")
    flow = site.send("POST", "/flows/", {"name": "f"}, key=key).json["id"]
    body = {
        "name": "slow", "flow_id": flow, "parameter_openapi_schema": schema,
        "enforce_parameter_schema": False,
    }  # fmt: skip
    made = site.send("POST", "/deployments/", body, key=key)
    assert made.status == 201, made.content
    path = f"/deployments/{made.json['id']}/create_flow_run"
    asked = {"parameters": values, "enforce_parameter_schema": True}
    with others_are_answered(site):
        reply = site.send("POST", path, asked, key=key, seconds=60)
    assert (reply.status, reply.json["code"]) == (422, "invalid_parameters")
