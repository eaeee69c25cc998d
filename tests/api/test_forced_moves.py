"""Who moves a run out of its end leaves a record of it."""

import pytest
from tests.api.acting import act, automation, event, tell

from runwright.server.use_cases import note_forced as noting


@pytest.fixture
def ended(api):
    """A flow run and a task run in it that have ended as Completed and Failed."""
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    run = api.ok("POST", "/api/flow_runs/", {"flow_id": flow, "name": "r"})["id"]
    task = {"flow_run_id": run, "name": "t-0", "task_key": "t", "dynamic_key": "0"}
    task = api.ok("POST", "/api/task_runs/", {**task, "state": {"type": "RUNNING"}})["id"]
    move(api, f"task_runs/{task}", "FAILED")
    for kind in ("RUNNING", "COMPLETED"):
        move(api, f"flow_runs/{run}", kind)
    assert told(api) == []
    return run, task


def move(api, what, kind, **more):
    body = {"state": {"type": kind}, **more}
    return api.ok("POST", f"/api/{what}/set_state", body)["state"]


def told(api, **more):
    wanted = {"filter": {"event": {"prefix": ["runwright."]}, **more}}
    return api.ok("POST", "/api/events/filter", wanted)["events"]


def test_a_retry_by_force_says_who_did_it(api, ended):
    run, _ = ended
    key = api.make_key()
    body = {"state": {"type": "SCHEDULED"}, "force": True}

    state = api.send("POST", f"/api/flow_runs/{run}/set_state", body, key=key).json["state"]

    of_run = {"resource": {"id": [f"prefect.flow-run.{run}"]}}
    [event] = told(api, **of_run)
    assert event["event"] == "runwright.flow-run.forced"
    assert event["follows"] == state["id"] == event["payload"]["to"]["id"]
    assert event["payload"]["move"] == "retry"
    assert event["payload"]["from"]["type"] == "COMPLETED"
    by = event["payload"]["by"]
    assert (by["type"], by["display_value"]) == ("USER", "test")
    assert by["id"].replace("-", "").endswith(key.split("_")[2])
    [actor] = event["related"]
    assert actor == {
        "prefect.resource.id": f"runwright.user.{by['id']}",
        "prefect.resource.role": "actor",
        "prefect.resource.name": "test",
    }


def test_corrections_of_runs_and_task_runs_are_told(api, ended):
    run, task = ended
    move(api, f"task_runs/{task}", "COMPLETED", force=True)
    body = {"state": {"type": "FAILED"}, "force": True}
    api.ok("POST", "/api/flow_runs/bulk_set_state", body)

    found = told(api)
    assert {each["event"] for each in found} == {
        "runwright.flow-run.forced",
        "runwright.task-run.forced",
    }
    assert {each["resource"]["prefect.resource.name"] for each in found} == {"r", "t-0"}
    assert all(each["payload"]["move"] == "correct" for each in found)
    api.send("DELETE", f"/api/flow_runs/{run}")
    assert len(told(api)) == 2  # what was done outlives what it was done to


def test_what_an_automation_forces_is_told_with_its_name_and_may_set_off_another(api, ended):
    run, _ = ended
    forced = {"type": "change-flow-run-state", "state": "SCHEDULED", "force": True}
    made = automation(api, forced, name="again")
    tell(api, event(related=[(f"prefect.flow-run.{run}", "flow-run")]))
    act(api)

    [found] = told(api)
    assert found["payload"]["by"] == {"id": made, "type": "AUTOMATION", "display_value": "again"}
    assert found["resource"]["runwright.automation-depth"] == "1"


def test_force_where_none_is_needed_is_not_told(api, ended):
    run, _ = ended
    move(api, f"flow_runs/{run}", "SCHEDULED", force=True)
    [first] = told(api)
    move(api, f"flow_runs/{run}", "PENDING", force=True)
    move(api, f"flow_runs/{run}", "RUNNING", force=True)
    assert told(api) == [first]


def test_a_move_that_cannot_be_recorded_is_not_made(api, ended, monkeypatch):
    run, _ = ended

    def refuse(*_):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(noting, "insert_events", refuse)
    body = {"state": {"type": "SCHEDULED"}, "force": True}
    assert api.send("POST", f"/api/flow_runs/{run}/set_state", body).status == 500
    assert api.ok("GET", f"/api/flow_runs/{run}")["state_type"] == "COMPLETED"
    history = api.ok("GET", f"/api/flow_run_states/?flow_run_id={run}")
    assert [each["type"] for each in history][-1] == "COMPLETED"
