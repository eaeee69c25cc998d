"""Versions of deployments, and what runs say they ran."""

from uuid import uuid4

import pytest


@pytest.fixture
def deployed(api):
    flow_id = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    api.ok("POST", "/api/work_pools/", {"name": "boxes", "type": "docker"})

    def deploy(image: str, **fields):
        body = {
            "name": "d",
            "flow_id": flow_id,
            "entrypoint": "f.py:f",
            "work_pool_name": "boxes",
            "job_variables": {"image": image},
            **fields,
        }
        return api.ok("POST", "/api/deployments/", body)

    return deploy


def test_a_version_is_made_when_what_runs_execute_changes_and_not_else(api, deployed):
    first = deployed("proj:1")
    assert first["version_number"] == 1
    assert deployed("proj:1", description="words", tags=["t"])["version_number"] == 1
    second = deployed("proj:2")
    assert second["version_number"] == 2
    api.ok("PATCH", f"/api/deployments/{second['id']}", {"parameters": {"x": 1}})
    versions = api.ok("GET", f"/api/deployments/{second['id']}/versions")
    assert [(v["number"], v["image"]) for v in versions] == [
        (3, "proj:2"),
        (2, "proj:2"),
        (1, "proj:1"),
    ]
    assert versions[0]["content"]["parameters"] == {"x": 1}


def test_going_back_is_a_new_version_with_the_old_content(api, deployed):
    deployed("proj:1", parameters={"x": 1})
    deployment = deployed("proj:2")
    path = f"/api/deployments/{deployment['id']}"
    back = api.ok("POST", f"{path}/rollback", {"version_number": 1})
    assert (back["version_number"], back["job_variables"]) == (3, {"image": "proj:1"})
    assert back["parameters"] == {"x": 1}
    # Without a number: to what was before.
    assert api.ok("POST", f"{path}/rollback", {})["job_variables"] == {"image": "proj:2"}
    assert [v["rolled_back_to"] for v in api.ok("GET", f"{path}/versions")] == [2, 1, None, None]


def test_going_back_where_nothing_is_says_what_there_is(api, deployed):
    deployment = deployed("proj:1")
    path = f"/api/deployments/{deployment['id']}/rollback"
    reply = api.send("POST", path, {"version_number": 7})
    assert (reply.status, reply.json["code"]) == (404, "deployment_version_not_found")
    assert "versions 1 to 1" in reply.json["detail"]
    assert api.send("POST", path, {}).status == 404
    assert api.send("POST", path, {"version_number": 0}).status == 422
    assert api.send("POST", f"/api/deployments/{uuid4()}/rollback", {}).status == 404
    assert api.send("GET", f"/api/deployments/{uuid4()}/versions").status == 404


def test_a_run_says_which_version_it_was_claimed_with_and_in_what_it_runs(api, deployed):
    deployment = deployed("proj:1")
    run_id = api.ok("POST", f"/api/deployments/{deployment['id']}/create_flow_run", {})["id"]
    deployed("proj:2")  # before it is claimed
    path = f"/api/work_pools/boxes/workers/{uuid4()}/sync"
    sync = {"worker_name": "w", "type": "docker", "free": 1, "wait_ms": 0}
    spec = api.ok("POST", path, sync)["claimed"][0]["spec"]
    assert spec["job_configuration"]["image"] == "proj:2"
    report = {
        "token": spec["token"],
        "execution_id": spec["execution_id"],
        "infrastructure_pid": "host:box",
        "image": "proj:2",
        "image_digest": "proj@sha256:2",
    }
    where = f"/api/flow_runs/{run_id}/infrastructure"
    assert api.send("POST", where, report).status == 204
    run = api.ok("GET", f"/api/flow_runs/{run_id}")
    assert run["deployment_version_number"] == 2
    assert (run["image"], run["image_digest"]) == ("proj:2", "proj@sha256:2")
    assert run["infrastructure_pid"] == "host:box"
    late = api.send("POST", where, {**report, "token": spec["token"] - 1})
    assert (late.status, late.json["code"]) == (409, "lease_lost")
