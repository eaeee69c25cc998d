"""A server, and a worker when wanted, in a home of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNWRIGHT = [sys.executable, "-m", "runwright.cli.main"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(
    what: str, condition: Callable[[], Any], seconds: float = 30, *, every: float = 0.005
) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(every)
    raise SystemExit(f"waited {seconds:.0f} s in vain for {what}")


class Stage:
    """What the measurements act on."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                # Byte code is cached, as it is wherever Python is not told otherwise.
                if not name.startswith("RUNWRIGHT_") and name != "PYTHONDONTWRITEBYTECODE"
            },
            "RUNWRIGHT_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.key = ""

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [*RUNWRIGHT, *arguments], env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def start_server(self, *options: str) -> None:
        self.spawn("server", "start", "--port", str(self.port), *options)
        wait_for("the server", self.is_healthy)
        credentials = (self.home / "credentials.toml").read_text()
        self.key = credentials.split('key = "')[1].split('"')[0]
        self.environment |= {"RUNWRIGHT_API_URL": self.url, "RUNWRIGHT_API_KEY": self.key}

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def request(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [*RUNWRIGHT, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def program(self, name: str, *arguments: str) -> Any:
        """Run a file of bench/programs against the server; it prints one JSON document last."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "bench" / "programs" / f"{name}.py"), *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{name}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="runwright-bench-") as folder:
        made = Stage(Path(folder))
        try:
            yield made
        finally:
            made.stop()
