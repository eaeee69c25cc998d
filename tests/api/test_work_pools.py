"""Work pools, their queues and workers."""

import asyncio


def make_pool(api, name="p", **more):
    return api.ok("POST", "/api/work_pools/", {"name": name, "type": "process", **more})


def test_a_pool_comes_with_its_default_queue_and_template(api):
    pool = make_pool(api, "etl", concurrency_limit=3)

    queue = api.ok("GET", "/api/work_pools/etl/queues/default")
    assert queue["id"] == pool["default_queue_id"]
    assert queue["work_pool_name"] == "etl"
    assert queue["priority"] == 1
    assert pool["status"] == "NOT_READY"
    assert pool["active_slots"] == 0
    assert "working_dir" in pool["base_job_template"]["variables"]["properties"]


def test_two_creators_make_one_pool(api):
    async def both():
        body = {"name": "race", "type": "process"}
        return await asyncio.gather(
            *(api.send_async("POST", "/api/work_pools/", body) for _ in range(8))
        )

    replies = api.run(both())
    assert sorted(r.status for r in replies) == [201] + [409] * 7
    assert {r.json["code"] for r in replies if r.status == 409} == {"work_pool_exists"}
    assert api.ok("POST", "/api/work_pools/count", {}) == 1
    assert len(api.ok("POST", "/api/work_pools/race/queues/filter", {})) == 1


def test_an_unknown_pool_says_which_there_are_and_how_to_make_it(api):
    make_pool(api, "here")
    reply = api.send("GET", "/api/work_pools/there")
    assert reply.status == 404
    assert reply.json["code"] == "work_pool_not_found"
    assert "here" in reply.json["detail"]
    assert "runwright work-pool create there" in reply.json["detail"]


def test_a_pool_is_ready_while_a_worker_beats_and_paused_when_paused(api):
    make_pool(api)
    beat = {"name": "w1", "heartbeat_interval_seconds": 30}
    assert api.send("POST", "/api/work_pools/p/workers/heartbeat", beat).status == 204
    worker = api.ok("POST", "/api/work_pools/p/workers/heartbeat", {**beat, "return_id": True})
    assert api.ok("GET", "/api/work_pools/p")["status"] == "READY"
    (found,) = api.ok("POST", "/api/work_pools/p/workers/filter", {})
    assert (found["id"], found["status"]) == (worker["id"], "ONLINE")
    offline = {"workers": {"status": {"any_": ["OFFLINE"]}}}
    assert api.ok("POST", "/api/work_pools/p/workers/filter", offline) == []

    assert api.send("PATCH", "/api/work_pools/p", {"is_paused": True}).status == 204
    assert api.ok("GET", "/api/work_pools/p")["status"] == "PAUSED"
    assert api.ok("GET", "/api/work_pools/p/queues/default")["status"] == "READY"

    assert api.send("DELETE", "/api/work_pools/p/workers/w1").status == 204
    assert api.send("DELETE", "/api/work_pools/p/workers/w1").json["code"] == "worker_not_found"


def test_a_priority_that_is_taken_pushes_the_others_back(api):
    make_pool(api)
    for name in ("a", "b"):
        api.ok("POST", "/api/work_pools/p/queues", {"name": name})
    urgent = api.ok("POST", "/api/work_pools/p/queues", {"name": "urgent", "priority": 1})
    order = api.ok("POST", "/api/work_pools/p/queues/filter", {})
    assert [(q["name"], q["priority"]) for q in order] == [
        ("urgent", 1), ("default", 2), ("a", 3), ("b", 4),
    ]  # fmt: skip
    api.send("PATCH", f"/api/work_queues/{urgent['id']}", {"priority": 3})
    order = api.ok("POST", "/api/work_pools/p/queues/filter", {})
    assert [q["name"] for q in order] == ["default", "urgent", "a", "b"]
    again = api.send("POST", "/api/work_pools/p/queues", {"name": "a"})
    assert (again.status, again.json["code"]) == (409, "work_queue_exists")
    kept = api.send("DELETE", "/api/work_pools/p/queues/default")
    assert (kept.status, kept.json["code"]) == (409, "default_queue")
    assert api.send("DELETE", "/api/work_pools/p/queues/a").status == 204
    unknown = api.send("GET", "/api/work_pools/p/queues/a")
    assert (unknown.status, unknown.json["code"]) == (404, "work_queue_not_found")


def test_a_template_that_cannot_start_anything_is_refused(api):
    for template in (
        {"job_configuration": {}},
        {"job_configuration": {"command": "{{ cmd }}"}, "variables": {"properties": {}}},
        {"job_configuration": {}, "variables": {"properties": {"a": {"type": "nope"}}}},
    ):
        body = {"name": "bad", "type": "process", "base_job_template": template}
        assert api.send("POST", "/api/work_pools/", body).status == 422, template


def test_worker_types_can_be_looked_up(api):
    views = api.ok("GET", "/api/collections/views/aggregate-worker-metadata")
    (types,) = views.values()
    assert types["process"]["default_base_job_configuration"]["job_configuration"]
    assert api.send("GET", "/api/collections/views/nothing").status == 404


def test_a_worker_key_speaks_for_its_pool_alone(api):
    mine, _ = make_pool(api, "mine"), make_pool(api, "other")
    key = api.make_key(
        kind="worker", scopes={"pools:poll"}, work_pool_id=__import__("uuid").UUID(mine["id"])
    )
    beat = {"name": "w"}
    ours = api.send("POST", "/api/work_pools/mine/workers/heartbeat", beat, key=key)
    theirs = api.send("POST", "/api/work_pools/other/workers/heartbeat", beat, key=key)
    assert (ours.status, theirs.status) == (204, 403)


def test_slots_are_shown_by_queue(api):
    make_pool(api, concurrency_limit=2)
    status = api.ok("POST", "/api/work_pools/p/concurrency_status", {})
    assert (status["active_slots"], status["concurrency_limit"], status["count"]) == (0, 2, 1)
    queue = api.ok("GET", "/api/work_pools/p/queues/default")
    status = api.ok("POST", f"/api/work_queues/{queue['id']}/concurrency_status", {})
    assert status["flow_runs"] == []
    assert api.ok("GET", f"/api/work_queues/{queue['id']}/status")["healthy"] is False
