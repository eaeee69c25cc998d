"""Real servers, workers and a Postgres, each a process that can be killed at any moment."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from bench.compare.postgres import Cluster as Postgres
from bench.stage import free_port

from chaos.proxy import Proxy

#: In tests time is short. Seconds.
LEASE = 3.0
_SETTINGS = {
    "RUNWRIGHT_LEASE_SECONDS": str(LEASE),
    "RUNWRIGHT_PENDING_LEASE_SECONDS": "5",
    "RUNWRIGHT_REAPER_INTERVAL": "0.5",
    "RUNWRIGHT_CANCEL_GRACE": "1",
    "RUNWRIGHT_WORKER_GRACE": "1",
}
RUNWRIGHT = (sys.executable, "-m", "runwright.cli.main")


def until(what: str, condition: Callable[[], Any], seconds: float) -> Any:
    """Wait for it, so long at most."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.05)
    return answer


class Server:
    """One replica."""

    def __init__(self, home: Path, database: str, log: Path) -> None:
        self.home, self._database, self._log = home, database, log
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        #: Of its machine, besides what all have.
        self.environment: dict[str, str] = {}

    def start(self, **environment: str) -> None:
        """Without waiting until it answers; nothing where it runs already."""
        environment = self.environment | environment
        command = (*RUNWRIGHT, "server", "start", "--port", str(self.port))
        with self._starting:  # who waits for it starts it too when it is gone
            if not self.is_alive:
                self.process = _start(
                    (*command, "--database-url", self._database), self.home, self._log, environment
                )

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/ready", timeout=1):
                return True
        except OSError:
            return False

    def wait_until_up(self) -> None:
        """Start it again when it ends: its database may not be back yet."""

        def is_up() -> bool:
            if not self.is_alive:
                self.start()
            return self.answers()

        until(f"the server on {self.port}", is_up, 60)

    @property
    def key(self) -> str:
        """The administrator's key that it has made."""
        text = (self.home / "credentials.toml").read_text()
        return _find_key(tomllib.loads(text))

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
            if number in {signal.SIGKILL, signal.SIGTERM}:
                self.process.wait(30)


class Worker:
    """A worker behind a network of its own."""

    def __init__(self, home: Path, key: str, targets: list[int], log: Path, seed: int) -> None:
        self.home, self._key, self._log = home, key, log
        self.name = home.name
        home.mkdir(parents=True, exist_ok=True)
        self.network = Proxy(targets, seed)
        self.process: subprocess.Popen[bytes] | None = None
        self.slots = 4
        #: Of its machine, besides what all have.
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        command = (
            *RUNWRIGHT,
            "worker",
            "start",
            "--pool",
            "p",
            "--limit",
            str(self.slots),
            "--name",
            self.name,
        )
        credentials = {"RUNWRIGHT_API_URL": self.network.url, "RUNWRIGHT_API_KEY": self._key}
        self.process = _start(command, self.home, self._log, self.environment | credentials)

    def family(self) -> list[psutil.Process]:
        """The processes of its machine, the worker first."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            me = psutil.Process(self.process.pid)
            return [me, *me.children(recursive=True)]
        return []

    def kill(self, *, with_machine: bool) -> None:
        """Its process alone, or everything that it has started too."""
        assert self.process is not None
        for each in self.family() if with_machine else [psutil.Process(self.process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait(10)


class Cluster:
    """Replicas on one database, workers, and the way in for clients."""

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int,
        workers: int,
        postgres: Postgres | None,
        seed: int,
        slots: int = 4,
        environment: Mapping[str, dict[str, str]] | None = None,
        disk: Path | None = None,
    ) -> None:
        """`slots` is how many runs a worker takes at once.

        `environment` is what some of the machines have, by their names: `server-0`.

        `disk` is where SQLite's file and the workers' files are, if not beside the rest.
        """
        self.folder = folder
        self.effects = folder / "effects"
        self.effects.mkdir(parents=True)
        self.log = folder / "log"
        disk = disk or folder
        self.database = postgres.database() if postgres else f"sqlite:///{disk}/runwright.db"
        self.postgres = postgres
        self.servers = [
            Server(folder / f"server-{n}", self.database, self.log) for n in range(replicas)
        ]
        environment = environment or {}
        for server in self.servers:
            server.environment = environment.get(server.home.name, {})
            server.start()
            server.wait_until_up()
        self.key = self.servers[0].key
        ports = [server.port for server in self.servers]
        self.network = Proxy(ports, seed)
        self.workers = [
            Worker(disk / f"worker-{n}", self.key, ports, self.log, seed + n)
            for n in range(workers)
        ]
        for worker in self.workers:
            worker.environment = environment.get(worker.name, {})
            worker.slots = slots

    def start_workers(self) -> None:
        for worker in self.workers:
            worker.start()

    def flow_processes(self) -> dict[str, psutil.Process]:
        """The flows that run on this machine now: flow run -> process."""
        found = {}
        for file in self.effects.iterdir():
            run, _, pid = file.name.rpartition(".")
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(pid))
                if process.name() == "rw-flow":
                    found[run] = process
        return found

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.flow_processes().values():
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = process.parent()
                for each in (process, parent):
                    if each is not None and each.name() in {"rw-flow", "rw-supervisor"}:
                        each.kill()
        for worker in self.workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.kill(with_machine=True)
            worker.network.close()
        for server in self.servers:
            server.kill(signal.SIGCONT)
            server.kill()
        self.network.close()


def _start(
    command: tuple[str, ...], home: Path, log: Path, more: dict[str, str]
) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNWRIGHT_")}
    environment = {**kept, **_SETTINGS, "RUNWRIGHT_HOME": str(home), "NO_COLOR": "1", **more}
    with log.open("ab") as said:
        return subprocess.Popen(
            command, env=environment, stdout=said, stderr=said, start_new_session=True
        )


def _find_key(document: Any) -> str:
    if isinstance(document, dict):
        if isinstance(document.get("key"), str):
            return document["key"]
        for each in document.values():
            if found := _find_key(each):
                return found
    if isinstance(document, list):
        for each in document:
            if found := _find_key(each):
                return found
    return ""
