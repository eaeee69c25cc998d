"""Programs that are run by hand, with the client's own engine."""

from collections import Counter


def test_a_flow_with_tasks_of_every_kind(prefect):
    assert "RESULT 50" in prefect.run("local.py").ok
    run, *others = prefect.flow_runs("local", "Completed")
    assert others == []
    assert run["tags"] == ["by-hand"]
    wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}}

    tasks = prefect.ask("POST", "/task_runs/filter", wanted)
    assert Counter(each["name"].rpartition("-")[0] for each in tasks) == {
        "double": 6,
        "tagged": 3,
        "flaky": 1,
        "local-child": 1,
    }
    assert {each["state_name"] for each in tasks} == {"Completed"}
    (flaky,) = (each for each in tasks if each["name"].startswith("flaky"))
    assert flaky["run_count"] == 3
    history = prefect.ask("GET", f"/task_run_states/?task_run_id={flaky['id']}")
    assert [state["name"] for state in history] == [
        "Pending",
        "Running",
        "Retrying",
        "Retrying",
        "Completed",
    ]

    (child,) = prefect.flow_runs("local-child", "Completed")
    (stand_in,) = (each for each in tasks if each["name"].startswith("local-child"))
    assert child["parent_task_run_id"] == stand_in["id"]
    artifacts = prefect.ask("POST", "/artifacts/filter", wanted)
    assert {each["key"] for each in artifacts} >= {"report", "table"}
    logs = prefect.ask("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    assert any("flaky: 3" in each["message"] for each in logs)


def test_async_flows_and_failures(prefect):
    assert "STATE Failed" in prefect.run("asynchronous.py").ok
    run = prefect.wait_for("async", "Failed")
    assert run["run_count"] == 2
    tasks = prefect.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    states = Counter(each["state_name"] for each in tasks if each["name"].startswith("one"))
    assert states["Failed"] == 2
    assert states["Completed"] >= 8


def test_a_server_that_asks_for_csrf_tokens(guarded):
    assert "RESULT 50" in guarded.run("local.py").ok
    assert len(guarded.flow_runs("local", "Completed")) == 1
