"""Schemas by which a few kilobytes would keep the server busy for hours."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.hostile.borders.handshake import Websocket
from tests.hostile.conftest import HostileSite, now

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


def test_a_rule_of_every_second_of_the_year_is_refused_at_once(site: HostileSite) -> None:
    key = site.make_key("deployments:write")
    deployment = site.deploy("hello", "p")
    every = {"BYHOUR": 24, "BYMINUTE": 60, "BYSECOND": 60}
    times = ";".join(f"{name}={','.join(map(str, range(n)))}" for name, n in every.items())
    days = ",".join(map(str, range(1, 367)))
    rule = f"FREQ=YEARLY;{times};BYYEARDAY={days};BYSETPOS=-1"
    asked = [{"schedule": {"rrule": rule}, "slug": f"s{n}"} for n in range(60)]
    with others_are_answered(site):
        reply = site.send(
            "POST", f"/deployments/{deployment}/schedules", asked, key=key, seconds=60
        )
    assert (reply.status, reply.json["code"]) == (422, "invalid_schedule")


def test_a_template_that_repeats_a_large_variable_ends_its_run_alone(site: HostileSite) -> None:
    """Two megabytes in the database came to two gigabytes for the worker."""
    template = {
        "job_configuration": {"labels": {"x": ["{{ x }}"] * 5_000}},
        "variables": {"type": "object", "properties": {"x": {"default": ["y" * 1_000] * 400}}},
    }
    body = {"name": "p", "type": "process", "base_job_template": template}
    assert site.send("POST", "/work_pools/", body).status == 201
    worker = site.worker_key("p")
    run = site.run(site.deploy("hello", "p"))
    with others_are_answered(site):
        reply = site.sync("p", worker, str(uuid4()), free=1, wait_ms=1_000)
    assert (reply.status, reply.json["claimed"]) == (200, [])
    state = site.send("GET", f"/flow_runs/{run}").json["state"]
    assert state["type"] == "CRASHED"
    assert "uses the variable 'x' and others so often" in state["message"]


def test_a_worker_is_given_no_more_than_it_can_be_told_at_once(site_on_both: HostileSite) -> None:
    """However much it asks for, and whether or not it says what it has been given before."""
    site = site_on_both
    key = site.worker_key("p")
    deployment = site.deploy("hello", "p")
    large = {"name": "x" * 900_000}
    runs = {site.run(deployment, **large) for _ in range(20)}
    instance, given = str(uuid4()), []
    executions: list[dict[str, Any]] = []
    while len(given) < len(runs):
        reply = site.sync("p", key, instance, free=1_000, wait_ms=1_000, executions=executions)
        assert reply.status == 200, reply.content
        assert len(reply.content) < 6 * 1024 * 1024
        specs = [each["spec"] for each in reply.json["claimed"]]
        assert specs
        given += [each["flow_run_id"] for each in specs]
        executions += [
            {name: each[name] for name in ("flow_run_id", "token", "execution_id")}
            for each in specs
        ]
    assert set(given) == runs
    assert len(given) == len(runs)
    again = site.sync("p", key, instance, free=0, executions=[])
    assert 1 <= len(again.json["claimed"]) < len(runs)
    assert len(again.content) < 6 * 1024 * 1024


def test_strangers_websockets_take_no_memory_and_keep_nobody_out(site: HostileSite) -> None:
    port = int(urlsplit(site.url).port or 0)
    key = site.make_key("events:read")
    with ExitStack() as opened:
        sockets = [opened.enter_context(Websocket(port, "/api/events/out")) for _ in range(12)]
        # Where nobody listens, the buffers of the system take some.
        taken = sorted(each.pour(24) for each in sockets)
        assert sum(taken[:6]) < 6 * 12, taken
        opener = opened.enter_context(Websocket(port, "/api/events/out"))
        assert opener.auth(key)["type"] == "auth_success"


def test_what_a_finished_process_has_left_cannot_ask_any_more(site: HostileSite) -> None:
    """Its run has Completed by itself, so that nobody has changed its claim."""
    mine = site.execution("p")
    other = site.deploy("hello", "q")
    path = f"/deployments/{other}/create_flow_run"
    assert mine.ask("POST", path, {}).status == 201
    state = {"id": str(uuid4()), "type": "COMPLETED", "name": "Completed", "timestamp": now()}
    entry = {"kind": "flow_state", "flow_run_id": mine.run, "state": state}
    assert mine.journal(entry, first=1).status == 200
    exit_ = {"token": mine.spec["token"], "execution_id": mine.spec["execution_id"], "exit_code": 0}
    for _ in range(2):  # the answer may be lost
        assert mine.ask("POST", f"/flow_runs/{mine.run}/exit", exit_).status == 200
    asked = [
        mine.ask("POST", path, {}),
        mine.ask("POST", "/variables/", {"name": "left", "value": 1}),
        mine.ask("POST", "/v2/concurrency_limits/increment", {"names": ["x"], "slots": 1}),
        mine.ask("GET", f"/flow_runs/{mine.run}"),
    ]
    assert {each.status for each in asked} == {403}
    assert site.send("GET", f"/flow_runs/{mine.run}").json["state"]["type"] == "COMPLETED"
