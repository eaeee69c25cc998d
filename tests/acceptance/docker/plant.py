"""A server, workers and containers of one test."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.acceptance.docker.engine import IMAGE, run, until

RUNWRIGHT = [sys.executable, "-m", "runwright.cli.main"]
LEASE_SECONDS = 6.0
FLOWS = """
import os, signal, sys, time
from runwright import flow, get_run_logger

@flow
def hello(name: str = "you"):
    get_run_logger().info("hello %s from %s", name, os.environ.get("GREETING"))

@flow(retries=1)
def held(seconds: float = 60):
    print("begun", flush=True)
    time.sleep(seconds)

@flow(retries=1)
def held_once():
    from runwright import runtime
    print("begun", flush=True)
    if runtime.flow_run.attempt == 1:
        time.sleep(300)

@flow
def hungry():
    hoard = []
    while True:
        hoard.append(b"x" * 1_000_000)
"""


class Plant:
    """Everything of it is labelled with its own address, and removed by it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.code = folder / "code"
        self.code.mkdir()
        (self.code / "flows.py").write_text(FLOWS)
        self.logs = folder
        with socket.socket() as probe:
            probe.bind(("0.0.0.0", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")},
            "RUNWRIGHT_HOME": str(self.home),
            "RUNWRIGHT_LEASE_SECONDS": str(LEASE_SECONDS),
            "RUNWRIGHT_REAPER_INTERVAL": "0.5",
            "RUNWRIGHT_CANCEL_GRACE": "3",
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.key = ""
        self.kinds: dict[str, str] = {}

    def start_server(self) -> None:
        self.server = self._spawn("server", "start", "--host", "0.0.0.0", "--port", str(self.port))
        until(self.is_up, 60, "the server")
        credentials = (self.home / "credentials.toml").read_text()
        self.key = credentials.split('key = "')[1].split('"')[0]

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                return True
        except OSError:
            return False

    def start_worker(
        self,
        pool: str,
        *options: str,
        type: str = "docker",  # noqa: A002  # the word of the field
        **variables: str,
    ) -> subprocess.Popen[bytes]:
        arguments = ("--pool", pool, "--type", type, "--name", f"worker-of-{pool}", *options)
        return self._spawn("worker", "start", *arguments, **variables)

    def _spawn(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        with (self.logs / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [*RUNWRIGHT, *arguments],
                env={**self.environment, "RUNWRIGHT_API_URL": self.url, **variables},
                cwd=self.code,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def variables(self) -> dict[str, str]:
        """What a user's shell has."""
        return {"RUNWRIGHT_API_URL": self.url, "RUNWRIGHT_API_KEY": self.key}

    def cli(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """The output of a command, errors too."""
        done = subprocess.run(
            [*RUNWRIGHT, *arguments],
            env={**self.environment, **self.variables(), "NO_COLOR": "1"},
            cwd=cwd or self.code,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        told = done.stdout + done.stderr
        assert not check or done.returncode == 0, told
        return told

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def pool(self, name: str, **fields: Any) -> None:
        self.kinds[name] = fields.get("type", "docker")
        self.ask("POST", "/work_pools/", {"name": name, "type": "docker", **fields})

    def deploy(self, flow: str, pool: str, retries: int = 0, **variables: Any) -> str:
        """A deployment of a flow of FLOWS, which is mounted into Runwright's own image."""
        flow_id = self.ask("POST", "/flows/", {"name": flow.replace("_", "-")})["id"]
        body = {
            "name": f"on-{pool}",
            "flow_id": flow_id,
            "entrypoint": f"flows.py:{flow}",
            "path": "/flows",
            "work_pool_name": pool,
            "retries": retries,
            "job_variables": {"image": IMAGE, "volumes": [f"{self.code}:/flows:ro"], **variables},
        }
        if self.kinds.get(pool) == "process":
            body |= {"path": str(self.code), "job_variables": variables}
        return self.ask("POST", "/deployments/", body)["id"]

    def policy(self, text: str = "") -> str:
        """A policy file that allows the code of this plant to be mounted."""
        file = self.logs / "policy.toml"
        file.write_text(f'[docker]\nmounts = ["{self.code}"]\n{text}\n')
        return str(file)

    def run(self, deployment: str, **body: Any) -> str:
        return self.ask("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]

    def read(self, run_id: str) -> Any:
        return self.ask("GET", f"/flow_runs/{run_id}")

    def await_state(self, run_id: str, *kinds: str, seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.read(run_id)
            if found["state_type"] in kinds:
                return found
            time.sleep(0.1)  # noqa: TID251  # real processes
        raise AssertionError(f"the run is {self.read(run_id)['state']}, not {kinds}")

    def attempts(self, root: str) -> list[Any]:
        """The runs of a lineage, the first one first."""
        found = self.ask("POST", "/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC"})
        return sorted((r for r in found if r["root_run_id"] == root), key=lambda r: r["attempt"])

    def lines(self, run_id: str) -> list[str]:
        body = {"logs": {"flow_run_id": {"any_": [run_id]}}}
        return [line["message"] for line in self.ask("POST", "/logs/filter", body)]

    def containers(self, *, running: bool = False) -> list[str]:
        """Ids of this plant's containers."""
        label = f"label=io.runwright.api={self.url}"
        every = () if running else ("-a",)
        return run("docker", "ps", "-q", "--no-trunc", *every, "--filter", label).split()

    def container_of(self, run_id: str) -> str:
        label = f"label=io.runwright.flow-run={run_id}"
        return until(lambda: run("docker", "ps", "-q", "--filter", label), 60, "the container")

    def close(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        left = self.containers()
        if left:
            run("docker", "rm", "-f", *left)
