"""Prefect's own client, unchanged, as processes against a Runwright server that is one too.

It lives in a virtual environment of its own, made by `make prefect-client`; nothing here imports
it. A scenario is a program of `programs/`, or a command line.
"""

import contextlib
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import create_database

from runwright.credentials import key_for

PROGRAMS = Path(__file__).parent / "programs"
CLIENT = Path(os.environ.get("PREFECT_CLIENT") or ".prefect-client").resolve()
_PATIENCE = 90


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They are not for `make test`: they need the client."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("prefect")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str

    @property
    def ok(self) -> str:
        """What it printed; it went well."""
        assert self.code == 0, self.out
        return self.out


class Prefect:
    """One user of the client, with a home and a folder, and a control plane to speak to."""

    def __init__(self, folder: Path, url: str, key: str) -> None:
        self.folder, self.url, self.key = folder, url, key
        self.started: list[subprocess.Popen[str]] = []
        self.environment = {
            "PATH": f"{CLIENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": url,
            "PREFECT_API_AUTH_STRING": f"runwright:{key}",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "1",
            "PREFECT_WORKER_HEARTBEAT_SECONDS": "2",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "PYTHONPATH": str(PROGRAMS),
        }

    def run(self, program: str, *arguments: str, **variables: str) -> Outcome:
        """Run a program of `programs/` to its end."""
        return self._run(
            [str(CLIENT / "bin/python"), str(PROGRAMS / program), *arguments], variables
        )

    def __call__(self, *arguments: str, **variables: str) -> Outcome:
        """Run a command of `prefect`."""
        command = [str(CLIENT / "bin/prefect"), "--no-prompt", *arguments]
        return self._run(command, variables)

    def start(self, *command: str, **variables: str) -> "subprocess.Popen[str]":
        """Start a process that goes on until the test ends; its output is in `output`."""
        path = CLIENT / "bin" / command[0]
        log = self.folder / f"process-{len(self.started)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(path), *command[1:]],
                cwd=self.folder,
                env=self.environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def output(self) -> str:
        """What the started processes have printed."""
        logs = sorted(self.folder.glob("process-*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in logs)

    def stop(self) -> None:
        """End what was started, with all its children."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the control plane says."""
        request = urllib.request.Request(  # of our own server
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                content = reply.read()
        except urllib.error.HTTPError as error:
            pytest.fail(f"{method} {path}: {error.code} {error.read().decode()}")
        return json.loads(content) if content else None

    def flow_runs(self, flow: str, *states: str) -> list[Any]:
        """The runs of a flow, of these states if any, the latest attempt first."""
        wanted: dict[str, Any] = {"flows": {"name": {"any_": [flow]}}}
        if states:
            wanted["flow_runs"] = {"state": {"name": {"any_": list(states)}}}
        found = self.ask("POST", "/flow_runs/filter", wanted)
        return sorted(found, key=lambda run: (run["attempt"], run["created"]), reverse=True)

    def wait_for(self, flow: str, *states: str) -> Any:
        """A run of the flow that is in one of these states."""
        return self.until(lambda: next(iter(self.flow_runs(flow, *states)), None))

    def until(self, condition: Callable[[], Any], seconds: float = _PATIENCE) -> Any:
        """Wait until something is so; what it was."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"It did not come about in {seconds} s.\n{self.output()}")
            time.sleep(0.1)  # noqa: TID251  # of other processes, nothing else tells
        return found

    def _run(self, command: list[str], variables: dict[str, str]) -> Outcome:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def control_plane(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The URL of a server on each database, and a key for it."""
    if not (CLIENT / "bin/prefect").exists():
        pytest.skip("Prefect's client is not installed: make prefect-client")
    settings = {"RUNWRIGHT_CLIENT_LEASE_SECONDS": "8"}
    if request.param == "postgresql":
        database = create_database(request.getfixturevalue("postgres"))
        settings["RUNWRIGHT_DATABASE_URL"] = database
    with serving(tmp_path_factory.mktemp("server"), **settings) as server:
        yield server


@contextlib.contextmanager
def serving(home: Path, **settings: str) -> Iterator[tuple[str, str]]:
    """A server with these settings: its URL, and a key for it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")}
    env = kept | {"RUNWRIGHT_HOME": str(home), **settings}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "runwright.cli.main", "server", "start", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            _wait_until_up(server, url, home / "server.log")
            yield url, key_for(home, url) or ""
        finally:
            server.terminate()
            server.wait(20)


def _wait_until_up(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/ready", timeout=1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)  # noqa: TID251
    pytest.fail(f"The server did not start:\n{log.read_text()}")


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Prefect]:
    """A user of the client, and a server that asks for CSRF tokens."""
    if not (CLIENT / "bin/prefect").exists():
        pytest.skip("Prefect's client is not installed: make prefect-client")
    home = tmp_path_factory.mktemp("guarded")
    with serving(home, RUNWRIGHT_CSRF_PROTECTION="true") as server:
        user = Prefect(tmp_path, *server)
        yield user
        user.stop()


@pytest.fixture
def prefect(control_plane: tuple[str, str], tmp_path: Path) -> Iterator[Prefect]:
    """A user of the client."""
    user = Prefect(tmp_path, *control_plane)
    yield user
    user.stop()
