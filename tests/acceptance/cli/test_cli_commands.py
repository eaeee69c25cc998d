"""Every noun, against a server and a worker."""

import pytest

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture(scope="module")
def deployed(rw, worker):
    """The pool, once the worker has made it, and a deployment of each flow."""
    del worker
    rw("work-pool", "create", "local")  # the worker may have been first
    for flow in ("greet", "fails", "dies_once", "waits"):
        rw.ok("deploy", f"flows.py:{flow}", "-n", "d", "-p", "local")
    return rw


def test_the_server_tells_about_itself(rw):
    about = rw.ok("server", "status", "-o", "json").json
    assert about["health"] == "ok"
    assert about["version"] == rw.ok("version").out.strip()
    assert about["pid"] > 0
    assert about["url"].endswith("/api")


def test_a_watched_run_gives_its_log_and_outcome(deployed):
    done = deployed.ok("deployment", "run", "greet/d", "--param", "name=world", "--watch")
    assert "hello world" in done.out
    assert "Completed" in done.err


def test_a_watched_run_for_programs_is_json_alone(deployed):
    run = deployed.ok("deployment", "run", "greet/d", "--watch", "-o", "json").json
    assert run["state_name"] == "Completed"


def test_a_failed_run_exits_with_10_and_cannot_paint_the_terminal(deployed):
    done = deployed("deployment", "run", "fails/d", "--watch")
    assert done.code == 10
    assert "\x1b" not in done.out + done.err
    assert "\\x1b[31mred" in done.out


def test_watching_goes_on_with_the_next_attempt(deployed):
    done = deployed("deployment", "run", "dies-once/d", "--watch", "-o", "json")
    assert done.code == 0, done
    assert done.json["attempt"] == 2
    assert "killed by signal 9" in done.err
    head, second, first = deployed.ok("flow-run", "ls", "--flow", "dies-once").out.splitlines()
    assert head.split()[:4] == ["FLOW", "DEPLOYMENT", "NAME", "STATE"]
    assert first.split()[:2] == second.split()[:2] == ["dies-once", "d"]
    assert "  Crashed, repaired by attempt 2  1  " in first
    assert "repaired" not in second


def test_cancel_and_retry(deployed):
    run = deployed.ok("deployment", "run", "waits/d", "-o", "name").out.strip()
    deployed.ok("flow-run", "cancel", run)
    assert deployed("flow-run", "watch", run).code == 12
    again = deployed("flow-run", "cancel", run)
    assert again.code == 4
    assert "has ended already" in again.err
    second = deployed.ok("flow-run", "retry", run, "-o", "json").json
    assert second["attempt"] == 2
    deployed.ok("flow-run", "cancel", second["id"])
    assert deployed("flow-run", "watch", second["id"]).code == 12


def test_runs_are_listed_inspected_and_deleted(deployed):
    run = deployed.ok("deployment", "run", "greet/d", "--watch", "-o", "name").out.strip()
    assert run in deployed.ok("flow-run", "ls", "--flow", "greet", "-o", "name").out.split()
    assert run in deployed.ok("flow-run", "ls", "--since", "1h", "-o", "name").out.split()
    assert run not in deployed.ok("flow-run", "ls", "--since", "2999-01-01", "-o", "name").out
    table = deployed.ok("flow-run", "ls").out
    assert table.split()[0] == "FLOW"
    assert "greet" in table
    assert run not in deployed.ok("flow-run", "ls", "--state", "FAILED", "-o", "name").out
    assert deployed.ok("flow-run", "inspect", run, "-o", "json").json["id"] == run
    assert deployed.ok("flow-run", "logs", run, "-o", "json").out.count('"message"') >= 2
    assert deployed.ok("task-run", "ls", "--flow-run", run, "-o", "json").json == []
    deployed.ok("flow-run", "delete", run)
    assert deployed("flow-run", "inspect", run).code == 3


def test_flows_and_workers_are_listed(deployed):
    assert "greet" in deployed.ok("flow", "ls", "-o", "name").out.split()
    workers = deployed.ok("worker", "ls", "-o", "json").json
    assert [each["name"] for each in workers] == ["w"]


def test_a_run_for_later_is_previewed(deployed):
    later = deployed.ok("deployment", "run", "greet/d", "--in", "1h", "-o", "json").json
    assert later["state_type"] == "SCHEDULED"
    assert later["id"] in deployed.ok("work-pool", "preview", "local", "-o", "name").out.split()
    assert "not due yet. Due in 59 min" in deployed.ok("flow-run", "why", later["id"]).out
    deployed.ok("deployment", "pause", "greet/d")
    told = deployed.ok("flow-run", "why", later["id"], "-o", "json").json
    deployed.ok("deployment", "resume", "greet/d")
    assert [each["code"] for each in told["reasons"]] == ["not_due", "deployment_paused"]
    assert told["reasons"][1]["command"] == "runwright deployment resume greet/d"


def test_the_same_idempotency_key_is_the_same_run(deployed):
    ask = ("deployment", "run", "greet/d", "--in", "1h", "--idempotency-key", "k", "-o", "name")
    assert deployed.ok(*ask).out == deployed.ok(*ask).out


def test_schedules(deployed):
    schedule = ("deployment", "schedule")
    deployed.ok(*schedule, "create", "greet/d", "--interval", "5m", "--slug", "five")
    deployed.ok(*schedule, "pause", "greet/d", "five", "-o", "name")
    made = deployed.ok(*schedule, "ls", "greet/d", "-o", "json").json
    assert [(each["slug"], each["active"]) for each in made] == [("five", False)]
    assert deployed(*schedule, "resume", "greet/d", "six").code == 3
    deployed.ok(*schedule, "delete", "greet/d", "five")
    assert deployed.ok(*schedule, "ls", "greet/d", "-o", "json").json == []


def test_pausing_a_deployment(deployed):
    deployed.ok("deployment", "pause", "fails/d")
    assert deployed.ok("deployment", "inspect", "fails/d", "-o", "json").json["paused"] is True
    deployed.ok("deployment", "resume", "fails/d")


def test_pools_and_queues(rw):
    rw.ok("work-pool", "create", "other", "--concurrency-limit", "2")
    rw.ok("work-pool", "update", "other", "--description", "x")
    rw.ok("work-pool", "set-concurrency-limit", "other", "3", "-o", "json")
    rw.ok("work-pool", "pause", "other")
    pool = rw.ok("work-pool", "inspect", "other", "-o", "json").json
    assert (pool["concurrency_limit"], pool["is_paused"], pool["description"]) == (3, True, "x")
    rw.ok("work-queue", "create", "fast", "--pool", "other", "--priority", "1")
    rw.ok("work-queue", "update", "fast", "--pool", "other", "--concurrency-limit", "1")
    queues = rw.ok("work-queue", "ls", "--pool", "other", "-o", "json").json
    assert {"fast", "default"} == {each["name"] for each in queues}
    rw.ok("work-queue", "delete", "fast", "--pool", "other")
    rw.ok("work-pool", "delete", "other")
    assert "other" not in rw.ok("work-pool", "ls", "-o", "name").out.split()


def test_a_key_does_what_its_scopes_say_until_it_is_revoked(rw):
    made = rw.ok("key", "create", "reader", "--scope", "flows:read", "-o", "json").json
    secret = made["secret"]
    rw.ok("flow", "ls", RUNWRIGHT_API_KEY=secret)
    assert rw("work-pool", "create", "x", RUNWRIGHT_API_KEY=secret).code == 6
    rw.ok("key", "revoke", made["key"]["id"])
    listed = {each["name"]: each for each in rw.ok("key", "ls", "-o", "json").json}
    assert listed["reader"]["revoked_at"] is not None
