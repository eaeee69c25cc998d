"""What an execution or a key of few scopes reaches beyond its own: slots, runs, events."""

import json
from uuid import uuid4

import pytest
from tests.acceptance.worker.raw_websocket import RawWebsocket
from tests.hostile.conftest import now

LIMITS = "/v2/concurrency_limits"


@pytest.fixture
def more_environment():
    """No run here ends because its process is slow to renew."""
    return {"RUNWRIGHT_LEASE_SECONDS": "60"}


def active(site, name):
    return site.ask("GET", f"{LIMITS}/{name}")["active_slots"]


def moved(task, run):
    state = {"id": str(uuid4()), "type": "RUNNING", "name": "Running", "timestamp": now()}
    info = {"name": "t", "task_key": "t", "dynamic_key": "0", "flow_run_id": run}
    return {"kind": "task_state", "task_run_id": task, "state": state, "run": info}


def event(name, resource, **more):
    return {
        "id": str(uuid4()), "occurred": now(), "event": name,
        "resource": {"prefect.resource.id": resource, **more.pop("labels", {})}, **more,
    }  # fmt: skip


def test_slots_are_given_back_by_whoever_took_them(site_on_both):
    site = site_on_both
    for name in ("db", "tag:gpu"):
        site.ask("POST", f"{LIMITS}/", {"name": name, "limit": 3})
    site.ask("POST", f"{LIMITS}/", {"name": "rate", "limit": 3, "slot_decay_per_second": 0.01})
    victim, me = site.execution("theirs"), site.execution("ours")
    lease = victim.ask(
        "POST", f"{LIMITS}/increment-with-lease", {"names": ["db"], "slots": 2}
    ).json["lease_id"]  # fmt: skip
    task = str(uuid4())
    assert victim.journal(moved(task, victim.run), first=1).status == 200
    user = site.make_key("limits:use")
    of_tag = {"names": ["gpu"], "task_run_id": task}
    assert site.send("POST", "/concurrency_limits/increment", of_tag).status == 200
    other = site.make_key("limits:use")
    attacks = {
        f"{LIMITS}/decrement": {"names": ["db"], "slots": 2},
        f"{LIMITS}/decrement-with-lease": {"lease_id": lease},
        f"{LIMITS}/leases/{lease}/renew": {"lease_duration": 60},
        "/concurrency_limits/decrement": of_tag,
        "/concurrency_limits/increment": of_tag,
        # Slots that nobody would ever give back.
        f"{LIMITS}/increment": {"names": ["db"], "slots": 1},
    }
    for path, body in attacks.items():
        for key in (me.credential, other):
            reply = site.send("POST", path, body, key=key)
            assert reply.status in {403, 410}, (path, reply.status, reply.content)
    # The lease of a tag's slot is the id of its task run, which others know.
    stolen = {"lease_id": task}
    assert me.ask("POST", f"{LIMITS}/decrement-with-lease", stolen).status == 403
    held = {"type": "task_run", "id": task}
    taken = {"names": ["db"], "slots": 1, "holder": held}
    assert me.ask("POST", f"{LIMITS}/increment-with-lease", taken).status == 403
    assert (active(site, "db"), active(site, "tag:gpu")) == (2, 1)
    # Whoever holds them gives them back, and so does a key that may write limits.
    end = {"lease_id": lease}
    assert victim.ask("POST", f"{LIMITS}/decrement-with-lease", end).status == 204
    assert site.send("POST", "/concurrency_limits/decrement", of_tag).status == 200
    passes = {"names": ["rate"], "slots": 1, "mode": "rate_limit"}
    assert me.ask("POST", f"{LIMITS}/increment", passes).status == 200
    mine = {"names": ["gpu"], "task_run_id": str(uuid4())}
    assert site.send("POST", "/concurrency_limits/increment", mine, key=user).status == 200
    assert site.send("POST", "/concurrency_limits/decrement", mine, key=user).status == 200
    assert (active(site, "db"), active(site, "tag:gpu")) == (0, 0)


def test_an_execution_sees_and_touches_no_more_than_it_needs(site_on_both):
    site = site_on_both
    victim, me = site.execution("theirs"), site.execution("ours")
    theirs = site.deploy("hello", "theirs")
    secret = {"parameters": {"name": "secret"}, "job_variables": {"env": {"TOKEN": "secret"}}}
    assert site.send("PATCH", f"/deployments/{theirs}", secret).status == 204
    # A deployment: its id, and that it can be run.
    for path in (f"/deployments/{theirs}", "/deployments/name/hello/theirs"):
        reply = me.ask("GET", path)
        assert (reply.status, reply.json["id"]) == (200, theirs)
        assert b"secret" not in reply.content
        assert (reply.json["entrypoint"], reply.json["path"]) == (None, None)
    # A run of it: how it stands, not the deployment's parameters.
    path = f"/deployments/{theirs}/create_flow_run"
    made = me.ask("POST", path, {"idempotency_key": "mine"})
    assert made.status == 201
    child = made.json["id"]
    listed = me.ask("POST", "/flow_runs/filter", {})
    for reply in (made, me.ask("GET", f"/flow_runs/{child}"), listed):
        assert b"secret" not in reply.content
    assert site.ask("GET", f"/flow_runs/{child}")["parameters"] == {"name": "secret"}
    assert {run["id"] for run in listed.json} == {me.run, child}
    # That it has an idempotency key shows it to nobody but to who was given it for that key.
    assert victim.ask("GET", f"/flow_runs/{child}").status == 404
    assert victim.ask("POST", "/flow_runs/filter", {}).json[0]["id"] == victim.run
    again = victim.ask("POST", path, {"idempotency_key": "mine"})
    assert (again.status, again.json["id"]) == (200, child)
    assert b"secret" not in victim.ask("GET", f"/flow_runs/{child}").content
    # The task run of another execution is no parent of its runs, and no place for its lines.
    task = str(uuid4())
    assert victim.journal(moved(task, victim.run), first=1).status == 200
    assert me.ask("POST", path, {"parent_task_run_id": task}).status == 403
    line = {
        "name": "n", "level": 20, "message": "evil", "timestamp": now(), "flow_run_id": me.run,
        "task_run_id": task,
    }  # fmt: skip
    assert me.ask("POST", "/logs/", [line]).status == 403
    assert victim.ask("POST", path, {"parent_task_run_id": task}).status == 201
    # Nor is the id of an execution, by which reports are recognised, shown to who reads runs.
    assert victim.spec["execution_id"] not in json.dumps(site.ask("POST", "/flow_runs/filter", {}))


def test_no_page_and_no_offset_tells_of_the_runs_of_others(site_on_both):
    """Foreign runs, and runs of one's own among them, in every order and page."""
    site = site_on_both
    victim, me = site.execution("theirs"), site.execution("ours")
    theirs = site.deploy("hello", "theirs")
    path = f"/deployments/{theirs}/create_flow_run"
    mine = [me.run]
    for number in range(3):
        assert victim.ask("POST", path, {"name": "secret"}).status == 201
        made = me.ask("POST", path, {"name": f"mine-{number}"})
        mine.append(made.json["id"])
        assert victim.ask("POST", path, {"name": "secret"}).status == 201
    # Later attempts of what it asked for are there too: it waits for those.
    again = site.send("POST", f"/flow_runs/{mine[-1]}/set_state", {
        "state": {"type": "CANCELLED"}, "force": True,
    })  # fmt: skip
    assert again.status == 201, again.content
    mine.append(site.ask("POST", f"/flow_runs/{mine[-1]}/rerun", {})["id"])
    states = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "RUNNING", "CANCELLED"]}}}}
    sorts = ["ID_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC", "NAME_ASC"]
    for asked in ({}, states):
        for sort in sorts:
            whole = me.ask("POST", "/flow_runs/filter", {"sort": sort, **asked})
            assert whole.status == 200, whole.content
            paged = [
                each["id"]
                for offset in range(len(mine) + 1)
                for each in me.ask(
                    "POST",
                    "/flow_runs/filter",
                    {"sort": sort, "limit": 1, "offset": offset, **asked},
                ).json
            ]
            assert paged == [each["id"] for each in whole.json]
            assert sorted(paged) == sorted(mine), (sort, asked)
    # A filter that foreign runs meet answers like one that none meets, also a long one.
    for names in (["secret"], ["nothing"], ["secret", *(f"name-{n}" for n in range(1_000))]):
        filtered = {"flow_runs": {"name": {"any_": names}}, "limit": 1}
        assert me.ask("POST", "/flow_runs/filter", filtered).json == []
    # Nor does a run of one's own tell what its deployment, pool or tasks are like.
    for member in ("deployments", "work_pools", "work_pool_queues", "task_runs"):
        body = {member: {"name": {"any_": ["theirs"]}}}
        reply = me.ask("POST", "/flow_runs/filter", body)
        assert (reply.status, member in reply.json["detail"]) == (403, True), reply.content
    for path in ("count", "paginate", "history", "lateness"):
        assert me.ask("POST", f"/flow_runs/{path}", {}).status == 403


def test_nobody_tells_what_the_server_tells(site):
    victim = site.execution("theirs")
    task = str(uuid4())
    assert victim.journal(moved(task, victim.run), first=1).status == 200
    run_id = f"prefect.flow-run.{victim.run}"
    failed = {
        "validated_state": {"type": "FAILED", "name": "Failed", "state_details": {}},
        "task_run": {"name": "evil", "task_key": "t", "dynamic_key": "0"},
    }
    of_task = event(
        "prefect.task-run.Failed", f"prefect.task-run.{task}", payload=failed,
        labels={"prefect.orchestration": "client"},
        related=[{"prefect.resource.id": run_id, "prefect.resource.role": "flow-run"}],
    )  # fmt: skip
    forged = [
        event("prefect.flow-run.Failed", run_id),
        event("prefect.flow-run.Cancelling", run_id),
        event("prefect.automation.triggered", "prefect.automation.x"),
        event("runwright.flow-run.forced", run_id),
    ]
    of_runs = [event("prefect.flow-run.heartbeat", run_id), of_task]
    honest = event("order.failed", run_id)
    teller = site.make_key("events:write")
    for each in (*forged, *of_runs):
        reply = site.send("POST", "/events", [honest, each], key=teller)
        assert (reply.status, each["id"] in reply.json["detail"]) == (403, True)
    for each in forged:  # nor does an administrator
        assert site.send("POST", "/events", [each]).status == 403

    stream = RawWebsocket(site.port, "/api/events/in", teller)
    for each in (*forged, *of_runs, honest):
        stream.send(each)

    def stored():
        page = site.ask("POST", "/events/filter", {"filter": {"resource": {"id": [run_id]}}})
        return [each["event"] for each in page["events"]]

    site.until(lambda: "order.failed" in stored())
    assert sorted(stored()) == [
        "order.failed", "prefect.flow-run.Pending", "prefect.flow-run.Running",
        "prefect.flow-run.Scheduled",
    ]  # fmt: skip
    stream.close()
    found = site.ask("GET", f"/task_runs/{task}")
    assert (found["name"], found["state_type"]) == ("t", "RUNNING")
    # What Prefect's client tells of its own task runs goes on, with the scope that moves runs.
    client = site.make_key("events:write", "runs:write")
    assert site.send("POST", "/events", of_runs, key=client).status == 204


CALLER = """

from runwright import flow, get_run_logger, run_deployment
from runwright.concurrency.sync import concurrency, rate_limit

@flow
def caller():
    with concurrency("db"):
        rate_limit("rate")
        run = run_deployment("hello/honest", parameters={"name": "x"}, idempotency_key="k")
    get_run_logger().info("%s %s", run.state.type, run.parameters)
"""


def test_what_an_honest_flow_needs_is_within_its_borders(site):
    flows = site.code / "flows.py"
    flows.write_text(flows.read_text() + CALLER)
    site.ask("POST", f"{LIMITS}/", {"name": "db", "limit": 1})
    site.ask("POST", f"{LIMITS}/", {"name": "rate", "limit": 9, "slot_decay_per_second": 0.01})
    caller = site.deploy("caller", "honest")
    site.deploy("hello", "honest")
    site.start_worker("honest")
    for run in [site.run(caller), site.run(caller)]:  # the second is given the run of the first
        site.until_state(run, "COMPLETED", 40)
        assert "COMPLETED {'name': 'x'}" in site.logs(run)
    assert len(site.ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["hello"]}}})) == 1
    assert active(site, "db") == 0
