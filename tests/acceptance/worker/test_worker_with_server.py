"""A real server, real workers, real flows; everything that can die does."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil


def test_each_run_goes_to_the_worker_of_its_own_pool(site: Any) -> None:
    deployments = {pool: site.deploy("hello", pool) for pool in ("left", "right")}
    runs = {pool: site.run(deployment, name=pool) for pool, deployment in deployments.items()}
    site.start_worker("left")
    site.until_state(runs["left"], "COMPLETED")
    assert site.state(runs["right"]) == "SCHEDULED"
    site.start_worker("right")
    site.until_state(runs["right"], "COMPLETED")
    assert "hello left" in site.logs(runs["left"])


def test_a_killed_flow_crashes_and_its_next_attempt_follows_at_once(
    site: Any, tmp_path: Path
) -> None:
    deployment = site.deploy("held", "local")
    site.start_worker("local")
    run = site.run(deployment, retries=1, folder=str(tmp_path))
    os.kill(site.flow_pid(tmp_path, run), signal.SIGKILL)
    site.until(lambda: site.state(run) == "CRASHED" and len(site.runs_of(deployment)) == 2, 1)
    assert "9" in site.ask("GET", f"/flow_runs/{run}")["state"]["message"]
    (tmp_path / "go").touch()
    [second] = [one["id"] for one in site.runs_of(deployment) if one["id"] != run]
    site.until_state(second, "COMPLETED")


def test_a_killed_supervisor_crashes_its_run(site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    flow = psutil.Process(site.flow_pid(tmp_path, run))
    supervisor = flow.parent()
    assert supervisor is not None
    supervisor.kill()
    site.until_state(run, "CRASHED", 5)
    site.until(lambda: not flow.is_running() or flow.status() == psutil.STATUS_ZOMBIE)


def test_a_lost_machine_is_noticed_within_the_lease(site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "local")
    worker = site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    site.flow_pid(tmp_path, run)
    for process in [worker, *worker.children(recursive=True)]:
        process.kill()
    site.until_state(run, "CRASHED", site.lease_seconds + 5)


def test_a_cancelled_flow_is_gone_with_its_children_though_it_ignores_sigterm(
    site: Any, tmp_path: Path
) -> None:
    deployment = site.deploy("stubborn", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    pids = tmp_path / "pids"
    site.until(lambda: pids.exists() and pids.read_text())
    state = {"state": {"type": "CANCELLING"}}
    site.ask("POST", f"/flow_runs/{run}/set_state", state)
    site.until_state(run, "CANCELLED", 15)
    assert not any(psutil.pid_exists(int(pid)) for pid in pids.read_text().split())


def test_the_hook_of_a_cancelled_flow_is_called_in_its_process(site: Any, tmp_path: Path) -> None:
    # What is tried is that it is called, not that a busy machine does so in a second.
    site.env["RUNWRIGHT_CANCEL_GRACE"] = "15"
    deployment = site.deploy("hooked", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    site.until((tmp_path / "up").exists)
    site.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    site.until_state(run, "CANCELLED")
    assert (tmp_path / "hook").read_text() in {"Cancelling", "Cancelled"}


def test_a_stopped_worker_ends_its_run_and_says_why(site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "local")
    worker = site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    site.flow_pid(tmp_path, run)
    worker.terminate()
    assert worker.wait(20) == 0
    site.until_state(run, "CRASHED", 5)
    assert "the worker was stopped" in site.ask("GET", f"/flow_runs/{run}")["state"]["message"]


def test_a_server_that_is_away_for_a_while_misses_nothing(site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("chatty", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    site.until((tmp_path / "talking").exists)
    site.stop_server()
    site.until(lambda: list((site.home / "spool" / "executions").glob("*")))
    site.start_server()
    (tmp_path / "go").touch()
    site.until_state(run, "COMPLETED", 40)
    said = int((tmp_path / "said").read_text())
    lines = [line for line in site.logs(run) if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(said)]


def test_what_a_killed_supervisor_left_unsent_is_delivered_by_its_worker(
    site: Any, tmp_path: Path
) -> None:
    deployment = site.deploy("chatty", "local")
    worker = site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    site.until((tmp_path / "talking").exists)
    site.stop_server()
    spool = site.home / "spool" / "executions"
    site.until(lambda: list(spool.glob("*.owner")))  # the last to be there
    [owner] = spool.glob("*.owner")
    assert owner.stat().st_mode & 0o777 == 0o600
    (tmp_path / "go").touch()
    site.until((tmp_path / "said").exists)
    said = int((tmp_path / "said").read_text())
    last = f"line {said - 1}".encode()
    site.until(lambda: last in next(spool.glob("*.journal")).read_bytes())
    for process in worker.children(recursive=True):
        if process.name() == "rw-supervisor":
            process.kill()
    site.start_server()
    site.until(lambda: site.state(run) in {"COMPLETED", "CRASHED"}, 40)
    lines = [line for line in site.logs(run) if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(said)]
    site.until(lambda: not list(spool.iterdir()))
