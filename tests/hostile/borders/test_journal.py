"""A flow process whose journal names what is not its own: nothing of that is stored."""

from uuid import uuid4

import pytest
from tests.hostile.conftest import now


@pytest.fixture
def more_environment():
    """No run here ends because its process is slow to renew."""
    return {"RUNWRIGHT_LEASE_SECONDS": "60"}


def state(kind, **more):
    name = kind.capitalize()
    return {"id": str(uuid4()), "type": kind, "name": name, "timestamp": now(), **more}


def started(run, **more):
    return {"kind": "flow_run", "flow_run_id": run, "flow_name": "f", "timestamp": now(), **more}


def patched(run, **more):
    return {"kind": "flow_run_patch", "flow_run_id": run, **more}


def proposed(run, kind):
    return {"kind": "flow_state", "flow_run_id": run, "state": state(kind)}


def moved(task, kind, run=None):
    info = {"name": "t", "task_key": "t", "dynamic_key": "0", "flow_run_id": run}
    return {
        "kind": "task_state", "task_run_id": task, "state": state(kind),
        "run": None if run is None else info,
    }  # fmt: skip


def line(run, text, task=None):
    return {
        "kind": "log", "flow_run_id": run, "timestamp": now(), "level": 20, "name": "flow",
        "message": text, "task_run_id": task,
    }  # fmt: skip


def artifact(run, key, task=None, id_=None):
    return {
        "kind": "artifact", "id": id_ or str(uuid4()), "flow_run_id": run, "timestamp": now(),
        "type": "progress", "data": key, "key": key, "task_run_id": task,
    }  # fmt: skip


class Victim:
    """A run of another pool with a subflow, a task run in each, a line and an artifact."""

    def __init__(self, site):
        self.site = site
        self.execution = site.execution("theirs", name="you")
        self.run = self.execution.run
        self.subflow, self.task, self.inner, self.artifact = (str(uuid4()) for _ in range(4))
        reply = self.execution.journal(
            started(self.subflow, parent_flow_run_id=self.run),
            proposed(self.subflow, "RUNNING"),
            moved(self.task, "RUNNING", self.run),
            moved(self.inner, "RUNNING", self.subflow),
            line(self.run, "mine", self.task),
            artifact(self.run, "mine", id_=self.artifact),
            first=1,
        )
        assert reply.status == 200, reply.content

    def seen(self):
        """All that is stored of it, but for what its lease and the passing of time change."""
        ask = self.site.ask
        runs = [ask("GET", f"/flow_runs/{each}") for each in (self.run, self.subflow)]
        for run in runs:
            for name in ("updated", "estimated_run_time", "total_run_time"):
                del run[name]
        of_runs = {"flow_runs": {"id": {"any_": [self.run, self.subflow]}}}
        tasks = ask("POST", "/task_runs/filter", of_runs)
        return {
            "runs": runs,
            "states": [
                ask("GET", f"/flow_run_states?flow_run_id={each}")
                for each in (self.run, self.subflow)
            ],
            "children": [
                each["id"]
                for each in ask("POST", "/flow_runs/filter", {})
                if self.run == each["parent_flow_run_id"]
                or each["parent_task_run_id"] in (self.task, self.inner)
            ],
            "tasks": sorted((each["id"], each["state_id"], each["name"]) for each in tasks),
            "logs": sorted(
                each["message"]
                for each in ask("POST", "/logs/filter", {})
                if each["flow_run_id"] in (self.run, self.subflow)
                or each["task_run_id"] in (self.task, self.inner)
            ),
            "artifacts": sorted(
                each["data"]
                for each in ask("POST", "/artifacts/filter", {})
                if each["flow_run_id"] in (self.run, self.subflow)
                or each["task_run_id"] in (self.task, self.inner)
            ),
            "dependents": ask("GET", f"/task_runs/{self.task}/dependents"),
            "graph": ask("GET", f"/flow_runs/{self.run}/graph"),
        }


def evil(me, victim):
    """Every kind of entry, with ids of the victim in each place that takes one."""
    task = str(uuid4())
    runs = (victim.run, victim.subflow)
    tasks = (victim.task, victim.inner)
    return [
        *(started(run, parameters={"x": "evil"}) for run in runs),
        *(patched(run, name="evil", parameters={"x": "evil"}, tags=["evil"]) for run in runs),
        *(proposed(run, "FAILED") for run in runs),
        *(moved(each, "FAILED") for each in tasks),
        *(moved(each, "FAILED", me.run) for each in tasks),
        *(moved(str(uuid4()), "FAILED", run) for run in runs),
        *(line(run, "evil") for run in runs),
        *(line(me.run, "evil", each) for each in tasks),
        *(artifact(run, "evil") for run in runs),
        *(artifact(me.run, "evil", each) for each in tasks),
        artifact(me.run, "evil", id_=victim.artifact),
        *(started(str(uuid4()), parent_flow_run_id=run) for run in runs),
        *(started(str(uuid4()), parent_task_run_id=each) for each in tasks),
        started(task, parent_flow_run_id=me.run, parent_task_run_id=victim.task),
        proposed(task, "FAILED"),
    ]


def test_a_journal_reaches_no_other_run(site_on_both):
    site = site_on_both
    victim = Victim(site)
    before = victim.seen()
    for together in (True, False):
        me = site.execution("ours", name="me")
        entries = [line(me.run, "before"), *evil(me, victim), line(me.run, "after")]
        entries.append(proposed(me.run, "COMPLETED"))
        batches = [entries] if together else [[each] for each in entries]
        first, answers = 1, []
        for batch in batches:
            reply = me.journal(*batch, first=first)
            assert reply.status == 200, reply.content
            first += len(batch)
            assert reply.json["next"] == first
            answers += reply.json["answers"]
        assert victim.seen() == before
        # The honest entries around them are stored, and each proposal has an answer.
        assert site.logs(me.run) == ["before", "after"]
        assert site.state(me.run) == "COMPLETED"
        assert [each["result"]["status"] for each in answers] == [*["ABORT"] * 3, "ACCEPT"]
        assert "does not belong" in answers[0]["result"]["details"]["reason"]
    # What an own task run names as its input shows nowhere else.
    me = site.execution("ours", name="me")
    taken = [{"input_type": "task_run", "id": victim.task}]
    made = moved(str(uuid4()), "RUNNING", me.run)
    made["run"]["task_inputs"] = {"x": taken, "__parents__": taken}
    assert me.journal(made, first=1).status == 200
    assert victim.seen() == before


def test_a_subflow_of_an_earlier_claim_is_not_that_of_the_present_one(site_on_both):
    site = site_on_both
    first = site.execution("ours", name="me")
    subflow = str(uuid4())
    assert first.journal(
        started(subflow), proposed(subflow, "RUNNING"), first=1
    ).status == 200  # fmt: skip
    back = {"state": {"type": "SCHEDULED"}, "force": True}
    assert site.send("POST", f"/flow_runs/{first.run}/set_state", back).status == 201
    again = site.claim("ours", site.worker_key("ours"))
    assert again.run == first.run
    reply = again.journal(
        proposed(again.run, "RUNNING"), patched(subflow, name="evil"), line(subflow, "evil"),
        proposed(subflow, "FAILED"),
    )  # fmt: skip
    assert [each["result"]["status"] for each in reply.json["answers"]] == ["ACCEPT", "ABORT"]
    assert site.ask("GET", f"/flow_runs/{subflow}")["name"] != "evil"
    assert site.ask("POST", "/logs/filter", {}) == []


def test_who_may_only_report_makes_no_runs_and_speaks_for_none_it_never_held(site):
    reporter = site.make_key("runs:report")
    run = str(uuid4())
    body = {"token": 0, "execution_id": str(uuid4()), "entries": [started(run, flow_name="new")]}
    path = f"/flow_runs/{run}/journal"
    refused = site.send("POST", path, body, key=reporter)
    assert (refused.status, "runs:create" in refused.json["detail"]) == (403, True)
    assert site.send("GET", f"/flow_runs/{run}").status == 404
    assert site.send("GET", "/flows/name/new").status == 404
    maker = site.make_key("runs:report", "runs:create")
    assert site.send("POST", path, body, key=maker).status == 200

    victim = Victim(site)
    path = f"/flow_runs/{victim.run}/journal"
    body = {"token": 1, "execution_id": str(uuid4()), "entries": [line(victim.run, "evil")]}
    before = victim.seen()
    for first in (0, 7):
        reply = site.send("POST", path, {**body, "first": first}, key=maker)
        assert (reply.status, reply.json["code"]) == (409, "lease_lost")
    assert victim.seen() == before
