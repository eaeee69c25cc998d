"""What the credential of an execution and the key of a worker reach: their own, and no more."""

import json
from uuid import uuid4

import pytest

from runwright.server.app import describe, needed
from runwright.server.keys import EXECUTION_SCOPES, WORKER_SCOPES
from runwright.server.scopes import ANY_KEY, ANYONE


class Pool:
    """A pool with a deployment, a worker, and the worker's key."""

    def __init__(self, api, name):
        self.api, self.name = api, name
        self.id = api.ok("POST", "/api/work_pools/", {"name": name, "type": "process"})["id"]
        flow_id = api.ok("POST", "/api/flows/", {"name": f"flow of {name}"})["id"]
        body = {"name": "d", "flow_id": flow_id, "work_pool_name": name, "retries": 1}
        self.deployment_id = api.ok("POST", "/api/deployments/", body)["id"]
        asked = {"name": name, "kind": "worker", "work_pool_name": name}
        self.key = api.ok("POST", "/api/keys", asked)["secret"]

    def new_run(self, **body):
        path = f"/api/deployments/{self.deployment_id}/create_flow_run"
        return self.api.ok("POST", path, body)["id"]

    def claim(self):
        # By a worker of its own: one that asks again is given what it was given before.
        path = f"/api/work_pools/{self.name}/workers/{uuid4()}/sync"
        body = {"worker_name": "w", "free": 1, "wait_ms": 0}
        reply = self.api.send("POST", path, body, key=self.key)
        assert reply.status == 200, reply.content
        (claimed,) = reply.json["claimed"]
        return claimed["spec"]


@pytest.fixture
def pool(api):
    return Pool(api, "a")


def held(spec, **more):
    return {"token": spec["token"], "execution_id": spec["execution_id"], **more}


def filled(template, **values):
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def test_a_credential_that_was_made_up_learns_nothing(api, pool):
    run_id = pool.new_run()
    spec = pool.claim()
    paths = [f"/api/flow_runs/{run_id}/journal", f"/api/flow_runs/{run_id}/exit"]
    for path in [*paths, f"/api/flow_runs/{run_id}/release"]:
        wrong = f"rwx_{run_id.replace('-', '')}_{'x' * 43}"
        nowhere = f"rwx_{uuid4().hex}_{'x' * 43}"
        replies = [api.send("POST", path, held(spec), key=key) for key in (wrong, nowhere)]
        assert [reply.status for reply in replies] == [401, 401]
        assert replies[0].content == replies[1].content
    assert api.send("POST", paths[0], held(spec), key=spec["credential"]).status == 200


def test_a_holder_that_lost_its_run_is_told_to_stop(api, pool):
    run_id = pool.new_run()
    spec = pool.claim()
    path = f"/api/flow_runs/{run_id}/journal"
    report = held(spec, exit_code=1)
    assert api.send("POST", f"/api/flow_runs/{run_id}/exit", report, key=pool.key).status == 200
    reply = api.send("POST", path, held(spec), key=spec["credential"])
    assert (reply.status, reply.json["code"]) == (409, "lease_lost")
    # The next attempt is another run, with a credential of its own.
    following = pool.claim()
    assert following["flow_run_id"] != run_id
    path = f"/api/flow_runs/{following['flow_run_id']}/journal"
    assert api.send("POST", path, held(following), key=spec["credential"]).status == 403
    assert api.send("POST", path, held(following), key=following["credential"]).status == 200


def test_a_credential_ends_with_its_claim(api, pool):
    run_id = pool.new_run()
    first = pool.claim()
    path = f"/api/flow_runs/{run_id}/release"
    assert api.send("POST", path, held(first), key=first["credential"]).status == 200
    second = pool.claim()
    assert second["flow_run_id"] == run_id
    api.forget_keys()
    path = f"/api/flow_runs/{run_id}/journal"
    assert api.send("POST", path, held(second), key=first["credential"]).status == 401
    assert api.send("POST", path, held(second), key=second["credential"]).status == 200


def test_a_zombie_is_heard_and_refused_at_once_and_may_do_nothing_else(api, pool):
    run_id = pool.new_run()
    spec = pool.claim()
    makes = ("POST", f"/api/deployments/{pool.deployment_id}/create_flow_run")
    reads = ("GET", "/api/variables/name/v")
    key = spec["credential"]
    assert api.send(*makes, {}, key=key).status == 201
    assert api.send(*reads, key=key).status == 404
    api.ok("POST", f"/api/flow_runs/{run_id}/exit", held(spec, signal=9))
    late = {
        "kind": "log", "flow_run_id": run_id, "timestamp": "2026-01-01T00:00:00Z", "level": 20,
        "name": "flow", "message": "late",
    }  # fmt: skip
    reply = api.send(
        "POST", f"/api/flow_runs/{run_id}/journal", held(spec, entries=[late]), key=key
    )
    assert (reply.status, reply.json["code"]) == (409, "lease_lost")
    assert api.send(*makes, {}, key=key).status == 403
    reply = api.send(*reads, key=key)
    assert reply.status == 403
    assert "this execution is over" in reply.json["detail"]


def test_an_execution_runs_deployments_and_sees_its_own_runs(api, pool):
    other_id = pool.new_run()
    stranger = pool.claim()
    run_id = pool.new_run()
    spec = pool.claim()
    key = spec["credential"]
    assert api.send("GET", "/api/deployments/name/flow of a/d", key=key).status == 200
    path = f"/api/deployments/{pool.deployment_id}/create_flow_run"
    made = api.send("POST", path, {}, key=key).json
    assert made["created_by"]["id"] == run_id
    shared = api.send("POST", path, {"idempotency_key": "k"}, key=key).json["id"]
    for mine in (run_id, made["id"], shared):
        assert api.send("GET", f"/api/flow_runs/{mine}", key=key).status == 200
    reply = api.send("GET", f"/api/flow_runs/{other_id}", key=key)
    nowhere = api.send("GET", f"/api/flow_runs/{uuid4()}", key=key)
    assert reply.status == nowhere.status == 404
    listed = {run["id"] for run in api.send("POST", "/api/flow_runs/filter", {}, key=key).json}
    assert listed == {run_id, made["id"], shared}
    # Two flows that use one idempotency key wait for one run.
    again = api.send("POST", path, {"idempotency_key": "k"}, key=stranger["credential"])
    assert (again.status, again.json["id"]) == (200, shared)
    path = f"/api/flow_runs/{shared}"
    assert api.send("GET", path, key=stranger["credential"]).status == 200
    assert api.send("GET", f"/api/flow_runs/{made['id']}", key=stranger["credential"]).status == 404


def test_the_next_attempt_sees_the_runs_of_the_one_before(api, pool):
    run_id = pool.new_run()
    spec = pool.claim()
    path = f"/api/deployments/{pool.deployment_id}/create_flow_run"
    made = api.send("POST", path, {}, key=spec["credential"]).json["id"]
    report = held(spec, signal=9)
    next_id = api.ok("POST", f"/api/flow_runs/{run_id}/exit", report)["next_run_id"]
    claimed = {spec["flow_run_id"]: spec for spec in (pool.claim(), pool.claim())}
    assert claimed.keys() == {made, next_id}
    following = claimed[next_id]
    for seen in (run_id, next_id, made):
        reply = api.send("GET", f"/api/flow_runs/{seen}", key=following["credential"])
        assert reply.status == 200, seen


def test_an_execution_is_let_in_at_no_other_route(api, pool):
    pool.new_run()
    key = pool.claim()["credential"]
    for template, methods in describe()["paths"].items():
        for method in methods:
            needs = needed(method.upper(), template)
            wanted = needs if isinstance(needs, tuple) else (needs,)
            if needs in {ANYONE, ANY_KEY} or not EXECUTION_SCOPES.isdisjoint(wanted):
                continue
            path = filled(template, name="a", queue_name="default")
            path = path.replace("{", "").replace("}", "")
            for each in (path, filled(template, **dict.fromkeys(_ids(template), str(uuid4())))):
                reply = api.send(method.upper(), each, {}, key=key)
                assert reply.status in {403, 404}, (method, each, reply.status)
    for path in ("/api/logs/filter", "/api/keys/filter", "/api/work_pools/filter"):
        assert api.send("POST", path, {}, key=key).status == 403
    for path in ("/api/flow_runs/count", "/api/flow_runs/paginate", "/api/task_runs/filter"):
        assert api.send("POST", path, {}, key=key).status == 403


def _ids(template):
    return [part[1:-1] for part in template.split("/") if part.startswith("{")]


def test_an_execution_writes_the_log_of_its_own_run(api, pool):
    pool.new_run()
    other_id = pool.claim()["flow_run_id"]
    pool.new_run()
    spec = pool.claim()
    record = {"name": "x", "level": 20, "message": "m", "timestamp": "2026-11-01T10:00:00Z"}
    mine = [{**record, "flow_run_id": spec["flow_run_id"]}]
    theirs = [{**record, "flow_run_id": other_id}]
    assert api.send("POST", "/api/logs", mine, key=spec["credential"]).status == 201
    assert api.send("POST", "/api/logs", theirs, key=spec["credential"]).status == 422


def test_the_key_of_one_pool_reaches_nothing_of_another(api, pool):
    other = Pool(api, "b")
    run_id = other.new_run()
    spec = other.claim()
    values = {
        "name": "b",
        "queue_name": "default",
        "worker_name": "w",
        "instance_id": str(uuid4()),
        "run_id": run_id,
        "id": run_id,
        "deployment_id": other.deployment_id,
    }
    more = {"infrastructure_pid": "host:box"}
    body = held(spec, worker_name="w", free=1, wait_ms=0, name="w", exit_code=0, **more)
    checked = 0
    for template, methods in describe()["paths"].items():
        for method in methods:
            needs = needed(method.upper(), template)
            if needs in {ANYONE, ANY_KEY}:
                continue
            path = filled(template, **values)
            if "{" in path:
                path = filled(path, **dict.fromkeys(_ids(path), str(uuid4())))
            wanted = needs if isinstance(needs, tuple) else (needs,)
            is_its_kind = not WORKER_SCOPES.isdisjoint(wanted)
            # Reports take the whole body; others refuse what they do not know.
            sent = {} if path.endswith("/filter") else body
            reply = api.send(method.upper(), path, sent, key=pool.key)
            assert reply.status == 403, (method, path, reply.status, reply.content)
            checked += is_its_kind
    assert checked >= 7
    assert api.ok("GET", f"/api/flow_runs/{run_id}")["state_type"] == "PENDING"
    api.ok("DELETE", "/api/work_pools/a")
    api.forget_keys()
    path = f"/api/work_pools/b/workers/{uuid4()}/sync"
    assert api.send("POST", path, body, key=pool.key).status == 401


def test_nobody_gets_more_by_a_workers_key_or_a_sign_in_link(api, pool):
    small = api.make_key(scopes=["admin:keys", "runs:report"])
    asked = {"name": "x", "kind": "worker", "work_pool_name": "a"}
    made = api.send("POST", "/api/keys", asked, key=small).json["key"]
    assert made["scopes"] == ["runs:report"]
    link = api.send("POST", "/api/sign_in_links", {}, key=small).json["url"]
    token = link.partition("#token=")[2]
    signed_in = api.send("POST", "/api/session", {"token": token}, key=None)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": cookie, "origin": "http://localhost"}
    csrf = api.send("GET", "/api/csrf-token?client=x", key=None, headers=headers).json["token"]
    headers["prefect-csrf-token"] = csrf
    for path, status in (("/api/keys/filter", 200), ("/api/flow_runs/count", 403)):
        reply = api.send("POST", path, {}, key=None, headers=headers)
        assert reply.status == status, path


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\\\\\u0000"])
def test_the_character_that_databases_cannot_store_is_refused_everywhere(api, text):
    for template, methods in describe()["paths"].items():
        path = filled(template, **dict.fromkeys(_ids(template), str(uuid4())))
        if "requestBody" in methods.get("post", {}) and needed("POST", template) != ANYONE:
            raw = f'{{"name": "{text}"}}'.encode()
            assert json.loads(raw)["name"].count("\0") == 1
            assert api.send("POST", path, raw=raw).status == 422, path
    assert api.send("GET", "/api/deployments/name/a\0/b").status == 422
    assert api.send("POST", "/api/flows", raw=rb'{"name": "\\u0000"}').status == 201
