"""Task runs of clients that speak REST."""

from uuid import uuid4

import pytest


@pytest.fixture
def flow_run_id(api):
    flow_id = api.ok("POST", "/api/flows/", {"name": "etl"})["id"]
    body = {"flow_id": flow_id, "state": {"type": "RUNNING"}}
    return api.ok("POST", "/api/flow_runs/", body)["id"]


def make(api, flow_run_id, **more):
    body = {"flow_run_id": flow_run_id, "task_key": "m.load", "dynamic_key": "0", **more}
    return api.send("POST", "/api/task_runs/", body)


def propose(api, run_id, kind, **state):
    body = {"state": {"type": kind, **state}}
    return api.send("POST", f"/api/task_runs/{run_id}/set_state", body)


def test_the_same_call_makes_one_task_run(api, flow_run_id):
    first, again = make(api, flow_run_id), make(api, flow_run_id)

    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert first.json["state_type"] == "PENDING"
    assert first.json["name"] == "load-0"
    assert make(api, str(uuid4()), dynamic_key="1").status == 404


def test_states_are_judged_and_kept(api, flow_run_id):
    run_id = make(api, flow_run_id, empirical_policy={"retries": 1, "retry_delay": 0}).json["id"]

    assert propose(api, run_id, "RUNNING").status == 201
    failed = propose(api, run_id, "FAILED")
    assert (failed.status, failed.json["status"]) == (200, "REJECT")
    assert failed.json["state"]["name"] == "AwaitingRetry"
    assert propose(api, run_id, "RUNNING").json["status"] == "ACCEPT"
    assert propose(api, run_id, "FAILED").json["status"] == "ACCEPT"

    found = api.ok("GET", f"/api/task_runs/{run_id}")
    assert (found["state_type"], found["run_count"]) == ("FAILED", 2)
    history = api.ok("GET", f"/api/task_run_states/?task_run_id={run_id}")
    assert [state["name"] for state in history] == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "Failed",
    ]  # fmt: skip


def test_a_subflow_is_mirrored_by_the_task_run_that_stands_for_it(api, flow_run_id):
    stand_in = make(api, flow_run_id, task_key="sub").json["id"]
    flow_id = api.ok("POST", "/api/flows/", {"name": "sub"})["id"]
    body = {
        "flow_id": flow_id,
        "parent_task_run_id": stand_in,
        "state": {"type": "PENDING"},
    }
    child = api.ok("POST", "/api/flow_runs/", body)["id"]

    for kind in ("RUNNING", "COMPLETED"):
        api.send("POST", f"/api/flow_runs/{child}/set_state", {"state": {"type": kind}})

    seen = api.ok("GET", f"/api/task_runs/{stand_in}")
    assert seen["state_type"] == "COMPLETED"
    assert seen["state"]["state_details"]["child_flow_run_id"] == child
