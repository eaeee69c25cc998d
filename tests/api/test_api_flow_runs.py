"""Flow runs: created once, moved by the rules, filtered, counted, deleted."""

from uuid import uuid4

import pytest


@pytest.fixture
def flow_id(api):
    return api.ok("POST", "/api/flows/", {"name": "etl"})["id"]


def make(api, flow_id, **more):
    return api.ok("POST", "/api/flow_runs/", {"flow_id": flow_id, **more})


def set_state(api, run_id, kind, **more):
    body = {"state": {"type": kind, **more.pop("state", {})}, **more}
    return api.send("POST", f"/api/flow_runs/{run_id}/set_state", body)


def test_a_run_is_created_with_a_name_and_a_state(api, flow_id):
    run = make(api, flow_id, state={"type": "PENDING"}, parameters={"x": [1]}, tags=["a"])

    assert run["name"]
    assert (run["state_type"], run["state"]["name"]) == ("PENDING", "Pending")
    assert api.ok("GET", f"/api/flow_runs/{run['id']}")["parameters"] == {"x": [1]}
    assert run["root_run_id"] == run["id"]


def test_a_repeated_idempotency_key_gives_the_same_run(api, flow_id):
    body = {"flow_id": flow_id, "idempotency_key": "k"}
    first = api.send("POST", "/api/flow_runs/", body)
    again = api.send("POST", "/api/flow_runs/", body)
    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]


def test_states_follow_the_rules(api, flow_id):
    run_id = make(api, flow_id, state={"type": "PENDING"})["id"]

    running = set_state(api, run_id, "RUNNING")
    assert (running.status, running.json["status"]) == (201, "ACCEPT")
    assert set_state(api, run_id, "COMPLETED").json["status"] == "ACCEPT"
    back = set_state(api, run_id, "RUNNING")
    assert (back.status, back.json["status"]) == (200, "ABORT")
    history = api.ok("GET", f"/api/flow_run_states?flow_run_id={run_id}")
    assert [s["type"] for s in history] == ["PENDING", "RUNNING", "COMPLETED"]
    assert api.ok("GET", f"/api/flow_run_states/{history[0]['id']}")["type"] == "PENDING"
    assert set_state(api, uuid4(), "RUNNING").status == 404


def test_every_operator_of_the_filter(api, flow_id):
    one = make(api, flow_id, name="one", tags=["a", "b"], state={"type": "PENDING"})
    two = make(api, flow_id, name="Two", tags=["b"], state={"type": "SCHEDULED"})
    three = make(api, flow_id, name="three", idempotency_key="k", flow_version="9")

    def names(**runs):
        found = api.ok("POST", "/api/flow_runs/filter", {"flow_runs": runs, "sort": "NAME_ASC"})
        assert api.ok("POST", "/api/flow_runs/count", {"flow_runs": runs}) == len(found)
        return {run["name"] for run in found}

    everything = {"one", "Two", "three"}
    assert names() == everything
    assert names(id={"any_": [one["id"], two["id"]]}) == {"one", "Two"}
    assert names(id={"not_any_": [one["id"]]}) == {"Two", "three"}
    assert names(id={"any_": []}) == set()
    assert names(id={"any_": [one["id"], *(str(uuid4()) for _ in range(100))]}) == {"one"}
    assert names(name={"any_": ["one"]}) == {"one"}
    assert names(name={"like_": "TW"}) == {"Two"}
    assert names(tags={"all_": ["a", "b"]}) == {"one"}
    assert names(tags={"any_": ["a", "b"]}) == {"one", "Two"}
    assert names(tags={"is_null_": True}) == {"three"}
    assert names(tags={"operator": "or_", "all_": ["a"], "is_null_": True}) == {"one", "three"}
    assert names(state={"type": {"any_": ["PENDING"]}}) == {"one"}
    assert names(state={"name": {"any_": ["Scheduled"]}}) == {"Two"}
    assert names(state={"type": {"not_any_": ["PENDING"]}}) == {"Two"}
    assert names(flow_version={"any_": ["9"]}) == {"three"}
    assert names(idempotency_key={"any_": ["k"]}) == {"three"}
    assert names(deployment_id={"is_null_": True}) == everything
    assert names(work_queue_name={"is_null_": True}) == everything
    assert names(work_queue_name={"any_": ["q"]}) == set()
    assert names(parent_task_run_id={"is_null_": False}) == set()
    assert names(parent_flow_run_id={"any_": [one["id"]]}) == set()
    assert names(start_time={"is_null_": True}) == everything
    assert names(start_time={"after_": "2020-01-01T00:00:00Z"}) == set()
    assert names(created_by={"type_": ["X"], "id_": [one["id"]]}) == set()
    assert names(root_run_id={"any_": [three["id"]]}) == {"three"}
    assert names(operator="or_", name={"any_": ["one"]}, tags={"all_": ["b"]}) == {"one", "Two"}


def test_filters_of_other_resources_narrow_the_runs(api, flow_id):
    make(api, flow_id)
    other = api.ok("POST", "/api/flows/", {"name": "other"})["id"]
    make(api, other)

    def count(**filters):
        return api.ok("POST", "/api/flow_runs/count", filters)

    assert count(flows={"name": {"any_": ["other"]}}) == 1
    assert count(flows={}) == 2
    assert count(deployments={}) == 0
    assert count(task_runs={"name": {"like_": "x"}}) == 0
    assert count(work_pools={"name": {"any_": ["p"]}}, work_pool_queues={}) == 0
    assert api.ok("POST", "/api/flows/count", {"flow_runs": {"name": {"like_": "nobody"}}}) == 0


def test_history_and_lateness_add_up(api, flow_id):
    make(api, flow_id, state={"type": "PENDING"})
    body = {
        "history_start": "2020-01-01T00:00:00Z",
        "history_end": "2030-01-01T00:00:00Z",
        "history_interval_seconds": 86400 * 365,
    }
    bars = api.ok("POST", "/api/flow_runs/history", body)
    assert sum(s["count_runs"] for bar in bars for s in bar["states"]) == 1
    assert api.send("POST", "/api/flow_runs/lateness", {}).status == 200


def test_a_run_is_patched_labelled_and_deleted(api, flow_id):
    run_id = make(api, flow_id, labels={"a": 1})["id"]
    path = f"/api/flow_runs/{run_id}"
    assert api.send("PATCH", path, {"name": "new", "tags": ["t"]}).status == 204
    assert api.send("PATCH", path + "/labels", {"b": True}).status == 204
    run = api.ok("GET", path)
    assert (run["name"], run["tags"], run["labels"]) == ("new", ["t"], {"a": 1, "b": True})
    page = api.ok("POST", "/api/flow_runs/paginate", {})
    assert (page["count"], page["results"][0]["id"]) == (1, run_id)
    assert api.send("DELETE", path).status == 204
    assert api.send("DELETE", path).status == 404


def test_many_runs_at_once(api, flow_id):
    for _ in range(3):
        make(api, flow_id, state={"type": "SCHEDULED"})
    body = {"flow_runs": {}, "state": {"type": "CANCELLED"}, "limit": 2}
    results = api.ok("POST", "/api/flow_runs/bulk_set_state", body)["results"]
    assert [r["status"] for r in results] == ["ACCEPT", "ACCEPT"]
    assert len(api.ok("POST", "/api/flow_runs/bulk_delete", {"flow_runs": {}})["deleted"]) == 3


def test_logs_are_kept_in_order_and_downloaded(api, flow_id):
    run_id = make(api, flow_id)["id"]
    records = [
        {
            "name": "n",
            "level": 20,
            "message": f"line {number} <b>",
            "timestamp": f"2026-01-01T00:00:0{number}Z",
            "flow_run_id": run_id,
        }
        for number in range(3)
    ]
    assert api.send("POST", "/api/logs/", records).status == 201
    wanted = {"logs": {"flow_run_id": {"any_": [run_id]}, "text": {"query": "line -1"}}}
    assert [r["message"] for r in api.ok("POST", "/api/logs/filter", wanted)] == [
        "line 0 <b>",
        "line 2 <b>",
    ]
    text = api.send("GET", f"/api/flow_runs/{run_id}/logs/download").content.decode()
    assert len(text.splitlines()) == 3


def test_a_failure_that_a_client_calls_not_retriable_is_retried_all_the_same(api):
    flow_id = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"flow_id": flow_id, "empirical_policy": {"retries": 1, "retry_delay": 0}}
    run_id = api.ok("POST", "/api/flow_runs/", body)["id"]
    names = []
    for kind in ("RUNNING", "FAILED", "RUNNING", "FAILED"):
        state = {"type": kind, "state_details": {"retriable": False}}
        answer = api.ok("POST", f"/api/flow_runs/{run_id}/set_state", {"state": state})
        names.append(answer["state"]["name"])
    assert names == ["Running", "AwaitingRetry", "Retrying", "Failed"]
