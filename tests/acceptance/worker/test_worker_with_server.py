"""A real server, real workers, real flows; everything that can die does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runwright.credentials import key_for

pytest.importorskip("runwright.server.main", reason="needs the server")

LEASE_SECONDS = 3.0
SERVER = """
import sys
from runwright.server.main import serve
from runwright.settings import load_settings
serve(load_settings(), host="127.0.0.1", port=int(sys.argv[1]))
"""
FLOWS = """
import os, signal, subprocess, threading, time
from pathlib import Path
from runwright import flow, get_run_logger, runtime

@flow
def hello(name: str = "you"):
    get_run_logger().info("hello %s", name)
    return name

@flow
def held(folder: str):
    place = Path(folder, str(runtime.flow_run.id))
    place.write_text(str(os.getpid()))
    while not Path(folder, "go").exists():
        time.sleep(0.02)

@flow
def chatty(folder: str):
    Path(folder, "talking").touch()
    number = 0
    while not Path(folder, "go").exists():
        get_run_logger().info("line %d", number)
        number += 1
        time.sleep(0.02)
    Path(folder, "said").write_text(str(number))

@flow
def stubborn(folder: str):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    Path(folder, "pids").write_text(f"{os.getpid()} {child.pid}")
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            pass
"""


class Site:
    """One home with a server and workers, and a small client."""

    def __init__(self, home: Path, code: Path) -> None:
        self.home = home
        self.code = code
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.env = {
            **os.environ,
            "RUNWRIGHT_HOME": str(home),
            "RUNWRIGHT_LEASE_SECONDS": str(LEASE_SECONDS),
            "RUNWRIGHT_REAPER_INTERVAL": "0.5",
            "RUNWRIGHT_CANCEL_GRACE": "1",
            "RUNWRIGHT_WORKER_GRACE": "1",
        }
        self.server: subprocess.Popen[bytes] | None = None
        self.workers: list[psutil.Process] = []

    def start_server(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(self.port)],
            env=self.env,
        )
        until(self.is_up, 30)

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/health") is not None
        except OSError:
            return False

    def stop_server(self) -> None:
        assert self.server is not None
        self.server.terminate()
        self.server.wait(20)

    def start_worker(self, pool: str) -> psutil.Process:
        program = Path(sys.executable).with_name("runwright")
        started = psutil.Popen(
            [program, "worker", "start", "--pool", pool],
            env={**self.env, "RUNWRIGHT_API_URL": self.url},
        )
        self.workers.append(started)
        return started

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {key_for(self.home, self.url)}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=15) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def deploy(self, flow: str, pool: str) -> str:
        try:
            self.ask("POST", "/work_pools/", {"name": pool, "type": "process"})
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise
        flow_id = self.ask("POST", "/flows/", {"name": flow})["id"]
        deployment = {
            "name": pool,
            "flow_id": flow_id,
            "entrypoint": f"flows.py:{flow}",
            "path": str(self.code),
            "work_pool_name": pool,
        }
        return self.ask("POST", "/deployments/", deployment)["id"]

    def run(self, deployment: str, *, retries: int = 0, **parameters: Any) -> str:
        body: dict[str, Any] = {"parameters": parameters}
        if retries:
            body["empirical_policy"] = {"retries": retries, "retry_delay": 0}
        return self.ask("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]

    def state(self, run: str) -> str:
        return self.ask("GET", f"/flow_runs/{run}")["state"]["type"]

    def until_state(self, run: str, state: str, within: float = 20) -> None:
        until(lambda: self.state(run) == state, within)

    def runs_of(self, deployment: str) -> list[dict[str, Any]]:
        chosen = {"deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        return self.ask("POST", "/flow_runs/filter", chosen)

    def logs(self, run: str) -> list[str]:
        chosen = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        lines: list[str] = []
        while page := self.ask("POST", "/logs/filter", chosen | {"offset": len(lines)}):
            lines += [entry["message"] for entry in page]
        return lines

    def close(self) -> None:
        for worker in self.workers:
            if worker.is_running():
                for process in [worker, *worker.children(recursive=True)]:
                    process.kill()
                worker.wait(10)
        if self.server is not None and self.server.poll() is None:
            self.server.kill()
            self.server.wait(10)


def until(condition: Callable[[], Any], within: float = 20) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)  # noqa: TID251


@pytest.fixture
def site(home_of_its_own: Path, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "flows.py").write_text(FLOWS)
    place = Site(home_of_its_own, tmp_path)
    try:
        place.start_server()
        yield place
    finally:
        place.close()


def flow_pid(folder: Path, run: str) -> int:
    place = folder / run
    until(lambda: place.exists() and place.read_text())
    return int(place.read_text())


def test_each_run_goes_to_the_worker_of_its_own_pool(site: Site) -> None:
    deployments = {pool: site.deploy("hello", pool) for pool in ("left", "right")}
    runs = {pool: site.run(deployment, name=pool) for pool, deployment in deployments.items()}
    site.start_worker("left")
    site.until_state(runs["left"], "COMPLETED")
    assert site.state(runs["right"]) == "SCHEDULED"
    site.start_worker("right")
    site.until_state(runs["right"], "COMPLETED")
    assert "hello left" in site.logs(runs["left"])


def test_a_killed_flow_crashes_and_its_next_attempt_follows_at_once(
    site: Site, tmp_path: Path
) -> None:
    deployment = site.deploy("held", "local")
    site.start_worker("local")
    run = site.run(deployment, retries=1, folder=str(tmp_path))
    os.kill(flow_pid(tmp_path, run), signal.SIGKILL)
    until(lambda: site.state(run) == "CRASHED" and len(site.runs_of(deployment)) == 2, 1)
    assert "9" in site.ask("GET", f"/flow_runs/{run}")["state"]["message"]
    (tmp_path / "go").touch()
    [second] = [one["id"] for one in site.runs_of(deployment) if one["id"] != run]
    site.until_state(second, "COMPLETED")


def test_a_killed_supervisor_crashes_its_run(site: Site, tmp_path: Path) -> None:
    deployment = site.deploy("held", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    flow = psutil.Process(flow_pid(tmp_path, run))
    flow.parent().kill()
    site.until_state(run, "CRASHED", 5)
    until(lambda: not flow.is_running() or flow.status() == psutil.STATUS_ZOMBIE)


def test_a_lost_machine_is_noticed_within_the_lease(site: Site, tmp_path: Path) -> None:
    deployment = site.deploy("held", "local")
    worker = site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    flow_pid(tmp_path, run)
    for process in [worker, *worker.children(recursive=True)]:
        process.kill()
    site.until_state(run, "CRASHED", LEASE_SECONDS + 5)


def test_a_cancelled_flow_is_gone_with_its_children_though_it_ignores_sigterm(
    site: Site, tmp_path: Path
) -> None:
    deployment = site.deploy("stubborn", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    pids = tmp_path / "pids"
    until(lambda: pids.exists() and pids.read_text())
    state = {"state": {"type": "CANCELLING"}}
    site.ask("POST", f"/flow_runs/{run}/set_state", state)
    site.until_state(run, "CANCELLED", 15)
    assert not any(psutil.pid_exists(int(pid)) for pid in pids.read_text().split())


def test_a_stopped_worker_ends_its_run_and_says_why(site: Site, tmp_path: Path) -> None:
    deployment = site.deploy("held", "local")
    worker = site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    flow_pid(tmp_path, run)
    worker.terminate()
    assert worker.wait(20) == 0
    site.until_state(run, "CRASHED", 5)
    assert "the worker was stopped" in site.ask("GET", f"/flow_runs/{run}")["state"]["message"]


def test_a_server_that_is_away_for_a_while_misses_nothing(site: Site, tmp_path: Path) -> None:
    deployment = site.deploy("chatty", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    until((tmp_path / "talking").exists)
    site.stop_server()
    until(lambda: list((site.home / "spool" / "executions").glob("*")))
    site.start_server()
    (tmp_path / "go").touch()
    site.until_state(run, "COMPLETED", 40)
    said = int((tmp_path / "said").read_text())
    lines = [line for line in site.logs(run) if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(said)]
