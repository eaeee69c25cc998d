"""Runs that pause, are suspended, wait for input, and go on."""

import pytest

KEYS = {"schema": "paused-1-schema", "response": "paused-1-response"}
SCHEMA = (
    '{"type": "object", "properties": {"approve": {"type": "boolean"}}, "required": ["approve"]}'
)


def moved(api, run_id, kind, **details):
    body = {"state": {"type": kind, "state_details": details}}
    return api.ok("POST", f"/api/flow_runs/{run_id}/set_state", body)


@pytest.fixture
def running(api):
    flow_id = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    run_id = api.ok("POST", "/api/flow_runs/", {"flow_id": flow_id})["id"]
    moved(api, run_id, "RUNNING")
    return run_id


def resumed(api, run_id, run_input=None):
    return api.ok("POST", f"/api/flow_runs/{run_id}/resume", {"run_input": run_input})


def test_a_run_pauses_once_at_each_place(api, running):
    assert moved(api, running, "PAUSED", pause_key="1")["status"] == "ACCEPT"
    policy = api.ok("GET", f"/api/flow_runs/{running}")["empirical_policy"]
    assert (policy["pause_keys"], policy["resuming"]) == (["1"], False)

    assert resumed(api, running)["state"]["type"] == "RUNNING"
    policy = api.ok("GET", f"/api/flow_runs/{running}")["empirical_policy"]
    assert (policy["pause_keys"], policy["resuming"]) == (["1"], True)

    again = moved(api, running, "PAUSED", pause_key="1")
    assert (again["status"], again["state"]["type"]) == ("REJECT", "RUNNING")
    assert moved(api, running, "PAUSED", pause_key="2")["status"] == "ACCEPT"


def test_a_new_try_pauses_anew(api, running):
    moved(api, running, "PAUSED", pause_key="1")
    resumed(api, running)
    moved(api, running, "FAILED")
    body = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    api.ok("POST", f"/api/flow_runs/{running}/set_state", body)
    moved(api, running, "PENDING")
    moved(api, running, "RUNNING")
    assert moved(api, running, "PAUSED", pause_key="1")["status"] == "ACCEPT"


def test_what_is_not_paused_is_not_resumed(api, running):
    answer = resumed(api, running)
    assert answer["status"] == "ABORT"
    assert "this one is Running" in answer["details"]["reason"]


def test_input_is_held_to_the_schema_that_the_run_gave(api, running):
    moved(api, running, "PAUSED", pause_key="1", run_input_keyset=KEYS)
    too_early = resumed(api, running, {"approve": True})
    assert "not said of what shape" in too_early["details"]["reason"]

    api.ok("POST", f"/api/flow_runs/{running}/input", {"key": KEYS["schema"], "value": SCHEMA})
    for wrong in ({"approve": "perhaps"}, {}, None):
        refused = resumed(api, running, wrong)
        assert (refused["status"], refused["state"]["type"]) == ("REJECT", "PAUSED")
        assert "'approve'" in refused["details"]["reason"]

    assert resumed(api, running, {"approve": True})["status"] == "ACCEPT"
    kept = api.send("GET", f"/api/flow_runs/{running}/input/{KEYS['response']}")
    assert (kept.status, kept.content) == (200, b'{"approve":true}')


def test_inputs_are_kept_listed_and_taken_away(api, running):
    base = f"/api/flow_runs/{running}/input"
    for number in range(3):
        api.ok("POST", base, {"key": f"ask_%-{number}", "value": f"{number}", "sender": "me"})
    api.ok("POST", base, {"key": "other", "value": "x"})
    assert api.send("POST", base, {"key": "other", "value": "y"}).status == 409
    for key in ("a/b", "", "a?b"):
        assert api.send("POST", base, {"key": key, "value": "y"}).status == 422

    def keys(**more):
        return [each["key"] for each in api.ok("POST", f"{base}/filter", more)]

    assert keys(prefix="ask_") == ["ask_%-0"]
    assert keys(prefix="ask_%", limit=10, exclude_keys=["ask_%-1"]) == ["ask_%-0", "ask_%-2"]
    assert keys(prefix="as%", limit=10) == []

    api.ok("DELETE", f"{base}/other")
    assert api.send("GET", f"{base}/other").status == 404
    assert api.send("DELETE", f"{base}/other").status == 404
    nobody = "/api/flow_runs/01a20994-78c7-7518-9031-a31679a629c0/input"
    assert api.send("POST", nobody, {"key": "k", "value": "v"}).status == 404
    api.ok("DELETE", f"/api/flow_runs/{running}")
    assert api.ok("POST", f"{base}/filter", {"prefix": ""}) == []
