"""Deployments: saved, found, paused, deleted; and runs of them."""

from datetime import timedelta
from uuid import uuid4

import pytest

SCHEMA = {
    "title": "Parameters",
    "type": "object",
    "properties": {"n": {"type": "integer"}, "name": {"type": "string"}},
    "required": ["n"],
}


@pytest.fixture
def flow_id(api):
    return api.ok("POST", "/api/flows/", {"name": "etl"})["id"]


@pytest.fixture
def pool(api):
    return api.ok("POST", "/api/work_pools/", {"name": "p", "type": "process"})


def deploy(api, flow_id, /, **more):
    body = {"name": "daily", "flow_id": flow_id, "work_pool_name": "p", **more}
    return api.send("POST", "/api/deployments/", body)


def run(api, deployment_id, **body):
    return api.send("POST", f"/api/deployments/{deployment_id}/create_flow_run", body)


def test_a_deployment_is_saved_once_by_flow_and_name(api, flow_id, pool):
    first = deploy(api, flow_id, tags=["a"], version="1", retries=2, retry_delay_seconds=5)
    again = deploy(api, flow_id, tags=["b"], version="2", path="/x", entrypoint="f.py:f")
    assert (first.status, again.status) == (201, 200)
    found = api.ok("GET", "/api/deployments/name/etl/daily")
    assert found["id"] == first.json["id"] == again.json["id"]
    assert (found["tags"], found["version"], found["retries"]) == (["b"], "2", 0)
    assert (found["work_pool_name"], found["work_queue_name"]) == ("p", "default")
    assert found["work_queue_id"] == pool["default_queue_id"]
    assert found["status"] == "NOT_READY"
    assert first.json["retry_delay_seconds"] == 5
    (listed,) = api.ok("POST", "/api/deployments/filter", {"work_pools": {"name": {"any_": ["p"]}}})
    assert listed == found
    assert api.ok("POST", "/api/deployments/count", {}) == 1
    assert api.ok("POST", "/api/deployments/paginate", {"limit": 1})["pages"] == 1
    check = api.ok("GET", f"/api/deployments/{found['id']}/work_queue_check")
    assert [queue["name"] for queue in check] == ["default"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"work_pool_name": "nowhere"}, 404, "work_pool_not_found"),
        ({"work_queue_name": "nowhere"}, 404, "work_queue_not_found"),
        ({"flow_id": str(uuid4())}, 404, "flow_not_found"),
        ({"schedules": [{"schedule": {"cron": "61 * * * *"}}]}, 422, "invalid_schedule"),
        ({"job_variables": {"imge": "x"}}, 422, "unknown_job_variable"),
        ({"job_variables": {"env": "A=x"}}, 422, "invalid_job_variables"),
        ({"parameter_openapi_schema": SCHEMA, "parameters": {"n": "x"}}, 422, "invalid_parameters"),
    ],
)
def test_what_cannot_be_deployed_is_refused_and_leaves_nothing(
    api, flow_id, pool, change, status, code
):
    reply = deploy(api, flow_id, **change)
    assert (reply.status, reply.json["code"]) == (status, code), reply.json
    assert api.ok("POST", "/api/deployments/count", {}) == 0


@pytest.mark.parametrize(
    ("variables", "code"),
    [({"env": "A=x"}, "invalid_job_variables"), ({"imge": "x"}, "unknown_job_variable")],
)
def test_a_deployment_is_not_changed_to_job_variables_that_its_pool_refuses(
    api, flow_id, pool, variables, code
):
    made = deploy(api, flow_id, job_variables={"env": {"A": "x"}}).json
    reply = api.send("PATCH", f"/api/deployments/{made['id']}", {"job_variables": variables})
    assert (reply.status, reply.json["code"]) == (422, code), reply.json
    after = api.ok("GET", f"/api/deployments/{made['id']}")
    assert after["job_variables"] == {"env": {"A": "x"}}


def test_an_invalid_cron_names_the_field_and_shows_a_right_one(api, flow_id, pool):
    reply = deploy(api, flow_id, schedules=[{"schedule": {"cron": "99 * * * *"}}])
    (detail,) = reply.json["exception_detail"]
    assert detail["loc"] == ["body", "schedule.cron"]
    assert "99 * * * *" in reply.json["detail"]
    assert "0 9 * * 1-5" in reply.json["detail"]


def test_a_run_has_what_its_deployment_gives_and_its_own_on_top(api, flow_id, pool):
    api.ok("POST", "/api/work_pools/p/queues", {"name": "fast"})
    deployment = deploy(
        api, flow_id, parameters={"n": 1, "name": "x"}, tags=["a"], labels={"team": "t"},
        retries=3, retry_delay_seconds=7, parameter_openapi_schema=SCHEMA, version="v9",
    ).json  # fmt: skip
    made = run(
        api, deployment["id"], parameters={"n": 5}, tags=["b"], work_queue_name="fast",
        job_variables={"env": {"A": "1"}}, idempotency_key="k",
    )  # fmt: skip
    assert made.status == 201
    found = made.json
    assert found["parameters"] == {"n": 5, "name": "x"}
    assert found["tags"] == ["a", "b"]
    assert found["labels"] == {"team": "t"}
    assert (found["state_type"], found["state_name"]) == ("SCHEDULED", "Scheduled")
    assert (found["work_pool_name"], found["work_queue_name"]) == ("p", "fast")
    assert (found["retries"], found["deployment_version"]) == (3, "v9")
    assert found["next_scheduled_start_time"] is not None
    assert found["created_by"]["type"] == "USER"
    again = run(api, deployment["id"], parameters={"n": 6}, idempotency_key="k")
    assert (again.status, again.json["id"]) == (200, found["id"])


def test_wrong_parameters_of_a_run_are_named(api, flow_id, pool):
    deployment = deploy(api, flow_id, parameter_openapi_schema=SCHEMA).json["id"]
    for parameters, name in (({}, "n"), ({"n": "many"}, "n"), ({"n": 1, "name": 3}, "name")):
        reply = run(api, deployment, parameters=parameters)
        assert (reply.status, reply.json["code"]) == (422, "invalid_parameters")
        assert f"'{name}'" in reply.json["detail"]
    assert run(api, deployment, enforce_parameter_schema=False).status == 201
    bad = run(api, deployment, parameters={"n": 1}, job_variables={"env": "no"})
    assert (bad.status, bad.json["code"]) == (422, "invalid_job_variables")
    unknown = run(api, deployment, parameters={"n": 1}, work_queue_name="nope")
    assert (unknown.status, unknown.json["code"]) == (404, "work_queue_not_found")
    pending = run(api, deployment, parameters={"n": 1}, state={"type": "RUNNING"})
    assert (pending.status, pending.json["code"]) == (422, "invalid_state")


def test_many_runs_each_for_itself(api, flow_id, pool):
    deployment = deploy(api, flow_id, parameter_openapi_schema=SCHEMA).json["id"]
    bodies = [{"parameters": {"n": 1}}, {"parameters": {"n": "x"}}, {"parameters": {"n": 2}}]
    results = api.ok("POST", f"/api/deployments/{deployment}/create_flow_run/bulk", bodies)
    assert [each["status"] for each in results["results"]] == ["CREATED", "FAILED", "CREATED"]
    assert "'n'" in results["results"][1]["error"]


def test_due_runs_are_shown_by_queue_priority_within_limits(api, flow_id, pool):
    api.ok("POST", "/api/work_pools/p/queues", {"name": "fast", "priority": 1})
    deployment = deploy(api, flow_id).json["id"]
    slow = run(api, deployment).json["id"]
    fast = run(api, deployment, work_queue_name="fast").json["id"]
    later = api.wiring.clock.now() + timedelta(hours=1)
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": later.isoformat()}}
    run(api, deployment, state=state)

    def due(**body):
        found = api.ok("POST", "/api/work_pools/p/get_scheduled_flow_runs", body)
        return [each["flow_run"]["id"] for each in found]

    assert due() == [fast, slow]
    assert due(limit=1) == [fast]
    assert due(work_queue_names=["default"]) == [slow]
    assert len(due(scheduled_before=(later + timedelta(1)).isoformat())) == 3
    api.send("PATCH", "/api/work_pools/p/queues/fast", {"concurrency_limit": 0})
    assert due() == [slow]
    api.send("PATCH", "/api/work_pools/p", {"is_paused": True})
    assert due() == []
    served = api.ok(
        "POST", "/api/deployments/get_scheduled_flow_runs", {"deployment_ids": [deployment]}
    )
    assert {each["id"] for each in served} == {slow, fast}
    assert api.ok("GET", f"/api/deployments/{deployment}")["status"] == "READY"


def test_a_paused_deployment_offers_nothing(api, flow_id, pool):
    deployment = deploy(api, flow_id, schedules=[{"schedule": {"interval": 3600}}]).json["id"]
    api.ok("POST", f"/api/deployments/{deployment}/schedule", {})
    run(api, deployment)
    assert api.ok("POST", "/api/flow_runs/count", {}) == 4
    api.ok("POST", f"/api/deployments/{deployment}/pause_deployment")
    assert api.ok("POST", "/api/flow_runs/count", {}) == 1
    assert api.ok("POST", "/api/work_pools/p/get_scheduled_flow_runs", {}) == []
    api.ok("POST", f"/api/deployments/{deployment}/schedule", {})
    assert api.ok("POST", "/api/flow_runs/count", {}) == 1
    api.ok("POST", f"/api/deployments/{deployment}/resume_deployment")
    api.ok("POST", f"/api/deployments/{deployment}/schedule", {})
    assert api.ok("POST", "/api/flow_runs/count", {}) == 4
    assert len(api.ok("POST", "/api/work_pools/p/get_scheduled_flow_runs", {})) == 1


def test_deleting_a_deployment_takes_the_runs_that_nobody_could_start(api, flow_id, pool):
    deployment = deploy(api, flow_id, schedules=[{"schedule": {"interval": 3600}}]).json["id"]
    api.ok("POST", f"/api/deployments/{deployment}/schedule", {})
    run(api, deployment)
    ended = run(api, deployment).json["id"]
    again = run(api, deployment).json["id"]
    state = {"type": "SCHEDULED", "name": "AwaitingRetry"}
    for moved, states in (
        (ended, [{"type": "COMPLETED"}]),
        (again, [{"type": "RUNNING"}, {"type": "FAILED"}, state]),
    ):
        for each in states:
            body = {"state": each, "force": True}
            api.ok("POST", f"/api/flow_runs/{moved}/set_state", body)
    assert api.send("DELETE", f"/api/deployments/{deployment}").status == 204
    assert api.send("DELETE", f"/api/deployments/{deployment}").json["code"] == (
        "deployment_not_found"
    )
    left = {each["id"]: each for each in api.ok("POST", "/api/flow_runs/filter", {})}
    assert set(left) == {ended, again}
    assert left[ended]["deployment_id"] is left[again]["deployment_id"] is None
    assert left[again]["state_type"] == "CANCELLED"
    assert "was deleted" in left[again]["state"]["message"]
    other = deploy(api, flow_id, name="other").json["id"]
    assert api.ok("POST", "/api/deployments/bulk_delete", {})["deleted"] == [other]


def test_patching_changes_what_it_names(api, flow_id, pool):
    deployment = deploy(api, flow_id, parameters={"a": 1}, tags=["x"]).json["id"]
    path = f"/api/deployments/{deployment}"
    assert api.send("PATCH", path, {"description": "d", "work_queue_name": None}).status == 204
    found = api.ok("GET", path)
    assert (found["description"], found["tags"], found["parameters"]) == ("d", ["x"], {"a": 1})
    assert api.send("PATCH", path, {"work_pool_name": None}).status == 204
    assert api.ok("GET", path)["work_pool_name"] is None
    assert api.send("PATCH", path, {"work_queue_name": "q"}).status == 422
    assert api.send("PATCH", path, {"work_pool_name": "gone"}).status == 404
    assert api.send("PATCH", f"/api/deployments/{uuid4()}", {}).status == 404


def test_schedules_are_added_changed_and_removed(api, flow_id, pool):
    deployment = deploy(api, flow_id).json["id"]
    path = f"/api/deployments/{deployment}/schedules"
    cron = {"schedule": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}, "slug": "morning"}
    (made,) = api.ok("POST", path, [cron])
    assert (made["version"], made["catchup"], made["active"]) == (1, "last", True)
    assert made["next_fire_at"] is not None
    assert api.send("PATCH", f"{path}/{made['id']}", {"active": False}).status == 204
    (found,) = api.ok("GET", path)
    assert (found["active"], found["version"], found["next_fire_at"]) == (False, 2, None)
    replaced = {"schedule": {"interval": 60}, "slug": "often", "replaces": "morning"}
    (changed,) = api.ok("POST", path, [replaced])
    assert (changed["id"], changed["slug"], changed["version"]) == (made["id"], "often", 3)
    bad = api.send("PATCH", f"{path}/{made['id']}", {"schedule": {"cron": "x"}})
    assert (bad.status, bad.json["code"]) == (422, "invalid_schedule")
    assert api.send("DELETE", f"{path}/{made['id']}").status == 204
    assert api.send("DELETE", f"{path}/{made['id']}").json["code"] == "schedule_not_found"


def test_deploying_again_keeps_a_schedule_that_is_the_same(api, flow_id, pool):
    hourly, daily = {"schedule": {"interval": 3600}}, {"schedule": {"cron": "0 3 * * *"}}
    first = deploy(api, flow_id, schedules=[hourly, daily]).json["schedules"]
    runs = api.ok("POST", f"/api/deployments/{first[0]['deployment_id']}/schedule", {})
    assert runs is None
    before = api.ok("POST", "/api/flow_runs/count", {})
    again = deploy(api, flow_id, schedules=[hourly]).json["schedules"]
    assert [each["id"] for each in again] == [first[0]["id"]]
    assert again[0]["version"] == 1
    left = api.ok("POST", "/api/flow_runs/count", {})
    assert (before, left) == (6, 3)
    assert len(deploy(api, flow_id).json["schedules"]) == 1
    assert deploy(api, flow_id, schedules=[]).json["schedules"] == []
    assert api.ok("POST", "/api/flow_runs/count", {}) == 0
    twins = [{**hourly, "slug": "s"}, {**daily, "slug": "s"}]
    reply = deploy(api, flow_id, schedules=twins)
    assert (reply.status, reply.json["code"]) == (409, "schedule_exists")


def named(slug, cron="0 3 * * *", **more):
    return {"schedule": {"cron": cron}, "slug": slug, **more}


def slugs(api, deployment):
    found = api.ok("GET", f"/api/deployments/{deployment}/schedules")
    return {each["slug"]: (each["id"], each["schedule"]["cron"]) for each in found}


@pytest.fixture
def two_named(api, flow_id, pool):
    del pool
    made = deploy(api, flow_id, schedules=[named("a", "1 * * * *"), named("b", "2 * * * *")]).json
    return made["id"]


def test_named_schedules_that_a_redeploy_does_not_mention_stay(api, flow_id, two_named):
    path, before = f"/api/deployments/{two_named}", slugs(api, two_named)
    for schedules in ([], [named("b", "2 * * * *")]):
        assert api.send("PATCH", path, {"schedules": schedules}).status == 204
        assert slugs(api, two_named) == before
    assert api.send("PATCH", path, {"schedules": [named("c", "3 * * * *")]}).status == 204
    assert sorted(slugs(api, two_named)) == ["a", "b", "c"]
    change = {"slug": "a", "active": False}
    assert api.send("PATCH", path, {"schedules": [change]}).status == 204
    assert slugs(api, two_named)["a"] == before["a"]
    assert deploy(api, flow_id, schedules=[named("a")], keep_named_schedules=True).status == 200
    assert sorted(slugs(api, two_named)) == ["a", "b", "c"]
    assert deploy(api, flow_id, schedules=[named("a")]).status == 200  # as Prefect's own does
    assert sorted(slugs(api, two_named)) == ["a"]


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ([("b", "a"), ("a", "b")], {"b": "a", "a": "b"}),  # a swap
        ([("b", "a"), ("c", "b")], {"b": "a", "c": "b"}),  # a chain
        ([("c", "b"), ("b", "a")], {"b": "a", "c": "b"}),  # whatever its order
        ([("d", "a")], {"d": "a", "b": "b"}),
        ([("a", "a")], {"a": "a", "b": "b"}),
        ([("c", "a"), ("a", None)], {"c": "a", "b": "b", "a": None}),  # a is a new one
        ([("c", "gone")], {"a": "a", "b": "b", "c": None}),
    ],
)
def test_schedules_are_renamed_by_what_they_replace(api, two_named, wanted, after):
    before = slugs(api, two_named)
    body = [named(slug, "9 * * * *", replaces=old) for slug, old in wanted]
    reply = api.send("PATCH", f"/api/deployments/{two_named}", {"schedules": body})
    assert reply.status == 204, reply.content
    found = slugs(api, two_named)
    assert set(found) == set(after)
    old_ids = {id_: slug for slug, (id_, _) in before.items()}
    assert {slug: old_ids.get(id_) for slug, (id_, _) in found.items()} == after


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ([{"schedule": {"cron": "0 * * * *"}}], 422, "give it a slug"),
        ([named("a"), {"schedule": {"cron": "0 * * * *"}}], 422, "give it a slug"),
        ([{"slug": "new"}], 422, "needs its `schedule`"),
        ([{"slug": "new", "replaces": "gone"}], 422, "needs its `schedule`"),
        ([named("b", replaces="a")], 422, "cannot be renamed"),
        ([named("c", replaces="a"), named("d", replaces="a")], 422, "only one can"),
        ([named("c"), named("c")], 409, "cannot share"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_and_changes_nothing(
    api, two_named, body, status, why
):
    before = slugs(api, two_named)
    reply = api.send("PATCH", f"/api/deployments/{two_named}", {"schedules": body})
    assert (reply.status, why in reply.json["detail"]) == (status, True), reply.json
    assert slugs(api, two_named) == before


def test_schedules_without_slugs_are_replaced_by_the_list(api, flow_id, pool):
    made = deploy(api, flow_id, schedules=[named("a"), {"schedule": {"interval": 60}}]).json["id"]
    path = f"/api/deployments/{made}"
    assert api.send("PATCH", path, {"schedules": [named("b")]}).status == 204
    assert sorted(slugs(api, made)) == ["b"]


def test_a_parameter_of_the_wrong_format_is_refused_when_a_run_is_asked_for(api, flow_id, pool):
    day = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    made = deploy(api, flow_id, parameter_openapi_schema=day).json["id"]
    refused = run(api, made, parameters={"day": "hello"})
    assert (refused.status, refused.json["code"]) == (422, "invalid_parameters")
    assert "'day'" in refused.json["detail"]
    assert run(api, made, parameters={"day": "2026-01-31"}).status == 201
