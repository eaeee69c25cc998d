"""Work pools: deployed from a file, carried out by the client's own worker."""

import os
import signal

import pytest
from tests.with_prefect.conftest import PROGRAMS

FILE = """
name: x
pull:
  - prefect.deployments.steps.set_working_directory:
      directory: {folder}
deployments:
"""
FLOWS = (
    "quick",
    "slow",
    "fails_once",
    "dies_once",
    "slow_at_first",
    "suspends",
    "pauses",
    "asks_another",
)


@pytest.fixture
def pool(prefect):
    """A pool of its own with every flow of `deployed.py`, and a worker."""
    name = f"pool-{prefect.folder.name}"
    prefect("work-pool", "create", name, "--type", "process").ok  # noqa: B018
    text = FILE.format(folder=prefect.folder)
    for flow in FLOWS:
        text += (
            f"  - {{name: {flow}, entrypoint: 'flows.py:{flow}', work_pool: {{name: {name}}}}}\n"
        )
    (prefect.folder / "prefect.yaml").write_text(text)
    (prefect.folder / "flows.py").write_text((PROGRAMS / "deployed.py").read_text())
    assert "successfully created" in prefect("deploy", "--all").ok.replace("\n", " ")
    prefect.start("prefect", "worker", "start", "--pool", name, "--type", "process")
    return name


def asked(prefect, flow, **parameters):
    """Asks for a run of `flow`; its id."""
    deployment = prefect.ask("GET", f"/deployments/name/{flow.replace('_', '-')}/{flow}")
    body = {"parameters": parameters}
    return prefect.ask("POST", f"/deployments/{deployment['id']}/create_flow_run", body)["id"]


def reached(prefect, run_id, *states):
    """Waits until the run is in one of these states; the run."""

    def there():
        run = prefect.ask("GET", f"/flow_runs/{run_id}")
        return run if run["state_name"] in states else None

    return prefect.until(there)


def test_deployed_run_watched_and_run_by_another(prefect, pool):
    # A full key may say what a worker executes, as with Prefect's server.
    variables = ("-jv", 'env={"PREFECT_LOGGING_LEVEL": "DEBUG"}')
    asked_for = ("quick/quick", "-p", "name=world", *variables, "--watch")
    shown = prefect("deployment", "run", *asked_for).ok
    assert "finished successfully" in shown.replace("\n", " ")
    assert "hello world from quick" in shown
    run = prefect.wait_for("quick", "Completed")
    assert run["work_pool_name"] == pool
    assert run["job_variables"] == {"env": {"PREFECT_LOGGING_LEVEL": "DEBUG"}}
    outer = asked(prefect, "asks_another", name="x")
    reached(prefect, outer, "Completed")
    tasks = prefect.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [outer]}}})
    assert [each["state_name"] for each in tasks] == ["Completed"]
    logs = prefect("flow-run", "logs", run["id"]).ok
    assert "hello world from quick" in logs
    assert run["name"] in prefect("flow-run", "ls").ok
    assert pool in prefect("work-pool", "ls").ok
    assert "quick/quick" in prefect("deployment", "ls").ok


def test_cancelled_retried_paused_and_suspended(prefect, pool):
    folder = str(prefect.folder)
    slow = asked(prefect, "slow", folder=folder)
    prefect.until((prefect.folder / "slow-is-up").exists)
    prefect("flow-run", "cancel", slow).ok  # noqa: B018
    reached(prefect, slow, "Cancelled")

    failing = asked(prefect, "fails_once", folder=folder)
    reached(prefect, failing, "Failed")
    prefect("flow-run", "retry", failing).ok  # noqa: B018
    assert reached(prefect, failing, "Completed")["run_count"] == 2

    paused = asked(prefect, "pauses")
    suspended = asked(prefect, "suspends")
    reached(prefect, paused, "Paused")
    reached(prefect, suspended, "Suspended", "Paused")
    for each in (paused, suspended):
        assert prefect.ask("POST", f"/flow_runs/{each}/resume", {})["status"] == "ACCEPT"
        reached(prefect, each, "Completed")
    # Its client sends lines by the way, the last of them after the end was told.
    line = "it went on as run count 2"
    prefect.until(lambda: line in prefect("flow-run", "logs", suspended).ok)


def test_a_flow_process_that_dies_is_followed_by_another_attempt(prefect, pool):
    first = asked(prefect, "dies_once", folder=str(prefect.folder))
    assert reached(prefect, first, "Crashed")["attempt"] == 1
    second = prefect.wait_for("dies-once", "Completed")
    assert (second["attempt"], second["root_run_id"]) == (2, first)


def test_runs_of_a_worker_that_dies_end_and_are_run_again(prefect, pool):
    first = asked(prefect, "slow_at_first", folder=str(prefect.folder))
    up = prefect.folder / "slow-is-up"
    prefect.until(up.exists)
    prefect.until(lambda: prefect.ask("GET", f"/flow_runs/{first}")["worker_name"])
    (worker,) = prefect.started
    os.kill(worker.pid, signal.SIGKILL)
    # Its children went into sessions of their own, or not: the process of the run is among them.
    os.kill(int(up.read_text()), signal.SIGKILL)
    prefect.start("prefect", "worker", "start", "--pool", pool, "--type", "process")
    assert reached(prefect, first, "Crashed")["attempt"] == 1
    assert prefect.wait_for("slow-at-first", "Completed")["attempt"] == 2


def test_automations_of_a_deployment_and_by_hand(prefect, pool):
    text = (
        (prefect.folder / "prefect.yaml")
        .read_text()
        .replace(
            "{name: quick, ",
            "{name: quick, triggers: [{type: event, enabled: true, match: {prefect.resource.id: "
            "'prefect.flow-run.*'}, expect: [prefect.flow-run.Failed], posture: Reactive}], ",
        )
    )
    (prefect.folder / "prefect.yaml").write_text(text)
    for _ in range(2):
        prefect("deploy", "--name", "quick").ok  # noqa: B018
    found = prefect.ask("POST", "/automations/filter", {})
    assert len(found) == 1
    assert found[0]["actions"][0]["type"] == "run-deployment"

    name = found[0]["name"]
    assert name in prefect("automation", "ls").ok
    assert "prefect.flow-run.Failed" in prefect("automation", "inspect", name).ok
    prefect("automation", "pause", name).ok  # noqa: B018
    assert prefect.ask("POST", "/automations/filter", {})[0]["enabled"] is False
    prefect("automation", "resume", name).ok  # noqa: B018
    prefect("deployment", "delete", "quick/quick").ok  # noqa: B018
    assert prefect.ask("POST", "/automations/filter", {}) == []
