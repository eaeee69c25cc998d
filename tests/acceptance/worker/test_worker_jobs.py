"""What a job may say, and who may work for a pool, with a real server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4


def _message(site: Any, run: str) -> str:
    return site.ask("GET", f"/flow_runs/{run}")["state"]["message"] or ""


def test_a_run_gets_its_variables_and_its_place(site: Any, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    site.start_worker("local", "--create-pool")
    ways: list[dict[str, Any]] = [
        {},
        {"start_method": "spawn"},
        {"python": sys.executable},
        {"preload": ["json"]},
    ]
    for way in ways:
        env = {"GREETING": "hello", "HOME": None}
        # Deployed again with other variables; the code is found by the deployment's path.
        deployment = site.deploy("where", "local", env=env, working_dir=str(there), **way)
        run = site.run(deployment)
        site.until_state(run, "COMPLETED")
        assert repr([str(tmp_path), "hello", sys.executable, False]) in site.logs(run)


def test_a_job_variable_that_makes_no_sense_is_refused_by_name(site: Any) -> None:
    deployment = site.deploy("where", "local", working_dir="/there/is/no/such")
    site.start_worker("local")
    run = site.run(deployment)
    site.until_state(run, "CRASHED")
    assert "/there/is/no/such" in _message(site, run)


def test_the_exit_code_of_a_command_is_the_outcome_of_its_run(site: Any, tmp_path: Path) -> None:
    program = "import os, json; json.dump(dict(os.environ), open('seen', 'w'))"
    fine = site.deploy(
        "hello", "fine", working_dir=str(tmp_path), command=f'{sys.executable} -c "{program}"'
    )
    wrong = site.deploy("hello", "wrong", command="sh -c 'exit 3'")
    site.start_worker("fine")
    site.start_worker("wrong")
    run, failing = site.run(fine, name="it"), site.run(wrong)
    site.until_state(run, "COMPLETED")
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["RUNWRIGHT_FLOW_RUN_ID"] == run
    assert json.loads(seen["RUNWRIGHT_PARAMETERS"]) == {"name": "it"}
    assert not any("rwx_" in value or "rwk_" in value for value in seen.values())
    site.until_state(failing, "FAILED")
    assert "exit code 3" in _message(site, failing)


def test_a_cancelled_command_is_told_to_end(site: Any, tmp_path: Path) -> None:
    program = (
        f"sh -c 'trap \"touch {tmp_path}/told; exit\" TERM; touch {tmp_path}/up; sleep 60 & wait'"
    )
    deployment = site.deploy("hello", "local", command=program)
    site.start_worker("local")
    run = site.run(deployment)
    site.until((tmp_path / "up").exists)
    site.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    site.until_state(run, "CANCELLED")
    assert (tmp_path / "told").exists()


def test_a_pool_takes_workers_of_its_own_type_alone(site: Any) -> None:
    site.ask("POST", "/work_pools/", {"name": "boxes", "type": "docker"})
    told = site.cli("worker", "start", "--pool", "boxes")
    assert told.returncode != 0
    assert "'docker'" in told.stderr
    assert "'process'" in told.stderr
    assert "Traceback" not in told.stderr


def test_one_worker_is_listed_after_it_was_stopped_and_started_again(site: Any) -> None:
    site.deploy("hello", "local")
    first = site.start_worker("local", "--name", "here")

    def online() -> list[dict[str, Any]]:
        listed = site.cli("worker", "ls", "-o", "json")
        assert listed.returncode == 0, listed.stderr
        return json.loads(listed.stdout)

    site.until(online)
    [before] = online()
    assert before["host"]["memory_total_bytes"] > 0
    first.terminate()
    assert first.wait(20) == 0
    assert online() == []
    site.start_worker("local", "--name", "here")
    site.until(online)
    [after] = online()
    assert after["id"] != before["id"]
    assert (after["name"], after["status"]) == ("here", "ONLINE")


class Launched:
    """A claimed run, and supervisors that are started for it by hand."""

    def __init__(self, site: Any, file: Path, run: str) -> None:
        path = f"/work_pools/local/workers/{uuid4()}/sync"
        body = {"worker_name": "by hand", "free": 1, "type": "process", "wait_ms": 0}
        [claimed] = site.ask("POST", path, body)["claimed"]
        assert claimed["spec"]["flow_run_id"] == run
        file.write_text(json.dumps(claimed["spec"]))
        self._env = {
            **site.env,
            "RUNWRIGHT_API_URL": site.url,
            "RUNWRIGHT_EXECUTION_FILE": str(file),
        }

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "runwright.worker.supervisor"],
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_and_wait(self) -> None:
        supervisor = self.start()
        try:
            _, told = supervisor.communicate(timeout=15)
        finally:
            supervisor.kill()
        assert supervisor.returncode == 0, told


def test_a_supervisor_needs_no_worker(site: Any, tmp_path: Path) -> None:
    run = site.run(site.deploy("hello", "local"), name="alone")
    Launched(site, tmp_path / "execution.json", run).start_and_wait()
    assert site.state(run) == "COMPLETED"
    assert "hello alone" in site.logs(run)


def test_a_second_launch_of_an_execution_starts_nothing_and_ends_nothing(
    site: Any, tmp_path: Path
) -> None:
    run = site.run(site.deploy("noted", "local"), folder=str(tmp_path))
    launched = Launched(site, tmp_path / "execution.json", run)
    first = launched.start()
    try:
        site.until((tmp_path / "starts").exists)
        launched.start_and_wait()
        assert site.state(run) == "RUNNING"
        (tmp_path / "go").touch()
        _, told = first.communicate(timeout=30)
        assert first.returncode == 0, told
    finally:
        (tmp_path / "go").touch()
        first.kill()
    assert site.state(run) == "COMPLETED"
    assert len((tmp_path / "starts").read_text().splitlines()) == 1
