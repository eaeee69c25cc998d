"""Every operation of the peer's interface is there, and answers in the shape of the peer's.

The facts are in `peer_operations.json`; see `tools/reduce_openapi.py`.
"""

import json
from pathlib import Path
from uuid import uuid4

import jsonschema_rs
import pytest

FACTS = json.loads((Path(__file__).parent / "peer_operations.json").read_text())
NOW = "2026-11-01T10:00:00Z"
SPAN = {
    "history_start": "2026-01-01T00:00:00Z",
    "history_end": "2026-01-02T00:00:00Z",
    "history_interval_seconds": 3600,
}
TRIGGER = {"posture": "Reactive", "expect": ["x"], "match": {"prefect.resource.id": "r"}}
#: Refused by us with the peer's words: a key needs no such token.
REFUSED = {"GET /csrf-token": 422}


def validator(schema):
    whole = {**schema, "components": {"schemas": FACTS["schemas"]}}
    return jsonschema_rs.validator_for(whole, validate_formats=True)


class Caller:
    """Calls operations by their names in the facts, and holds each answer to its schema."""

    def __init__(self, api):
        self.api = api
        self.called = set()
        self.misfits = []

    def __call__(self, operation, body=None, *path, query=""):
        """What the operation answers; `path` fills the places in its path, in their order."""
        method, template = operation.split(" ")
        self.called.add(operation)
        parts, values = template.split("/"), list(path)
        filled = "/".join(f"{values.pop(0)}" if part.startswith("{") else part for part in parts)
        assert not values, operation
        reply = self.api.send(method, f"/api{filled}{query}", body)
        if operation in REFUSED:
            assert reply.status == REFUSED[operation]
            return reply.json
        assert 200 <= reply.status < 300, (operation, reply.status, reply.content)
        for schema in FACTS["operations"][operation].values():
            if schema:
                self.misfits += [
                    f"{operation}: {'/'.join(map(str, error.instance_path))}: {error.message[:200]}"
                    for error in validator(schema).iter_errors(reply.json)
                ]
        is_json = reply.headers.get("content-type", "").startswith("application/json")
        return reply.json if is_json else None


@pytest.fixture
def call(api):
    return Caller(api)


def lists(call, resource, *more):
    for way in ("filter", "count", *more):
        call(f"POST /{resource}/{way}", {})


def flows_and_deployments(call):
    flow = call("POST /flows/", {"name": "f", "tags": ["t"]})["id"]
    call("GET /flows/{id}", None, flow)
    call("GET /flows/name/{name}", None, "f")
    call("PATCH /flows/{id}", {"tags": ["u"]}, flow)
    call("POST /work_pools/", {"name": "p"})
    schedules = [{"schedule": kind} for kind in ({"cron": "0 * * * *"}, {"interval": 60.0})]
    body = {
        "name": "d",
        "flow_id": flow,
        "work_pool_name": "p",
        "schedules": schedules,
        "concurrency_limit": 9,
        "parameter_openapi_schema": {"type": "object", "properties": {}},
    }
    made = call("POST /deployments/", body)["id"]
    call("GET /deployments/{id}", None, made)
    call("GET /deployments/name/{flow_name}/{deployment_name}", None, "f", "d")
    call("PATCH /deployments/{id}", {"description": "x"}, made)
    lists(call, "deployments", "paginate")
    lists(call, "flows", "paginate")
    schedule = call("GET /deployments/{id}/schedules", None, made)[0]["id"]
    rrule = [{"schedule": {"rrule": "FREQ=DAILY"}, "active": True}]
    call("POST /deployments/{id}/schedules", rrule, made)
    one = "/deployments/{id}/schedules/{schedule_id}"
    call(f"PATCH {one}", {"active": False}, made, schedule)
    call(f"DELETE {one}", None, made, schedule)
    call("POST /deployments/{id}/schedule", {}, made)
    for way in ("pause_deployment", "resume_deployment"):
        call(f"POST /deployments/{{id}}/{way}", None, made)
    call("GET /deployments/{id}/work_queue_check", None, made)
    call("POST /deployments/get_scheduled_flow_runs", {"deployment_ids": [made]})
    call("POST /deployments/{id}/create_flow_run/bulk", [{}], made)
    return flow, made


def runs(call, flow, deployment):
    run = call("POST /deployments/{id}/create_flow_run", {"tags": ["z"]}, deployment)["id"]
    other = call("POST /flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"]
    for kind in ("PENDING", "RUNNING"):
        call("POST /flow_runs/{id}/set_state", {"state": {"type": kind}}, run)
    task = {"flow_run_id": run, "task_key": "t", "dynamic_key": "0", "name": "t-0"}
    task = call("POST /task_runs/", task)["id"]
    for kind in ("RUNNING", "COMPLETED"):
        call("POST /task_runs/{id}/set_state", {"state": {"type": kind}}, task)
    record = {"name": "x", "level": 20, "message": "m", "timestamp": NOW, "flow_run_id": run}
    call("POST /logs/", [record])
    call("POST /logs/filter", {})
    call("GET /flow_runs/{id}/logs/download", None, run)
    call("GET /flow_runs/{id}", None, run)
    call("PATCH /flow_runs/{id}", {"name": "n"}, run)
    call("PATCH /flow_runs/{id}/labels", {"a": 1}, run)
    call("GET /flow_runs/{id}/graph", None, run)
    call("GET /flow_runs/{id}/graph-v2", None, run)
    for kind, id_, family in (("flow_run", run, "flow_runs"), ("task_run", task, "task_runs")):
        states = call(f"GET /{kind}_states/", query=f"?{kind}_id={id_}")
        call(f"GET /{kind}_states/{{id}}", None, states[0]["id"])
        lists(call, family, "paginate")
        call(f"POST /{family}/history", SPAN)
    call("POST /flow_runs/lateness", {})
    call("GET /task_runs/{id}", None, task)
    call("PATCH /task_runs/{id}", {"name": "t-1"}, task)
    call("POST /task_workers/filter", {})
    call("POST /flow_runs/{id}/input", {"key": "k", "value": "v"}, run)
    call("POST /flow_runs/{id}/input/filter", {"prefix": "k"}, run)
    call("GET /flow_runs/{id}/input/{key}", None, run, "k")
    call("DELETE /flow_runs/{id}/input/{key}", None, run, "k")
    call("POST /flow_runs/{id}/set_state", {"state": {"type": "PAUSED"}}, run)
    call("POST /flow_runs/{id}/resume", {}, run)
    call("POST /flow_runs/bulk_set_state", {"state": {"type": "CANCELLED"}})
    return run, other, task


def pools_and_queues(call):
    call("GET /work_pools/{name}", None, "p")
    call("PATCH /work_pools/{name}", {"description": "d"}, "p")
    lists(call, "work_pools")
    call("POST /work_pools/{name}/get_scheduled_flow_runs", {}, "p")
    call("POST /work_pools/{name}/concurrency_status", {}, "p")
    of_pool = "/work_pools/{work_pool_name}/queues"
    call(f"POST {of_pool}", {"name": "q"}, "p")
    call(f"POST {of_pool}/filter", {}, "p")
    call(f"GET {of_pool}/{{name}}", None, "p", "q")
    call(f"PATCH {of_pool}/{{name}}", {"priority": 2}, "p", "q")
    call("POST /work_pools/", {"name": "default-agent-pool"})  # of queues that name none
    queue = call("POST /work_queues/", {"name": "q2"})["id"]
    call("POST /work_queues/filter", {})
    call("GET /work_queues/name/{name}", None, "q2")
    call("GET /work_queues/{id}", None, queue)
    call("PATCH /work_queues/{id}", {"concurrency_limit": 3}, queue)
    call("GET /work_queues/{id}/status", None, queue)
    call("POST /work_queues/{id}/get_runs", {}, queue)
    call("POST /work_queues/{id}/concurrency_status", {}, queue)
    call("DELETE /work_queues/{id}", None, queue)
    call(f"DELETE {of_pool}/{{name}}", None, "p", "q")
    workers = "/work_pools/{work_pool_name}/workers"
    call(f"POST {workers}/heartbeat", {"name": "w"}, "p")
    call(f"POST {workers}/filter", {}, "p")
    call(f"DELETE {workers}/{{name}}", None, "p", "w")


def blocks(call):
    kind = call("POST /block_types/", {"name": "B", "slug": "b"})["id"]
    call("GET /block_types/{id}", None, kind)
    call("GET /block_types/slug/{slug}", None, "b")
    call("PATCH /block_types/{id}", {"description": "d"}, kind)
    call("POST /block_types/filter", {})
    call("POST /block_types/install_system_block_types")
    schema = call("POST /block_schemas/", {"block_type_id": kind, "capabilities": ["c"]})
    call("GET /block_schemas/{id}", None, schema["id"])
    call("GET /block_schemas/checksum/{checksum}", None, schema["checksum"])
    call("POST /block_schemas/filter", {})
    call("GET /block_capabilities/")
    body = {"block_type_id": kind, "block_schema_id": schema["id"], "name": "n", "data": {"a": 1}}
    block = call("POST /block_documents/", body)["id"]
    call("GET /block_documents/{id}", None, block)
    call("PATCH /block_documents/{id}", {"data": {"b": 1}}, block)
    lists(call, "block_documents")
    of_type = "GET /block_types/slug/{slug}/block_documents"
    call(of_type, None, "b")
    call(f"{of_type}/name/{{block_document_name}}", None, "b", "n")
    call("PUT /admin/storage", {"default_result_storage_block_id": block})
    call("GET /admin/storage")
    call("DELETE /admin/storage")
    call("DELETE /block_documents/{id}", None, block)
    call("DELETE /block_schemas/{id}", None, schema["id"])
    call("DELETE /block_types/{id}", None, kind)


def limits(call, run):
    base = "/v2/concurrency_limits"
    made = call(f"POST {base}/", {"name": "l", "limit": 5})["id"]
    call(f"GET {base}/{{id_or_name}}", None, made)
    call(f"PATCH {base}/{{id_or_name}}", {"limit": 6}, "l")
    call(f"POST {base}/filter", {})
    slots = {"names": ["l"], "slots": 1}
    call(f"POST {base}/increment", {**slots, "mode": "concurrency"})
    call(f"POST {base}/decrement", slots)
    asked = {"names": ["l"], "slots": 1, "mode": "concurrency", "lease_duration": 60}
    lease = call(f"POST {base}/increment-with-lease", asked)["lease_id"]
    call(f"POST {base}/leases/{{lease_id}}/renew", {"lease_duration": 60}, lease)
    call(f"POST {base}/decrement-with-lease", {"lease_id": lease})
    call(f"DELETE {base}/{{id_or_name}}", None, made)

    base = "/concurrency_limits"
    made = call(f"POST {base}/", {"tag": "a", "concurrency_limit": 2})["id"]
    call(f"GET {base}/{{id}}", None, made)
    call(f"GET {base}/tag/{{tag}}", None, "a")
    call(f"POST {base}/filter", {})
    for way in ("increment", "decrement"):
        call(f"POST {base}/{way}", {"names": ["a"], "task_run_id": run})
    call(f"POST {base}/tag/{{tag}}/reset", {}, "a")
    call(f"DELETE {base}/{{id}}", None, made)
    call(f"POST {base}/", {"tag": "b", "concurrency_limit": 2})
    call(f"DELETE {base}/tag/{{tag}}", None, "b")


def shared_things(call, run):
    artifact = {"key": "k", "type": "markdown", "data": "x", "flow_run_id": run}
    artifact = call("POST /artifacts/", artifact)["id"]
    call("GET /artifacts/{id}", None, artifact)
    call("GET /artifacts/{key}/latest", None, "k")
    call("PATCH /artifacts/{id}", {"description": "d"}, artifact)
    lists(call, "artifacts")
    lists(call, "artifacts/latest")
    call("DELETE /artifacts/{id}", None, artifact)
    for by in ("id", "name"):
        made = call("POST /variables/", {"name": "v", "value": {"a": [1]}})
        known = made[by]
        path = "/variables/name/{name}" if by == "name" else "/variables/{id}"
        call(f"GET {path}", None, known)
        call(f"PATCH {path}", {"value": 2}, known)
        lists(call, "variables")
        call(f"DELETE {path}", None, known)
    body = {"name": "a", "trigger": TRIGGER, "actions": [{"type": "do-nothing"}]}
    automation = call("POST /automations/", body | {"owner_resource": "o"})["id"]
    call("GET /automations/{id}", None, automation)
    call("PUT /automations/{id}", body, automation)
    call("PATCH /automations/{id}", {"enabled": False}, automation)
    lists(call, "automations")
    call("GET /automations/related-to/{resource_id}", None, "r")
    call("DELETE /automations/owned-by/{resource_id}", None, "nobody")
    call("DELETE /automations/{id}", None, automation)
    call("POST /automations/templates/validate", "{{ a }}")
    call("POST /templates/validate", "{{ a }}")
    search = call("PUT /saved_searches/", {"name": "s"})["id"]
    call("GET /saved_searches/{id}", None, search)
    call("POST /saved_searches/filter", {})
    call("DELETE /saved_searches/{id}", None, search)


def events(call):
    told = [
        {
            "id": str(uuid4()),
            "occurred": NOW,
            "event": "e",
            "resource": {"prefect.resource.id": f"r.{number}"},
        }
        for number in range(3)
    ]
    call("POST /events", told)
    page = call("POST /events/filter", {"filter": {"event": {"name": ["e"]}}, "limit": 2})
    assert page["next_page"]
    call("GET /events/filter/next", query="?" + page["next_page"].partition("?")[2])
    call("POST /events/count-by/{countable}", {}, "event")


def ends(call, flow, deployment, run, other, task):
    call("DELETE /task_runs/{id}", None, task)
    call("DELETE /flow_runs/{id}", None, run)
    call("POST /flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": [other]}}})
    call("DELETE /deployments/{id}", None, deployment)
    call("POST /deployments/bulk_delete", {"deployments": {"name": {"any_": ["none"]}}})
    call("DELETE /work_pools/{name}", None, "p")
    call("DELETE /flows/{id}", None, flow)
    call("POST /flows/bulk_delete", {"flows": {"name": {"any_": ["none"]}}})


def test_every_operation_answers_in_the_shape_of_the_peers(call):
    for path in ("health", "ready", "hello", "version", "admin/version", "admin/settings"):
        call(f"GET /{path}")
    call("GET /csrf-token", query="?client=x")
    call("GET /collections/views/{view}", None, "aggregate-worker-metadata")
    flow, deployment = flows_and_deployments(call)
    run, other, task = runs(call, flow, deployment)
    pools_and_queues(call)
    blocks(call)
    limits(call, task)
    shared_things(call, run)
    events(call)
    ends(call, flow, deployment, run, other, task)
    assert sorted(FACTS["operations"].keys() - call.called) == []
    assert sorted(set(call.misfits)) == []


def test_a_misfit_is_seen(call):
    flow = FACTS["operations"]["GET /flows/{id}"]["200"]
    wrong = {"id": "x", "name": 1, "created": None, "updated": None}
    found = [list(error.instance_path) for error in validator(flow).iter_errors(wrong)]
    assert sorted(found) == [["id"], ["name"]]
