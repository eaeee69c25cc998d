"""Automations act: once for each match, on our own things, and on what states and events say."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update
from tests.api.acting import REACTIVE, act, automation, event, firings, outcomes, tell, told

from runwright.storage.tables import automation_bucket, automation_firing, event_queue


@pytest.fixture
def deployment(api):
    """A deployment in a pool: its id, and those of the pool and its queue."""
    pool = api.ok("POST", "/api/work_pools/", {"name": "p", "type": "process"})
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "p"}
    made = api.ok("POST", "/api/deployments/", body)
    return {"id": made["id"], "pool": pool["id"], "queue": pool["default_queue_id"], "flow": flow}


def run_of(api, deployment, **more):
    path = f"/api/deployments/{deployment['id']}/create_flow_run"
    return api.ok("POST", path, more)["id"]


def set_state(api, run, kind, **more):
    return api.ok("POST", f"/api/flow_runs/{run}/set_state", {"state": {"type": kind, **more}})


def runs(api):
    return api.ok("POST", "/api/flow_runs/filter", {"sort": "ID_DESC"})


def test_an_event_runs_a_deployment_once_with_its_parameters(api, deployment):
    api.ok("POST", "/api/variables/", {"name": "greeting", "value": "hello"})
    parameters = {
        "plain": 1,
        "who": {"__prefect_kind": "jinja", "template": "{{ event.resource['name'] }}"},
        "more": {"__prefect_kind": "json", "value": "[1, 2]"},
        "set": {"__prefect_kind": "workspace_variable", "variable_name": "greeting"},
    }
    run = {"type": "run-deployment", "deployment_id": deployment["id"], "parameters": parameters}
    made = automation(api, run)
    happened = event(labels={"name": "Ada"})
    tell(api, happened, happened, event("something.else"))
    act(api)
    (found,) = runs(api)
    assert found["parameters"] == {"plain": 1, "who": "Ada", "more": [1, 2], "set": "hello"}
    assert found["created_by"]["type"] == "AUTOMATION"
    assert found["labels"]["runwright.automation-depth"] == 1
    (firing,) = firings(api, made)
    assert (firing["outcome"], firing["depth"], firing["event"]["id"]) == (
        "triggered", 1, happened["id"],
    )  # fmt: skip
    assert outcomes(api, made) == [("executed", None, {"flow_run_id": found["id"]})]
    assert told(api) == [
        "prefect.automation.triggered",
        "prefect.automation.action.triggered",
        "prefect.automation.action.executed",
    ]
    # Told again, and looked at again: it is the same event.
    tell(api, happened)
    act(api)
    assert len(firings(api, made)) == 1


def test_states_of_runs_are_events_and_are_found_by_their_type(api, deployment):
    """A state may be called anything: an automation can go by what it is."""
    made = automation(
        api,
        {"type": "change-flow-run-state", "state": "CRASHED", "name": "Zombie"},
        match={"prefect.resource.id": "prefect.flow-run.*", "prefect.state-type": "RUNNING"},
        match_related={"prefect.resource.id": f"prefect.deployment.{deployment['id']}"},
        expect=[],
    )
    run = run_of(api, deployment)
    other = api.ok(
        "POST", "/api/flow_runs/", {"flow_id": deployment["flow"], "state": {"type": "RUNNING"}}
    )["id"]
    act(api)
    assert firings(api, made) == []
    set_state(api, run, "PENDING")
    set_state(api, run, "RUNNING", name="Working on it")
    act(api)
    assert api.ok("GET", f"/api/flow_runs/{run}")["state"]["name"] == "Zombie"
    assert api.ok("GET", f"/api/flow_runs/{other}")["state"]["type"] == "RUNNING"
    assert len(firings(api, made)) == 1


@pytest.mark.parametrize("how", ["selected", "inferred"])
def test_what_is_paused_and_resumed(api, deployment, how):
    pool, queue = deployment["pool"], deployment["queue"]
    ids = {"deployment": deployment["id"], "work-queue": queue, "work-pool": pool}
    related = [(f"prefect.{kind}.{id_}", kind) for kind, id_ in ids.items()]

    def actions(what):
        for kind, id_ in ids.items():
            field = f"{kind.replace('-', '_')}_id"
            yield {"type": f"{what}-{kind}", "source": how} | (
                {field: id_} if how == "selected" else {}
            )

    def paused():
        return (
            api.ok("GET", f"/api/deployments/{ids['deployment']}")["paused"],
            api.ok("GET", f"/api/work_queues/{queue}")["is_paused"],
            api.ok("GET", "/api/work_pools/p")["is_paused"],
        )

    first = automation(api, *actions("pause"), expect=["stop"])
    second = automation(api, *actions("resume"), expect=["go"])
    tell(api, event("stop", related=related))
    act(api)
    assert paused() == (True, True, True)
    tell(api, event("go", related=related))
    act(api)
    assert paused() == (False, False, False)
    for each in (first, second):
        assert [status for status, *_ in outcomes(api, each)] == ["executed"] * 3


def test_runs_are_cancelled_suspended_resumed_and_deleted(api, deployment):
    for name in ("cancel", "suspend", "resume", "delete"):
        automation(api, {"type": f"{name}-flow-run"}, name=name, expect=[name])
    waits, runs_on = run_of(api, deployment), run_of(api, deployment)
    set_state(api, runs_on, "PENDING")
    set_state(api, runs_on, "RUNNING")

    def after(what, run):
        tell(api, event(what, resource=f"prefect.flow-run.{run}"))
        act(api)
        reply = api.send("GET", f"/api/flow_runs/{run}")
        return reply.json["state"]["name"] if reply.status == 200 else reply.status

    assert after("cancel", waits) == "Cancelled"
    assert after("suspend", runs_on) == "Suspended"
    assert after("resume", runs_on) == "Resuming"
    assert after("delete", waits) == 404


def test_automations_disable_and_enable_others(api):
    other = automation(api, name="other", expect=["x"])
    automation(api, {"type": "pause-automation", "automation_id": other}, expect=["off"])
    automation(api, {"type": "resume-automation", "automation_id": other}, expect=["on"])
    for what, is_enabled in (("off", False), ("on", True)):
        tell(api, event(what))
        act(api)
        assert api.ok("GET", f"/api/automations/{other}")["enabled"] is is_enabled


def test_what_cannot_be_done_says_why_and_the_other_actions_are_done(api):
    made = automation(
        api,
        {"type": "cancel-flow-run"},
        {"type": "run-deployment", "deployment_id": str(uuid4())},
        {"type": "resume-flow-run"},
        {"type": "do-nothing"},
    )
    tell(api, event(resource="prefect.flow-run.not-an-id"))
    act(api)
    (one, two, three, four) = outcomes(api, made)
    assert one[0] == two[0] == three[0] == "failed"
    assert "names no flow-run" in one[1]
    assert "no deployment" in two[1]
    assert four == ("executed", None, {})
    assert told(api, "prefect.automation.action.failed") == ["prefect.automation.action.failed"] * 3


def test_so_many_within_a_time_for_each(api):
    made = automation(api, threshold=3, within=3600, for_each=["prefect.resource.id"])
    tell(api, *(event(resource=each) for each in "abab"))
    act(api)
    assert firings(api, made) == []
    tell(api, event(resource="b"))
    act(api)
    (firing,) = firings(api, made)
    assert firing["event"]["resource"]["prefect.resource.id"] == "b"
    tell(api, *(event(resource=each) for each in "bba"))
    act(api)
    assert [each["event"]["resource"]["prefect.resource.id"] for each in firings(api, made)] == [
        "a",
        "b",
    ]


def pass_time(api, seconds=3600):
    """All deadlines are so much nearer."""
    column = automation_bucket.c.deadline

    def use_case(tx):
        for row in tx.execute(automation_bucket.select()).all():
            if row.deadline is None:
                continue
            sooner = row.deadline - timedelta(seconds=seconds)
            memory = row.memory | {"deadline": sooner.isoformat()}
            tx.execute(
                update(automation_bucket)
                .where(column == row.deadline, automation_bucket.c.key == row.key)
                .values(deadline=sooner, memory=memory)
            )

    api.run(api.wiring.storage.write(use_case))


def test_a_run_that_falls_silent_is_crashed_and_one_that_ends_is_not(api, deployment):
    """Heartbeats are expected again and again, after the first of them, or an end."""
    trigger = {
        "posture": "Proactive",
        "after": ["prefect.flow-run.heartbeat"],
        "expect": ["prefect.flow-run.heartbeat", "prefect.flow-run.Completed"],
        "for_each": ["prefect.resource.id"],
        "within": 90,
    }
    made = automation(api, {"type": "change-flow-run-state", "state": "CRASHED"}, **trigger)
    silent, ends = run_of(api, deployment), run_of(api, deployment)
    for run in (silent, ends):
        set_state(api, run, "PENDING")
        set_state(api, run, "RUNNING")
        tell(api, event("prefect.flow-run.heartbeat", resource=f"prefect.flow-run.{run}"))
    act(api)
    set_state(api, ends, "COMPLETED")
    act(api)
    assert firings(api, made) == []
    pass_time(api)
    act(api)
    act(api)
    (firing,) = firings(api, made)
    assert firing["event"]["resource"]["prefect.resource.id"] == f"prefect.flow-run.{silent}"
    states = [api.ok("GET", f"/api/flow_runs/{run}")["state_type"] for run in (silent, ends)]
    assert states == ["CRASHED", "COMPLETED"]


def test_silence_from_the_beginning_is_told_again_and_again_and_resolved_once(api):
    body = {
        "name": "quiet",
        "trigger": REACTIVE | {"posture": "Proactive", "expect": ["alive"], "within": 60},
        "actions": [{"type": "do-nothing"}],
        "actions_on_resolve": [{"type": "do-nothing"}, {"type": "do-nothing"}],
    }
    made = api.ok("POST", "/api/automations/", body)["id"]
    act(api)
    assert firings(api, made) == []
    for _ in range(2):
        pass_time(api)
        act(api)
    tell(api, event("alive"), event("alive"))
    act(api)
    found = firings(api, made)
    assert [each["outcome"] for each in found] == ["resolved", "triggered", "triggered"]
    assert [len(each["actions"]) for each in found] == [2, 1, 1]
    assert found[1]["event"] is None
    # Disabled it forgets; enabled again it waits from now on.
    for enabled in (False, True):
        api.ok("PATCH", f"/api/automations/{made}", {"enabled": enabled})
        act(api)
    assert len(firings(api, made)) == 3


def test_several_triggers_together(api):
    one = REACTIVE | {"expect": ["one"]}
    two = REACTIVE | {"expect": ["two"]}
    both = {"type": "compound", "require": "all", "within": 60, "triggers": [one, two]}
    in_order = {"type": "sequence", "within": 60, "triggers": [one, two]}
    made = [
        api.ok("POST", "/api/automations/", {"name": "a", "actions": [], "trigger": each})["id"]
        for each in (both, in_order)
    ]
    for name, fired in (("two", [0, 0]), ("one", [1, 0]), ("two", [1, 1])):
        tell(api, event(name))
        act(api)
        assert [len(firings(api, each)) for each in made] == fired


def test_nothing_is_queued_while_no_automation_is_enabled(api):
    def queued():
        return len(
            api.run(api.wiring.storage.read(lambda tx: tx.execute(event_queue.select()).all()))
        )

    made = automation(api)
    api.ok("PATCH", f"/api/automations/{made}", {"enabled": False})
    tell(api, event())
    assert queued() == 0
    api.ok("PATCH", f"/api/automations/{made}", {"enabled": True})
    tell(api, event())
    assert queued() == 1
    act(api)
    assert queued() == 0
    assert len(firings(api, made)) == 1


def test_the_time_is_that_of_the_control_plane_not_the_producers(api):
    """Events from a clock that is an hour ahead or behind count like any others."""
    made = automation(api, threshold=2, within=60)
    for hours in (-1, 1):
        happened = event()
        when = api.wiring.clock.now() + timedelta(hours=hours)
        tell(api, happened | {"occurred": when.isoformat()})
    act(api)
    assert len(firings(api, made)) == 1


def test_automations_that_lead_to_each_other_are_stopped(api):
    """Each sees what the other has done, since it asks for that."""
    made = [
        automation(api, name=name, expect=["begin", "prefect.automation.triggered"])
        for name in ("ping", "pong")
    ]
    tell(api, event("begin"))
    act(api)
    found = [each for one in made for each in firings(api, one)]
    assert "stopped" in {each["outcome"] for each in found}
    assert max(each["depth"] for each in found) == 11
    assert not all(api.ok("GET", f"/api/automations/{each}")["enabled"] for each in made)


def test_a_run_that_leads_to_itself_is_stopped(api, deployment):
    """Runs carry how many automations have led to them."""
    made = automation(
        api,
        {"type": "run-deployment", "deployment_id": deployment["id"]},
        expect=["prefect.flow-run.Scheduled"],
    )
    run_of(api, deployment)
    act(api)
    assert len(runs(api)) == 11
    assert firings(api, made)[0]["outcome"] == "stopped"
    assert api.ok("GET", f"/api/automations/{made}")["enabled"] is False


def test_what_automations_do_is_not_an_event_to_those_that_take_everything(api):
    made = automation(api, match={}, expect=[])
    tell(api, event())
    act(api)
    assert len(firings(api, made)) == 1


def test_an_old_firing_goes_when_all_of_it_is_done(api):
    from runwright.server.services.pruner import Pruner

    made = automation(api)
    tell(api, event(), event())
    act(api)
    tell(api, event())
    api.run(_evaluator(api).one_pass())
    old = api.wiring.clock.now() - timedelta(days=40)

    def age(tx):
        tx.execute(update(automation_firing).values(created=old))

    api.run(api.wiring.storage.write(age))
    api.run(Pruner(api.wiring.storage).one_pass())
    (left,) = firings(api, made)
    assert left["actions"][0]["status"] == "pending"


def _evaluator(api):
    from runwright.server.services.evaluator import Evaluator

    return Evaluator(api.wiring.storage, api.wiring.new_id)
