"""Servers, workers and programs of each engine, started and stopped alike."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.stage import ROOT, free_port, wait_for

#: Where the peer's own virtual environment is: `make prefect-client`.
PREFECT = Path(os.environ.get("PREFECT_CLIENT", ".prefect-client")).absolute()
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Engine:
    """One engine with a home of its own."""

    name = ""
    python = sys.executable
    cli: tuple[str, ...] = ()
    #: Of the server, below the address.
    ready = "/api/ready"

    def __init__(self, home: Path, database: str | None) -> None:
        self.home, self.database = home, database
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.headers = {"Content-Type": "application/json"}
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RUNWRIGHT_", "PREFECT_")) and name != "PYTHONDONTWRITEBYTECODE"
        }
        self.environment = kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "HOME": str(home)}
        self.environment |= {"BENCH_ENGINE": self.name, "RUNWRIGHT_API_URL": self.url}
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(
                [*self.cli, *command],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_server(self) -> None:
        raise NotImplementedError

    def start_worker(self) -> None:
        raise NotImplementedError

    def deploy(self, flow: str) -> str:
        """A deployment of a flow of `bench/programs/flows.py` to the worker's pool; its id."""
        raise NotImplementedError

    def wait_until_up(self) -> None:
        def is_up() -> bool:
            try:
                address = f"http://127.0.0.1:{self.port}{self.ready}"
                with urllib.request.urlopen(address, timeout=1) as answer:
                    return answer.status == 200
            except OSError:
                return False

        wait_for(f"{self.name}'s server", is_up, 180)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        for _ in range(20):  # some answer 503 when they have much to do
            request = urllib.request.Request(
                self.url + path, method=method, data=content, headers=self.headers
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    found = answer.read()
                return json.loads(found) if found else None
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
                time.sleep(0.5)
        raise SystemExit(f"{self.name} goes on answering 503 to {path}")

    def has_ended(self, run: str) -> bool:
        return self.ask("GET", f"/flow_runs/{run}")["state_type"] in _ENDED

    def program(self, name: str, *arguments: str, seconds: float = 300) -> Any:
        """Run a file of bench/programs; it prints one JSON document last."""
        done = subprocess.run(
            [self.python, str(ROOT / "bench/programs" / f"{name}.py"), *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name} {name}: {done.stdout[-800:]}{done.stderr[-800:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def stop_server(self) -> None:
        """To be started again with what it has kept."""
        self.stop()
        self.processes.clear()

    def stop(self) -> None:
        for process in reversed(self.processes):
            for order in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, order)
                    process.wait(15)
                    break
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue


class Runwright(Engine):
    name = "runwright"
    cli = (sys.executable, "-m", "runwright.cli.main")

    def start_server(self) -> None:
        self.environment["RUNWRIGHT_HOME"] = str(self.home)
        options = ["--database-url", self.database] if self.database else []
        self.start("server", "start", "--port", str(self.port), *options)
        self.wait_until_up()
        credentials = (self.home / "credentials.toml").read_text()
        key = credentials.split('key = "')[1].split('"')[0]
        self.environment["RUNWRIGHT_API_KEY"] = key
        self.headers["Authorization"] = f"Bearer {key}"

    def start_worker(self) -> None:
        self.start("worker", "start", "--pool", "bench", "--create-pool", "--limit", "8")
        wait_for("the pool", lambda: self.ask("POST", "/work_pools/filter", {}))

    def deploy(self, flow: str) -> str:
        command = [*self.cli, "deploy", f"bench/programs/flows.py:{flow}"]
        subprocess.run(
            [*command, "--name", "bench", "--pool", "bench"],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=60,
        )
        return self.ask("GET", f"/deployments/name/{flow}/bench")["id"]


class Prefect(Engine):
    name = "prefect"
    python = str(PREFECT / "bin/python")
    cli = (str(PREFECT / "bin/prefect"),)

    def start_server(self) -> None:
        self.environment |= {
            "PATH": f"{PREFECT / 'bin'}:{self.environment['PATH']}",
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "DO_NOT_TRACK": "1",
        }
        if self.database:
            driver = self.database.replace("postgresql://", "postgresql+asyncpg://")
            self.environment["PREFECT_API_DATABASE_CONNECTION_URL"] = driver
        self.start("server", "start", "--port", str(self.port), "--no-ui")
        self.wait_until_up()

    def start_worker(self) -> None:
        if len(self.processes) == 1:  # there is none but the server yet
            created = [*self.cli, "work-pool", "create", "bench", "--type", "process"]
            environment = self.environment
            subprocess.run(created, env=environment, check=True, capture_output=True, timeout=60)
        self.start("worker", "start", "--pool", "bench", "--type", "process", "--limit", "8")

    def deploy(self, flow: str) -> str:
        made = self.ask("POST", "/flows/", {"name": flow})["id"]
        place = str(ROOT / "bench/programs")
        body = {
            "name": "bench",
            "flow_id": made,
            "work_pool_name": "bench",
            "entrypoint": f"flows.py:{flow}",
            "path": place,
            "pull_steps": [
                {"prefect.deployments.steps.set_working_directory": {"directory": place}}
            ],
            "enforce_parameter_schema": False,
        }
        return self.ask("POST", "/deployments/", body)["id"]


ENGINES: tuple[type[Engine], ...] = (Runwright, Prefect)


@contextmanager
def running(kind: type[Engine], folder: Path, database: str | None = None) -> Iterator[Engine]:
    """The engine with its server up."""
    made = kind(folder / f"{kind.name}-{time.monotonic_ns()}", database)
    try:
        made.start_server()
        yield made
    finally:
        made.stop()
