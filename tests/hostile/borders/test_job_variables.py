"""What a worker executes is said by deployments, and by runs of who has `runs:infrastructure`."""

import pytest

EVIL = {"command": "touch /tmp/never"}
OVERRIDES = [
    EVIL,
    {"python": "/tmp/python"},
    {"preload": ["os"]},
    {"working_dir": "/tmp"},
    {"env": {"PYTHONPATH": "/tmp"}},
    {"env": {"LD_LIBRARY_PATH": "/tmp"}},
    {"env": {"BASH_ENV": "/tmp/x"}},
    {"env": {"ANY": "1"}},
    {"env": None},
    {"start_method": "spawn"},
]
CODE = "job_variables_not_allowed"


@pytest.fixture
def run_key(site):
    return site.make_key("runs:create", "runs:read", "runs:write")


def new_run(deployment):
    return f"/deployments/{deployment}/create_flow_run"


def test_runs_create_alone_overrides_nothing_by_any_way_in(site_on_both):
    site = site_on_both
    key = site.make_key("runs:create", "runs:read", "runs:write", "automations:write")
    deployment = site.deploy("hello", "p")
    flow = site.ask("POST", "/flows/", {"name": "hello"})["id"]
    plain = site.send("POST", new_run(deployment), {"job_variables": {}}, key=key)
    assert plain.status == 201
    run = plain.json["id"]
    execution = site.execution("own")
    before = site.ask("POST", "/flow_runs/count", {})

    for variables in OVERRIDES:
        wanted = {"job_variables": variables}
        by_hand = {"flow_id": flow, "deployment_id": deployment, **wanted}
        act = {"type": "run-deployment", "deployment_id": deployment, **wanted}
        trigger = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0}
        automation = {"name": "a", "trigger": trigger, "actions": [act]}
        on_trigger = {**automation, "actions": [], "actions_on_trigger": [act]}
        for method, path, body in (
            ("POST", new_run(deployment), wanted),
            ("POST", "/flow_runs/", by_hand),
            ("POST", "/flow_runs", {"flow_id": flow, **wanted}),
            ("PATCH", f"/flow_runs/{run}", wanted),
            ("POST", "/automations/", automation),
            ("POST", "/automations/", on_trigger),
        ):
            reply = site.send(method, path, body, key=key)
            assert (reply.status, reply.json["code"]) == (403, CODE), (path, body, reply.content)
        reply = execution.ask("POST", new_run(deployment), wanted)
        assert (reply.status, reply.json["code"]) == (403, CODE), variables
        many = site.send("POST", f"{new_run(deployment)}/bulk", [wanted, {}], key=key)
        assert [each["status"] for each in many.json["results"]] == ["FAILED", "CREATED"]
        before += 1
    placed = {"flow_id": flow, "work_pool_name": "own"}
    for body in (placed, placed | {"deployment_id": deployment}):
        reply = site.send("POST", "/flow_runs/", body, key=key)
        assert (reply.status, reply.json["code"]) == (403, CODE)
    assert site.ask("POST", "/flow_runs/count", {}) == before
    assert site.ask("GET", f"/flow_runs/{run}")["job_variables"] in (None, {})


def test_a_deployment_names_what_its_runs_may_set(site_on_both):
    site = site_on_both
    key = site.make_key("runs:create", "runs:read", "runs:write")
    deployment = site.deploy("hello", "p")
    allowed = ["env.*", "stream_output"]
    path = f"/deployments/{deployment}"
    site.ask("PATCH", path, {"overridable_job_variables": allowed})
    assert site.ask("GET", path)["overridable_job_variables"] == allowed

    fine = {"env": {"LOG_LEVEL": "DEBUG"}, "stream_output": False}
    made = site.send("POST", new_run(deployment), {"job_variables": fine}, key=key)
    assert made.status == 201
    execution = site.execution("own")
    assert execution.ask("POST", new_run(deployment), {"job_variables": fine}).status == 201
    for variables in (fine | EVIL, *OVERRIDES[:7], OVERRIDES[8]):
        reply = site.send("POST", new_run(deployment), {"job_variables": variables}, key=key)
        assert (reply.status, reply.json["code"]) == (403, CODE), variables
    run = f"/flow_runs/{made.json['id']}"
    assert site.send("PATCH", run, {"job_variables": {"env": {"A": "1"}}}, key=key).status == 204

    # What somebody with the scope has set is not taken away by somebody without.
    site.ask("PATCH", run, {"job_variables": {"working_dir": "/"}})
    for change in ({}, None, fine):
        assert site.send("PATCH", run, {"job_variables": change}, key=key).status == 403

    # A client that does not know the field deploys again: what was allowed stays so.
    known = site.ask("GET", path)
    again = {name: known[name] for name in ("name", "flow_id", "entrypoint", "path")}
    site.ask("POST", "/deployments/", again | {"work_pool_name": "p"})
    assert site.ask("GET", path)["overridable_job_variables"] == allowed
    site.ask("PATCH", path, {"overridable_job_variables": ["env.PYTHONPATH"]})
    loader = {"job_variables": {"env": {"PYTHONPATH": "/srv/code"}}}
    assert site.send("POST", new_run(deployment), loader, key=key).status == 201


def test_a_key_with_the_scope_overrides_and_a_worker_is_told_what(site):
    key = site.make_key("runs:create", "runs:infrastructure", "runs:read")
    worker, deployment = site.worker_key("p"), site.deploy("hello", "p", env={"A": "1"})
    wanted = {"job_variables": {"command": "true", "env": {"B": "2"}}}
    made = site.send("POST", new_run(deployment), wanted, key=key)
    assert made.status == 201
    spec = site.claim("p", worker).spec
    assert spec["overridden"] == ["command", "env.B"]
    assert spec["job_configuration"]["env"] == {"A": "1", "B": "2"}
