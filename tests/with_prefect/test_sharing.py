"""What runs share: limits, rates, variables, events; and tasks that another process carries out."""

import re

from tests.with_prefect.conftest import PROGRAMS


def test_limits_rates_variables_and_events(prefect):
    prefect("gcl", "create", "database", "--limit", "2").ok  # noqa: B018
    prefect("gcl", "create", "api", "--limit", "5", "--slot-decay-per-second", "5").ok  # noqa: B018
    prefect("concurrency-limit", "create", "scarce", "1").ok  # noqa: B018
    shown = prefect.run("shared_things.py").ok
    assert "MOST INSIDE 2" in shown
    assert "MOST TAGGED 1" in shown

    listed = prefect("gcl", "ls").ok
    assert "database" in listed
    (limit,) = (
        each
        for each in prefect.ask("POST", "/v2/concurrency_limits/filter", {})
        if each["name"] == "database"
    )
    assert limit["active_slots"] == 0
    wanted = {"filter": {"event": {"name": ["thing.happened"]}}}
    prefect.until(lambda: prefect.ask("POST", "/events/filter", wanted)["total"] == 1)

    prefect("gcl", "update", "database", "--limit", "3").ok  # noqa: B018
    assert "3" in prefect("gcl", "inspect", "database").ok
    for name in ("database", "api"):
        prefect("gcl", "delete", name).ok  # noqa: B018
    prefect("concurrency-limit", "delete", "scarce").ok  # noqa: B018

    prefect("variable", "set", "colour", "blue", "--tag", "t").ok  # noqa: B018
    assert "blue" in prefect("variable", "inspect", "colour").ok
    assert "colour" in prefect("variable", "ls").ok
    prefect("variable", "unset", "colour").ok  # noqa: B018


def test_background_tasks(prefect):
    worker = prefect.start("python", str(PROGRAMS / "background.py"), "serve")
    shown = prefect.run("background.py", "ask").ok
    assert "SUM 6" in shown
    assert "'Failed'" in shown
    assert worker.poll() is None
    runs = prefect.ask(
        "POST", "/task_runs/filter", {"task_runs": {"name": {"like_": "add"}}, "limit": 10}
    )
    assert sorted(run["state_name"] for run in runs) == ["Completed"] * 3 + ["Failed"]
    assert {run["run_count"] for run in runs if run["state_name"] == "Failed"} == {2}


def test_a_flow_that_waits_for_input(prefect):
    prefect.start("python", "-u", str(PROGRAMS / "asking.py"), "ask")
    run_id = prefect.wait_for("asking", "Paused")["id"]
    keys = {"run_input": {"approved": "perhaps"}}
    prefect.until(
        lambda: prefect.ask("POST", f"/flow_runs/{run_id}/input/filter", {"prefix": "", "limit": 9})
    )
    refused = prefect.ask("POST", f"/flow_runs/{run_id}/resume", keys)
    assert refused["status"] == "REJECT"
    given = {"run_input": {"approved": True, "reason": "tested"}}
    assert prefect.ask("POST", f"/flow_runs/{run_id}/resume", given)["status"] == "ACCEPT"
    prefect.wait_for("asking", "Completed")
    assert "ANSWER True tested" in prefect.output()


def test_input_is_sent_to_a_run(prefect):
    prefect.start("python", "-u", str(PROGRAMS / "asking.py"), "receive")
    found = prefect.until(lambda: re.search(r"RUN (\S+)", prefect.output()))
    prefect.run("asking.py", "send", found[1]).ok  # noqa: B018
    prefect.wait_for("receiving", "Completed")
    assert "TOTAL 7" in prefect.output()


def test_a_flow_that_serves_itself_on_a_schedule(prefect):
    prefect.start("python", str(PROGRAMS / "served.py"))
    deployment = prefect.until(
        lambda: next(
            iter(
                prefect.ask(
                    "POST", "/deployments/filter", {"flows": {"name": {"any_": ["served"]}}}
                )
            ),
            None,
        )
    )
    assert [each["schedule"]["interval"] for each in deployment["schedules"]] == [3600.0]
    prefect.wait_for("served", "Scheduled")
    shown = prefect("deployment", "run", "served/here", "--watch").ok
    assert "served 5" in shown
    run = prefect.wait_for("served", "Completed")
    assert run["tags"] == ["nightly"]

    listed = prefect("deployment", "schedule", "ls", "served/here").ok
    assert "interval" in listed
    schedule = deployment["schedules"][0]["id"]
    prefect("deployment", "schedule", "pause", "served/here", schedule).ok  # noqa: B018
    prefect.until(lambda: not prefect.flow_runs("served", "Scheduled"))
    prefect("deployment", "schedule", "resume", "served/here", schedule).ok  # noqa: B018
    prefect.wait_for("served", "Scheduled")


def test_blocks(prefect):
    assert "BLOCKS DONE" in prefect.run("blocks.py").ok
    listed = prefect("block", "ls").ok
    assert "secret" in listed
    assert "database" in listed
    shown = prefect("block", "inspect", "secret/token").ok
    assert "changed" not in shown
    assert "********" in shown
    assert "secret" in prefect("block", "type", "ls").ok
    prefect("block", "delete", "secret/token").ok  # noqa: B018
    assert "token" not in prefect("block", "ls").ok
