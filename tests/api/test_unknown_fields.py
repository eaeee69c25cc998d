"""What nobody knows is refused, wherever something wanted could be lost by leaving it out."""

import json
import re
from pathlib import Path
from uuid import uuid4

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.routes import HTTPRoute
from tests.api.websockets import Socket

from runwright.core.automations.triggers import Trigger
from runwright.core.schedules.schedule import FIELDS
from runwright.server import strictness
from runwright.server.api.routers import ROUTERS
from runwright.server.app import describe
from runwright.server.problems import Unprocessable

#: Bodies in which others report, and which may be of another version.
REPORTS = {
    "POST /api/flow_runs/{}/journal",
    "POST /api/flow_runs/{}/exit",
    "POST /api/flow_runs/{}/infrastructure",
    "POST /api/flow_runs/{}/release",
    "POST /api/work_pools/{}/workers/{}/sync",
    "POST /api/work_pools/{}/workers/heartbeat",
    "POST /api/logs",
    "POST /api/events",
}
#: What the body is made of is users' own, or no object.
FREE = {
    "PATCH /api/flow_runs/{}/labels",
    "POST /api/templates/validate",
    "POST /api/automations/templates/validate",
}


def anonymous(template):
    return re.sub(r"\{[^}]*\}", "{}", template).rstrip("/")


def with_bodies():
    for template, methods in describe()["paths"].items():
        for method, operation in methods.items():
            schema = operation.get("requestBody", {}).get("content", {})
            if schema:
                kind = schema["application/json"]["schema"].get("type")
                yield f"{method.upper()} {anonymous(template)}", kind == "array"


def refused(api, operation, body):
    method, template = operation.split(" ")
    reply = api.send(method, re.sub(r"\{\}", lambda _: str(uuid4()), template), body)
    assert reply.status == 422, (operation, body, reply.status, reply.content)
    assert reply.json["code"] == "unknown_field", (operation, reply.json)
    return reply.json["detail"]


def test_every_body_refuses_a_field_that_nobody_knows_but_those_of_reports(api):
    checked = set()
    for operation, is_array in with_bodies():
        if operation in REPORTS | FREE:
            continue
        body = {"no_such_field": None}
        detail = refused(api, operation, [body] if is_array else body)
        assert "There is no field `no_such_field`" in detail
        assert "Known fields: " in detail
        checked.add(operation)
    assert len(checked) > 70
    assert {operation for operation, _ in with_bodies()} >= REPORTS | FREE


@pytest.mark.parametrize("operation", sorted(REPORTS))
def test_reports_of_another_version_may_say_more(api, operation):
    method, template = operation.split(" ")
    body = {"no_such_field": None}
    is_array = dict(with_bodies())[operation]
    reply = api.send(method, template.replace("{}", str(uuid4())), [body] if is_array else body)
    assert "no_such_field" not in reply.content.decode()


def test_a_misspelt_filter_deletes_nothing(api):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    runs = [api.ok("POST", "/api/flow_runs/", {"flow_id": flow})["id"] for _ in range(3)]

    for wrong, name in (
        ({"flow_runs": {"idd": {"any_": [runs[0]]}}, "limit": 3}, "id"),
        ({"flow_runs": {"id": {"any": [runs[0]]}}, "limit": 3}, "any_"),
        ({"flow_run": {"id": {"any_": [runs[0]]}}, "limit": 3}, "flow_runs"),
    ):
        detail = refused(api, "POST /api/flow_runs/bulk_delete", wrong)
        assert f"Did you mean `{name}`?" in detail
    # Known elsewhere, and of no effect here.
    refused(api, "POST /api/flow_runs/bulk_delete", {"flows": {"name": {"any_": ["g"]}}})

    assert api.ok("POST", "/api/flow_runs/count", {}) == 3


NESTED = [
    ("POST /api/flow_runs/count", {"flow_runs": {"id": {"any": []}}}, "flow_runs.id"),
    ("POST /api/flow_runs/filter", {"flow_runs": {"state": {"typ": {}}}}, "flow_runs.state"),
    ("POST /api/flow_runs/paginate", {"flows": {"tags": {"al_": []}}}, "flows.tags"),
    ("POST /api/logs/filter", {"logs": {"levl": {"ge_": 20}}}, "logs"),
    ("POST /api/events/filter", {"filter": {"event": {"names": ["x"]}}}, "filter.event"),
    ("POST /api/events/count-by/day", {"filter": {"related": [{"rol": []}]}}, "filter.related[0]"),
    ("POST /api/work_pools/p/workers/filter", {"workers": {"statuss": {}}}, "workers"),
    ("POST /api/variables/filter", {"flow_runs": {}}, ""),
    ("POST /api/deployments/filter", {"deployments": {"flow_or_deployment_name": {"any_": []}}},
     "deployments.flow_or_deployment_name"),
    ("POST /api/flow_runs", {"flow_id": str(uuid4()), "state": {"typ": "PENDING"}}, "state"),
    ("POST /api/flow_runs", {"flow_id": str(uuid4()), "empirical_policy": {"retrys": 1}},
     "empirical_policy"),
    ("POST /api/flow_runs/{}/set_state",
     {"state": {"type": "PENDING", "state_details": {"scheduled": None}}}, "state.state_details"),
    ("POST /api/deployments", {"name": "d", "schedules": [{"shedule": {}}]}, "schedules[0]"),
    ("POST /api/deployments/{}/schedules", [{"schedule": {}}, {"schedule": {}, "activ": True}],
     "[1]"),
    ("POST /api/deployments/{}/create_flow_run/bulk", [{"parametres": {}}], "[0]"),
    ("POST /api/automations", {"actions": [{"type": "do-nothing"}, {"type": "call-webhook",
     "playload": ""}]}, "actions[1]"),
    ("PUT /api/saved_searches", {"name": "s", "filters": [{"objekt": "x"}]}, "filters[0]"),
    ("POST /api/work_pools", {"name": "p", "storage_configuration": {"no": 1}},
     "storage_configuration"),
    ("POST /api/v2/concurrency_limits/increment-with-lease", {"holder": {"ids": 1}}, "holder"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "body", "where"), NESTED)
def test_fields_far_inside_are_refused_where_they_stand(api, operation, body, where):
    detail = refused(api, operation, body)
    assert (f" in `{where}`" in detail) if where else " in `" not in detail


def test_triggers_and_schedules_are_read_as_strictly(api):
    event = {"type": "event", "posture": "Reactive", "treshold": 3}
    body = {"name": "a", "actions": [{"type": "do-nothing"}]}
    for trigger, where in (
        (event, "trigger"),
        ({"posture": "Reactive", "treshold": 3}, "trigger"),
        ({"type": "compound", "require": "any", "triggers": [event]}, "trigger.triggers[0]"),
    ):
        detail = refused(api, "POST /api/automations", {**body, "trigger": trigger})
        assert f"`treshold` in `{where}`. Did you mean `threshold`?" in detail

    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    deployment = {"name": "d", "flow_id": flow}
    for schedule, name in (
        ({"cron": "0 0 * * *", "timezon": "Europe/Berlin"}, "timezon"),
        ({"interval": 60, "day_or": True}, "day_or"),
    ):
        wanted = {**deployment, "schedules": [{"schedule": schedule}]}
        assert f"`{name}`" in refused(api, "POST /api/deployments", wanted)
    nulls = {"cron": "0 0 * * *", "interval": None, "rrule": None, "anchor_date": None}
    api.ok("POST", "/api/deployments/", {**deployment, "schedules": [{"schedule": nulls}]})


def test_parameters_of_the_address_are_known_or_refused(api):
    run = uuid4()
    for method, path in (
        ("GET", f"/api/flow_run_states?flow_run_idd={run}"),
        ("GET", f"/api/flow_runs/{run}?includ=x"),
        ("DELETE", f"/api/flow_runs/{run}?force"),
        ("POST", "/api/flow_runs/bulk_delete?limit=3"),
        ("POST", "/api/flow_runs/filter?limit=3"),
        ("POST", "/api/flow_runs?name=x"),
    ):
        reply = api.send(method, path, {} if method == "POST" else None)
        assert (reply.status, reply.json["code"]) == (422, "unknown_field"), (path, reply.content)
    assert api.send("GET", f"/api/flow_run_states?flow_run_id={run}").status == 200
    told = api.send("GET", "/api/events/filter/next?page-token=x").json
    assert "page-token is none of ours" in told["detail"]
    assert api.send("GET", "/api/health?probe=1", key=None).status == 200


@pytest.mark.parametrize("path", ["/api/logs/out", "/api/events/out"])
def test_a_stream_closes_on_a_filter_that_it_does_not_know(api, path):
    async def told():
        async with Socket(api.app, path) as socket:
            await socket.send({"type": "auth", "token": api.key})
            await socket.receive()
            await socket.send({"type": "filter", "filter": {"flow_run_idd": {"any_": []}}})
            return await socket.closing()

    closed = api.run(told())
    assert closed["code"] == 1002
    assert "There is no field `flow_run_idd` in `filter`" in closed["reason"]


# --- what Prefect's clients may send


PEERS = json.loads((Path(__file__).parent / "prefect_bodies.json").read_text())


def types_of_bodies():
    needed = ("wiring", "principal", "authenticator", "access")
    application = Litestar(
        [Router("/api", route_handlers=ROUTERS)],
        dependencies={name: Provide(lambda: None, sync_to_thread=False) for name in needed},
        openapi_config=None,
    )
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.parsed_data_field is not None:
                    yield f"{method} {anonymous(route.path)}", handler.parsed_data_field.annotation


def test_every_field_that_the_peers_clients_may_send_is_known():
    types = dict(types_of_bodies())
    unknown, checked = [], 0
    for operation, bodies in PEERS.items():
        method, path = operation.split(" ")
        wanted = types.get(f"{method} /api{anonymous(path)}")
        if wanted is None:
            continue  # `test_peer_operations` says which are not ours
        for body in bodies:
            try:
                strictness.refuse_unknown(wanted, body)
                for trigger in parts(body, "trigger"):
                    strictness.refuse_unknown(Trigger, trigger, "trigger")
            except Unprocessable as refusal:
                unknown.append(f"{operation}: {refusal.detail}")
            known = {name for fields in FIELDS.values() for name in fields}
            for schedule in parts(body, "schedule"):
                unknown += [f"{operation}: {name}" for name in schedule if name not in known]
        checked += 1
    assert unknown == []
    assert checked > 80


def parts(value, name):
    if isinstance(value, dict):
        if isinstance(value.get(name), dict):
            yield value[name]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from parts(each, name)
