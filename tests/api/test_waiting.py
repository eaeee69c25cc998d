"""Why a run is not running, as clients are told."""

from uuid import uuid4


def test_a_waiting_run_says_why_and_what_to_do(api):
    api.ok("POST", "/api/work_pools/", {"name": "my pool", "type": "docker"})
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "my pool"}
    deployment = api.ok("POST", "/api/deployments/", body)["id"]
    run = api.ok("POST", f"/api/deployments/{deployment}/create_flow_run", {})["id"]
    api.ok("PATCH", "/api/work_pools/my pool", {"is_paused": True})
    told = api.ok("GET", f"/api/flow_runs/{run}/waiting")
    paused, nobody = told["reasons"]
    assert (paused["code"], nobody["code"]) == ("work_pool_paused", "no_worker_online")
    assert paused["command"] == "runwright work-pool resume 'my pool'"
    assert nobody["command"] == "runwright worker start --pool 'my pool' --type docker"
    assert paused["about"]["name"] == "my pool"
    assert told["due_at"] is not None


def test_there_is_no_answer_about_no_run(api):
    path = f"/api/flow_runs/{uuid4()}/waiting"
    assert api.send("GET", path).status == 404
    assert api.send("GET", path, key=api.make_key(scopes={"flows:read"})).status == 403


def test_every_pool_says_who_serves_it_and_what_waits(api):
    for name in ("a", "b"):
        api.ok("POST", "/api/work_pools/", {"name": name})
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "a"}
    deployment = api.ok("POST", "/api/deployments/", body)["id"]
    for _ in range(3):
        api.ok("POST", f"/api/deployments/{deployment}/create_flow_run", {})
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
    api.ok("POST", f"/api/deployments/{deployment}/create_flow_run", {"state": later})
    for free in (0, 1):
        sync = {"worker_name": "w", "free": free, "wait_ms": 0}
        api.ok("POST", f"/api/work_pools/a/workers/{uuid4()}/sync", sync)
    a, b = api.ok("GET", "/api/ui/work_pools")
    assert (a["name"], a["workers_online"], a["due_runs"]) == ("a", 2, 2)
    assert a["last_heard_at"] is not None
    assert (b["name"], b["workers_online"], b["due_runs"], b["last_heard_at"]) == ("b", 0, 0, None)
