"""One home with a server and workers, and a small client."""

import contextlib
import json
import os
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

RUNWRIGHT = [sys.executable, "-m", "runwright.cli.main"]
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
def noted(folder: str):
    with Path(folder, "starts").open("a") as starts:
        print(os.getpid(), file=starts)
    while not Path(folder, "go").exists():
        time.sleep(0.02)

@flow
def where():
    import sys
    place = [os.getcwd(), os.environ.get("GREETING"), sys.executable, "HOME" in os.environ]
    get_run_logger().info("%r", place)

def tell(flow, run, state):
    Path(run.parameters["folder"], "hook").write_text(state.name)

@flow(on_cancellation=[tell])
def hooked(folder: str):
    Path(folder, "up").touch()
    while True:
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

    lease_seconds = LEASE_SECONDS

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
        self.workers: list[psutil.Popen] = []

    def start_server(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(self.port)],
            env=self.env,
        )
        self.until(self.is_up, 30)

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/health") is not None
        except OSError:
            return False

    def stop_server(self) -> None:
        assert self.server is not None
        self.server.terminate()
        self.server.wait(20)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        return subprocess.run(
            [*RUNWRIGHT, *arguments],
            env={**self.env, "RUNWRIGHT_API_URL": self.url, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def start_worker(self, pool: str, *options: str) -> psutil.Popen:
        started = psutil.Popen(
            [*RUNWRIGHT, "worker", "start", "--pool", pool, *options],
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

    def deploy(self, flow: str, pool: str, **job_variables: Any) -> str:
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
            "job_variables": job_variables,
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
        self.until(lambda: self.state(run) == state, within)

    def runs_of(self, deployment: str) -> list[dict[str, Any]]:
        chosen = {"deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        return self.ask("POST", "/flow_runs/filter", chosen)

    def logs(self, run: str) -> list[str]:
        chosen = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        lines: list[str] = []
        while page := self.ask("POST", "/logs/filter", chosen | {"offset": len(lines)}):
            lines += [entry["message"] for entry in page]
        return lines

    @staticmethod
    def until(condition: Callable[[], Any], within: float = 20) -> None:
        """Wait for it, and no longer than that many seconds."""
        end = time.monotonic() + within
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)  # noqa: TID251

    def flow_pid(self, folder: Path, run: str) -> int:
        """The process of a `held` flow, once it is there."""
        place = folder / run
        self.until(lambda: place.exists() and place.read_text())
        return int(place.read_text())

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            family = [worker]
            with contextlib.suppress(psutil.NoSuchProcess):
                family += worker.children(recursive=True)
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            worker.wait(10)
        if self.server is not None and self.server.poll() is None:
            self.server.kill()
            self.server.wait(10)


@pytest.fixture
def site(home_of_its_own: Path, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "flows.py").write_text(FLOWS)
    place = Site(home_of_its_own, tmp_path)
    try:
        place.start_server()
        yield place
    finally:
        place.close()
