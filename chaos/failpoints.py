"""The process ends at every commit boundary in turn; afterwards everything is as if it had not.

A scripted life of some runs goes through the protocol. What the database has at the end is compared
with what it has when nothing went wrong.
"""

import concurrent.futures
import contextlib
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from chaos.client import Client, Refused
from chaos.cluster import Server, until
from chaos.goals import Goals
from chaos.record import read

_GOAL = "G2 killed at a commit boundary, nothing is lost or doubled"
_AT_ONCE = 2


def every_failpoint(goals: Goals, folder: Path, *, one_in: int = 1, seed: int = 0) -> None:
    """Each place that the undisturbed life passes, or one in so many of them, once."""
    log = folder / "places"
    usual = _life(folder / "undisturbed", RUNWRIGHT_FAILPOINT_LOG=str(log))[1]
    places = list(dict.fromkeys(log.read_text().splitlines()))[seed % one_in :: one_in]
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        lives = {
            place: pool.submit(_life, folder / str(number), RUNWRIGHT_FAILPOINT=place)
            for number, place in enumerate(places)
        }
        for place, life in lives.items():
            try:
                deaths, found = life.result()
            except Exception as error:  # noqa: BLE001  # one that fails is a violation
                goals[_GOAL].expect(False, f"{place}: {error!r}")
                continue
            if deaths:  # else it went another way this time: nothing was tried
                goals[_GOAL].expect(found == usual, f"{place}: {_difference(usual, found)}")
    print(f"  {len(places)} places, {goals[_GOAL].trials} deaths", flush=True)


class _Keeper(threading.Thread):
    """Starts the server again when it has died."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._is_over = threading.Event()
        self.deaths = 0

    def run(self) -> None:
        while not self._is_over.wait(0.02):
            if not self._server.is_alive:
                self.deaths += 1
                self._server.start()

    def stop(self) -> None:
        self._is_over.set()
        self.join(10)


def _life(folder: Path, **environment: str) -> tuple[int, Any]:
    """How often the server died on the way, and what it had in the end."""
    folder.mkdir(parents=True)
    database = f"sqlite:///{folder}/runwright.db"
    server = Server(folder / "home", database, folder / "log")
    server.start(RUNWRIGHT_LEASE_SECONDS="2", **environment)
    keeper = _Keeper(server)
    keeper.start()
    try:
        server.wait_until_up()
        until("the first key", lambda: _key(server), 20)
        _Script(Client(server.url, server.key)).play()
    finally:
        keeper.stop()
        server.kill()
    return keeper.deaths, _shape(database)


def _key(server: Server) -> str:
    with contextlib.suppress(OSError):
        return server.key
    return ""


def _shape(database: str) -> dict[str, Any]:
    """What counts of a database: runs by their name, with their states, lines and tasks."""
    shape: dict[str, Any] = defaultdict(list)
    for run in read(database).values():
        states = [(kind, name) for _, kind, name, *_ in run.states]
        shape[run.row.name].append(
            (run.row.attempt, states, run.lines, run.unfinished_tasks, run.row.retries_used)
        )
    return {name: sorted(runs, key=repr) for name, runs in shape.items()}


def _difference(usual: dict[str, Any], found: dict[str, Any]) -> str:
    wrong = [name for name in usual | found if usual.get(name) != found.get(name)]
    return "; ".join(f"{name}: {found.get(name)} and not {usual.get(name)}" for name in wrong)


class _Execution:
    """One claimed run, as its supervisor speaks of it."""

    def __init__(self, script: "_Script", spec: dict[str, Any]) -> None:
        self._script = script
        self.run = spec["flow_run_id"]
        self._claim = {"token": spec["token"], "execution_id": spec["execution_id"]}
        self._next = 0

    def write(self, *entries: dict[str, Any]) -> Any:
        body = {**self._claim, "first": self._next, "entries": list(entries)}
        answer = self._script.client.insist("POST", f"/flow_runs/{self.run}/journal", body)
        self._next += len(entries)
        return answer

    def state(self, kind: str) -> Any:
        state = {"id": str(uuid4()), "type": kind, "name": kind.capitalize(), "timestamp": _now()}
        return self.write({"kind": "flow_state", "flow_run_id": self.run, "state": state})

    def log(self, message: str) -> None:
        self.write(
            {
                "kind": "log", "flow_run_id": self.run, "timestamp": _now(), "level": 20,
                "name": "flow", "message": message,
            }
        )  # fmt: skip

    def task(self) -> None:
        task = str(uuid4())
        for kind in ("RUNNING", "COMPLETED"):
            state = {
                "id": str(uuid4()),
                "type": kind,
                "name": kind.capitalize(),
                "timestamp": _now(),
            }
            told = {"flow_run_id": self.run, "name": "t", "task_key": "t", "dynamic_key": "0"}
            self.write({"kind": "task_state", "task_run_id": task, "state": state, "run": told})

    def exit(self, **how: Any) -> Any:
        return self._script.client.insist("POST", f"/flow_runs/{self.run}/exit", self._claim | how)

    def release(self) -> None:
        body = self._claim | {"reason": "not now"}
        with contextlib.suppress(Refused):  # it has been taken back: the answer was lost
            self._script.client.insist("POST", f"/flow_runs/{self.run}/release", body)


class _Script:
    """The life of some runs, each step of which may be repeated."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._worker = uuid4()
        self._deployment = ""

    def play(self) -> None:
        """From the pool to the last run."""
        self._once("POST", "/work_pools/", {"name": "p", "type": "process"})
        flow = self.client.insist("POST", "/flows/", {"name": "f"})["id"]
        body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "p"}
        self._deployment = self.client.insist("POST", "/deployments/", body)["id"]
        self._once("POST", "/variables/", {"name": "v", "value": 1})
        self._complete()
        self._crash()
        self._cancel()
        self._give_back()
        self._fall_silent()
        self.client.insist("PATCH", "/work_pools/p", {"is_paused": True})
        self.client.insist("PATCH", "/work_pools/p", {"is_paused": False})
        self._once("DELETE", "/variables/name/v", None)

    def _once(self, method: str, path: str, body: Any) -> None:
        """Done, or done already."""
        with contextlib.suppress(Refused):
            self.client.insist(method, path, body)

    def _create(self, name: str, retries: int = 0) -> str:
        body = {
            "name": name,
            "idempotency_key": name,
            "empirical_policy": {"retries": retries, "retry_delay": 0},
        }
        path = f"/deployments/{self._deployment}/create_flow_run"
        return self.client.insist("POST", path, body)["id"]

    def _claim(self) -> _Execution:
        path = f"/work_pools/p/workers/{self._worker}/sync"
        body = {"worker_name": "w", "free": 1, "wait_ms": 500}
        claimed = until("a claim", lambda: self.client.insist("POST", path, body)["claimed"], 40)
        return _Execution(self, claimed[0]["spec"])

    def _complete(self) -> None:
        self._create("completes")
        execution = self._claim()
        execution.state("RUNNING")
        execution.log("one")
        execution.task()
        execution.log("two")
        execution.state("COMPLETED")
        execution.exit(exit_code=0)

    def _crash(self) -> None:
        self._create("crashes", retries=1)
        execution = self._claim()
        execution.state("RUNNING")
        execution.exit(signal=9)
        again = self._claim()
        again.state("RUNNING")
        again.state("COMPLETED")
        again.exit(exit_code=0)

    def _cancel(self) -> None:
        run = self._create("cancelled", retries=3)
        execution = self._claim()
        execution.state("RUNNING")
        body = {"state": {"type": "CANCELLING", "state_details": {"transition_id": str(uuid4())}}}
        self.client.insist("POST", f"/flow_runs/{run}/set_state", body)
        execution.exit(signal=15)

    def _give_back(self) -> None:
        self._create("given back")
        self._claim().release()
        execution = self._claim()
        execution.state("RUNNING")
        execution.state("FAILED")
        execution.exit(exit_code=0)

    def _fall_silent(self) -> None:
        run = self._create("falls silent", retries=1)
        self._claim().state("RUNNING")
        crashed = f"/flow_runs/{run}"
        until(
            "the crash", lambda: self.client.insist("GET", crashed)["state_type"] == "CRASHED", 60
        )
        path = f"/work_pools/p/workers/{UUID(int=1)}/sync"
        body = {"worker_name": "w2", "free": 1, "wait_ms": 500}
        claimed = until("a claim", lambda: self.client.insist("POST", path, body)["claimed"], 40)
        again = _Execution(self, claimed[0]["spec"])
        again.state("RUNNING")
        again.state("COMPLETED")
        again.exit(exit_code=0)


def _now() -> str:
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        + f".{time.time_ns() % 10**9:09d}"[:7]
        + "Z"
    )
