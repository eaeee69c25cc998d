"""Events: told in any order, made of the states of runs; streamed, filtered, counted."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tests.api.websockets import Socket

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds):
    return (START + timedelta(seconds=seconds)).isoformat()


def event(name="thing.happened", *, seconds=0, resource="thing.1", related=(), **more):
    return {
        "id": str(uuid4()),
        "occurred": at(seconds),
        "event": name,
        "resource": {"prefect.resource.id": resource, **more.pop("labels", {})},
        "related": [
            {"prefect.resource.id": each, "prefect.resource.role": role} for each, role in related
        ],
        **more,
    }


def of_task(task_id, run_id, kind, seconds, **run):
    """What the peer's client tells of a task run that enters a state."""
    return event(
        f"prefect.task-run.{kind.capitalize()}",
        seconds=seconds,
        resource=f"prefect.task-run.{task_id}",
        labels={"prefect.orchestration": "client"},
        related=[(f"prefect.flow-run.{run_id}", "flow-run")],
        payload={
            "intended": {"from": None, "to": kind},
            "validated_state": {"type": kind, "name": kind.capitalize(), "state_details": {}},
            "task_run": {"name": "t-0", "task_key": "t", "dynamic_key": "0", "tags": ["a"], **run},
        },
    )


@pytest.fixture
def run_id(api):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"flow_id": flow, "state": {"type": "PENDING"}, "tags": ["nightly"]}
    return api.ok("POST", "/api/flow_runs/", body)["id"]


def found(api, **wanted):
    page = api.ok("POST", "/api/events/filter", {"filter": wanted})
    return [each["event"] for each in page["events"]]


def test_task_runs_are_recorded_from_events_in_any_order_and_more_than_once(api, run_id):
    task_id = uuid4()
    pending = of_task(task_id, run_id, "PENDING", 0)
    running = of_task(task_id, run_id, "RUNNING", 1, run_count=1, start_time=at(1))
    done = of_task(
        task_id, run_id, "COMPLETED", 3, run_count=1, start_time=at(1), end_time=at(3),
        total_run_time=2.0,
    )  # fmt: skip
    for batch in ([done, pending], [running], [done, running, pending]):
        assert api.send("POST", "/api/events/", batch).status == 204

    task = api.ok("GET", f"/api/task_runs/{task_id}")
    assert (task["state_name"], task["state_id"], task["run_count"]) == ("Completed", done["id"], 1)
    assert (task["total_run_time"], task["tags"], task["flow_run_id"]) == (2.0, ["a"], run_id)
    states = api.ok("GET", f"/api/task_run_states/?task_run_id={task_id}")
    assert [each["type"] for each in states] == ["PENDING", "RUNNING", "COMPLETED"]
    assert api.ok("POST", "/api/events/filter", {})["total"] == 3 + 1


def test_what_makes_no_sense_costs_no_other_event(api, run_id):
    task_id = uuid4()
    good = of_task(task_id, run_id, "RUNNING", 0)
    strange = {**of_task(uuid4(), run_id, "RUNNING", 0), "payload": {"task_run": 3}}
    orphan = of_task(uuid4(), uuid4(), "RUNNING", 0)
    api.ok("POST", "/api/events/", [strange, orphan, good])
    assert api.ok("GET", f"/api/task_runs/{task_id}")["state_name"] == "Running"
    assert api.ok("POST", "/api/task_runs/count", {}) == 1


def test_states_of_runs_are_events(api, run_id):
    api.ok("POST", f"/api/flow_runs/{run_id}/set_state", {"state": {"type": "RUNNING"}})
    page = api.ok(
        "POST",
        "/api/events/filter",
        {"filter": {"any_resource": {"id": [f"prefect.flow-run.{run_id}"]}, "order": "ASC"}},
    )
    first, second = page["events"]
    assert (first["event"], second["event"]) == (
        "prefect.flow-run.Pending", "prefect.flow-run.Running",
    )  # fmt: skip
    assert second["follows"] == first["id"]
    assert second["payload"]["intended"] == {"from": "PENDING", "to": "RUNNING"}
    roles = {each["prefect.resource.role"] for each in second["related"]}
    assert roles == {"flow", "tag"}


def test_filters(api, run_id):
    api.ok(
        "POST",
        "/api/events/",
        [
            event("a.one", seconds=1, resource="thing.1", labels={"colour": "red"}),
            event("a.two", seconds=2, resource="thing.2", related=[("box.1", "holder")]),
            event("b.one", seconds=3, resource="other.1", labels={"colour": "green"}),
        ],
    )
    told = {"occurred": {"until": at(10)}}
    assert found(api, **told) == ["b.one", "a.two", "a.one"]
    assert found(api, **told, order="ASC") == ["a.one", "a.two", "b.one"]
    assert found(api, occurred={"since": at(2), "until": at(2)}) == ["a.two"]
    assert found(api, **told, event={"prefix": ["a."]}) == ["a.two", "a.one"]
    assert found(api, **told, event={"name": ["b.one"]}) == ["b.one"]
    assert found(api, **told, event={"exclude_prefix": ["a.t"]}) == ["b.one", "a.one"]
    assert found(api, **told, event={"exclude_name": ["b.one"]}) == ["a.two", "a.one"]
    assert found(api, **told, resource={"id": ["thing.2"]}) == ["a.two"]
    assert found(api, **told, resource={"id_prefix": ["thing."]}) == ["a.two", "a.one"]
    assert found(api, **told, resource={"labels": {"colour": ["red", "blue"]}}) == ["a.one"]
    assert found(api, **told, resource={"labels": {"colour": "!red"}}) == ["b.one", "a.two"]
    assert found(api, **told, resource={"labels": {"colour": "g*"}}) == ["b.one"]
    assert found(api, **told, related={"id": ["box.1"], "role": ["holder"]}) == ["a.two"]
    assert found(api, **told, related={"resources_in_roles": [["box.1", "lid"]]}) == []
    assert found(api, **told, any_resource=[{"id": ["box.1"]}, {"id": ["thing.2"]}]) == ["a.two"]
    assert found(api, **told, text={"query": "GREEN -thing"}) == ["b.one"]
    assert api.send("POST", "/api/events/filter", {"limit": 51}).status == 422
    assert api.send("GET", "/api/events/filter/next?page-token=x").status == 422


def test_pages_and_counts(api):
    names = ["x.a", "x.b", "x.a", "x.c", "x.a"]
    api.ok(
        "POST",
        "/api/events/",
        [event(name, seconds=90_000 * i, resource=name) for i, name in enumerate(names)],
    )
    page = api.ok("POST", "/api/events/filter", {"limit": 2, "filter": {"order": "ASC"}})
    seen = [each["event"] for each in page["events"]]
    assert page["total"] == 5
    while page["next_page"]:
        page = api.ok("GET", "/api" + page["next_page"].split("/api", 1)[1])
        seen += [each["event"] for each in page["events"]]
    assert seen == names
    by_name = api.ok("POST", "/api/events/count-by/event", {})
    assert [(each["value"], each["count"]) for each in by_name] == [
        ("x.a", 3), ("x.b", 1), ("x.c", 1),
    ]  # fmt: skip
    assert [each["count"] for each in api.ok("POST", "/api/events/count-by/day", {})] == [1] * 5
    assert len(api.ok("POST", "/api/events/count-by/resource", {})) == 3
    assert api.send("POST", "/api/events/count-by/colour", {}).status in (400, 404, 422)


def test_a_stream_of_events_in_and_out(api, run_id):
    task_id = uuid4()

    async def body():
        async with Socket(api.app, "/api/events/out") as out:
            assert (await out.auth(api.key))["type"] == "auth_success"
            since = (api.wiring.clock.now() - timedelta(minutes=1)).isoformat()
            names = ["prefect.flow-run.Pending", "prefect.flow-run.Running", "news"]
            wanted = {"occurred": {"since": since}, "event": {"name": names}}
            await out.send({"type": "filter", "filter": wanted})
            assert (await out.receive())["event"]["event"] == "prefect.flow-run.Pending"

            state = {"state": {"type": "RUNNING"}}
            path = f"/api/flow_runs/{run_id}/set_state"
            assert (await api.send_async("POST", path, state)).status == 201
            running = (await out.receive())["event"]
            assert running["event"] == "prefect.flow-run.Running"

            async with Socket(api.app, "/api/events/in") as into:
                assert (await into.auth(f"user:{api.key}"))["type"] == "auth_success"
                await into.send("nonsense")
                news = event("news", seconds=0)
                await into.send({**news, "occurred": api.wiring.clock.now().isoformat()})
                await into.send(of_task(task_id, run_id, "RUNNING", 0))
            assert (await out.receive())["event"]["id"] == news["id"]

    api.run(body())
    assert api.ok("GET", f"/api/task_runs/{task_id}")["state_name"] == "Running"


def test_a_stream_of_log_records(api, run_id):
    def record(message):
        now = api.wiring.clock.now().isoformat()
        return {
            "name": "n", "level": 20, "message": message, "timestamp": now, "flow_run_id": run_id,
        }  # fmt: skip

    async def body():
        await api.send_async("POST", "/api/logs/", [record("before")])
        async with Socket(api.app, "/api/logs/out") as out:
            await out.auth(api.key)
            after = (api.wiring.clock.now() - timedelta(minutes=1)).isoformat()
            wanted = {"flow_run_id": {"any_": [run_id]}, "timestamp": {"after_": after}}
            await out.send({"type": "filter", "filter": wanted})
            assert (await out.receive())["log"]["message"] == "before"
            await api.send_async("POST", "/api/logs/", [record("after")])
            assert (await out.receive())["log"]["message"] == "after"

    api.run(body())


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_a_stream_is_closed_to_who_has_no_key(api, path):
    poor = api.make_key(scopes={"runs:read"})

    async def body():
        for token in (None, "rwk_none", f"u:{poor}"):
            async with Socket(api.app, path) as socket:
                assert (await socket.auth(token))["type"] == "auth_failure"
                assert await socket.receive() == 1008

    api.run(body())


def test_a_stream_needs_a_filter(api):
    async def body():
        for path in ("/api/events/out", "/api/logs/out"):
            async with Socket(api.app, path) as socket:
                await socket.auth(api.key)
                await socket.send({"type": "hello"})
                assert await socket.receive() == 1002

    api.run(body())


def test_the_server_lets_its_streams_go_when_it_stops(api):
    async def body():
        async with Socket(api.app, "/api/events/out") as out:
            await out.auth(api.key)
            await out.send({"type": "filter", "filter": {}})
            await asyncio.sleep(0)
            api.wiring.stopping.set()
            await asyncio.wait_for(out.serving, 10)

    api.run(body())
