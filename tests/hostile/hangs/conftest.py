"""Small programs, run in each of three ways: alone, by hand with a server, and under a worker."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from tests.hostile.conftest import HostileSite

from runwright.api.journal import (
    AnyEntry,
    FlowRunProposed,
    FlowRunStarted,
    LogWritten,
    TaskRunMoved,
)

#: Seconds that a program may take, whatever it does.
BOUND = 30
_POOL = "hostile"
#: Exit code 3: the flow did not complete.
_BY_HAND = """

if __name__ == "__main__":
    import asyncio, sys
    result = main(return_state=True)
    if hasattr(result, "__await__"):
        result = asyncio.run(result)
    sys.exit(0 if result.is_completed() else 3)
"""
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass
class Outcome:
    """What is left of a program once its flow has ended."""

    state: str
    message: str
    #: The last state's name of each task run.
    tasks: dict[str, str]
    #: The last state's name of each subflow.
    subflows: dict[str, str]
    log: list[str]
    seconds: float
    #: Of the program; under a worker there is none.
    output: str = ""
    exit_code: int | None = None

    def says(self, text: str) -> bool:
        """Whether a line of the run's log has the text."""
        return any(text in line for line in self.log)


@dataclass
class Ways:
    """Runs programs. Each defines the flow `main`, and may ask for `folder`."""

    site: HostileSite
    place: Path
    count: int = 0
    deployments: dict[str, str] = field(default_factory=dict)

    def write(self, program: str) -> Path:
        self.count += 1
        file = self.place / f"program_{self.count}.py"
        text = textwrap.dedent(program)
        file.write_text(text + _BY_HAND)
        return file

    def alone(self, program: str) -> Outcome:
        """By hand, without a server: the journal in the spool has it all."""
        home = self.place / f"home_{self.count + 1}"
        took, done = self._by_hand(self.write(program), {"RUNWRIGHT_HOME": str(home)})
        (journal,) = (home / "spool").glob("*.journal")
        lines = journal.read_bytes().splitlines()[1:]
        outcome = _outcome([msgspec.json.decode(line, type=AnyEntry) for line in lines])
        outcome.seconds, outcome.output = took, done.stdout + done.stderr
        outcome.exit_code = done.returncode
        return outcome

    def with_server(self, program: str) -> Outcome:
        """By hand, recorded by a server."""
        before = {run["id"] for run in self.roots()}
        variables = {"RUNWRIGHT_API_URL": self.site.url, "RUNWRIGHT_HOME": str(self.site.home)}
        took, done = self._by_hand(self.write(program), variables)
        (run,) = [run["id"] for run in self.roots() if run["id"] not in before]
        outcome = self.outcome_of(run)
        outcome.seconds, outcome.output = took, done.stdout + done.stderr
        outcome.exit_code = done.returncode
        return outcome

    def under_worker(self, program: str) -> Outcome:
        """Deployed, and claimed by a worker."""
        begun = time.monotonic()
        run = self.start(program)
        self.until_ended(run)
        outcome = self.outcome_of(run)
        outcome.seconds = time.monotonic() - begun
        return outcome

    def start(self, program: str) -> str:
        """A run under the worker, whose end is not waited for."""
        file = self.write(program)
        flow_id = self.site.ask("POST", "/flows/", {"name": "main"})["id"]
        deployment = {
            "name": file.stem,
            "flow_id": flow_id,
            "entrypoint": f"{file.name}:main",
            "path": str(self.place),
            "work_pool_name": _POOL,
        }
        return self.site.run(self.site.ask("POST", "/deployments/", deployment)["id"])

    def until_ended(self, run: str) -> None:
        self.site.until(lambda: self.site.state(run) in _ENDED, BOUND)

    def outcome_of(self, run: str) -> Outcome:
        """As the server has it."""
        ask = self.site.ask
        state = ask("GET", f"/flow_runs/{run}")["state"]
        chosen = {"flow_runs": {"id": {"any_": [run]}}, "limit": 200}
        tasks = {each["name"]: each["state_name"] for each in self._all("task_runs", chosen)}
        children = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
        subflows = {each["name"]: each["state_name"] for each in self._all("flow_runs", children)}
        return Outcome(
            state["name"], state["message"] or "", tasks, subflows, self.site.logs(run), 0.0
        )

    def _all(self, what: str, chosen: dict) -> list[dict]:
        found: list[dict] = []
        while page := self.site.ask("POST", f"/{what}/filter", {**chosen, "offset": len(found)}):
            found += page
        return found

    def roots(self) -> list[dict]:
        return self._all("flow_runs", {"flow_runs": {"parent_flow_run_id": {"is_null_": True}}})

    def _by_hand(
        self, file: Path, variables: dict[str, str]
    ) -> tuple[float, subprocess.CompletedProcess[str]]:
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(file)],
            env={**os.environ, **variables},
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )
        return time.monotonic() - begun, done


def _outcome(entries: list) -> Outcome:
    root = next(entry for entry in entries if isinstance(entry, FlowRunStarted))
    names = {e.flow_run_id: e.name for e in entries if isinstance(e, FlowRunStarted)}
    flows: dict = {}
    tasks: dict = {}
    task_names: dict = {}
    for entry in entries:
        if isinstance(entry, FlowRunProposed):
            flows[entry.flow_run_id] = entry.state
        elif isinstance(entry, TaskRunMoved):
            if entry.run is not None:
                task_names[entry.task_run_id] = entry.run.name
            tasks[entry.task_run_id] = entry.state.name
    last = flows.pop(root.flow_run_id)
    return Outcome(
        last.name,
        last.message or "",
        {task_names[run_id]: name for run_id, name in tasks.items()},
        {names[run_id]: state.name for run_id, state in flows.items()},
        [entry.message for entry in entries if isinstance(entry, LogWritten)],
        0.0,
    )


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    """A server and a worker for all tests of a module."""
    place = tmp_path_factory.mktemp("programs")
    site = HostileSite(tmp_path_factory.mktemp("site"), place)
    site.env = {k: v for k, v in site.env.items() if not k.startswith("RUNWRIGHT_")} | {
        "RUNWRIGHT_HOME": str(site.home),
        "RUNWRIGHT_CANCEL_GRACE": "10",
    }
    try:
        site.start_server()
        site.ask("POST", "/work_pools/", {"name": _POOL, "type": "process"})
        site.start_worker(_POOL)
        yield Ways(site, place)
    finally:
        site.close()


@pytest.fixture(params=["alone", "with_server", "under_worker"])
def run(request: pytest.FixtureRequest, ways: Ways) -> Callable[[str], Outcome]:
    """Runs a program in one of the three ways."""
    return getattr(ways, request.param)
