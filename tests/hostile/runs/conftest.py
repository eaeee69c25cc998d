"""Small programs, run three ways: alone, by hand with a server, and under a worker.

Alone means that there is no server: what was recorded is read from the spool. Each run has 30 s.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.worker.conftest import Site

SECONDS = 30.0
POOL = "hostile"


@dataclass
class Ended:
    """What is recorded of a run, and how its program ended."""

    state: str
    message: str
    name: str
    logs: list[str]
    #: As a reader is shown them.
    parameters: dict[str, Any]
    #: Of the program itself, where it was started by hand.
    exit_code: int | None = None
    stderr: str = ""
    seconds: float = 0.0
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    task_runs: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.logs)


Run = Callable[..., Ended]


def _program(folder: Path, source: str) -> Path:
    file = folder / "flows.py"
    file.write_text(
        source
        + "\nif __name__ == '__main__':\n    import json, sys\n"
        + "    globals()[sys.argv[1]](**json.loads(sys.argv[2]))\n"
    )
    return file


def _by_hand(file: Path, flow: str, given: dict[str, Any], env: dict[str, str]) -> Ended:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(file), flow, json.dumps(given)],
        env=env, capture_output=True, timeout=SECONDS, check=False, cwd=file.parent,
    )  # fmt: skip
    took = time.monotonic() - began
    stderr = done.stderr.decode(errors="replace")
    return Ended("", "", "", [], {}, done.returncode, stderr, took)


def alone(file: Path, flow: str, given: dict[str, Any], site: Site) -> Ended:
    """Without a server; the record is the journal in the spool."""
    home = file.parent / "home"
    env = {**site.env, "RUNWRIGHT_HOME": str(home)}
    env.pop("RUNWRIGHT_API_URL", None)
    ended = _by_hand(file, flow, given, env)
    (journal,) = (home / "spool").glob("*.journal")
    header, *entries = [json.loads(line) for line in journal.read_bytes().splitlines()]
    states: dict[str, str] = {}
    for entry in entries:
        match entry["kind"]:
            case "flow_run" if entry["flow_run_id"] == header["root"]:
                ended.name = entry["name"]
                ended.parameters = entry.get("shown_parameters", entry.get("parameters", {}))
            case "flow_run_patch" if entry["flow_run_id"] == header["root"]:
                ended.parameters = entry.get("shown_parameters", ended.parameters)
            case "flow_state" if entry["flow_run_id"] == header["root"]:
                ended.state = entry["state"]["type"]
                ended.message = entry["state"]["message"] or ""
            case "task_state":
                states[entry["task_run_id"]] = entry["state"]["type"]
            case "log":
                ended.logs.append(entry["message"])
            case "artifact":
                ended.artifacts.append(entry)
    ended.task_runs = list(states.values())
    return ended


def _recorded(site: Site, run: dict[str, Any], ended: Ended) -> Ended:
    ended.state, ended.message = run["state"]["type"], run["state"]["message"] or ""
    ended.name, ended.logs = run["name"], site.logs(run["id"])
    ended.parameters = run.get("shown_parameters") or run["parameters"]
    of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    ended.artifacts = site.ask("POST", "/artifacts/filter", of_run)
    tasks = site.ask("POST", "/task_runs/filter", of_run)
    ended.task_runs = [task["state_type"] for task in tasks]
    return ended


def with_a_server(file: Path, flow: str, given: dict[str, Any], site: Site) -> Ended:
    """By hand, with its journal to a server."""
    known = {run["id"] for run in _runs_of(site, flow)}
    ended = _by_hand(file, flow, given, {**site.env, "RUNWRIGHT_API_URL": site.url})
    runs = [run for run in _runs_of(site, flow) if run["id"] not in known]
    roots = [run for run in runs if run["parent_task_run_id"] is None]
    assert len(roots) == 1, ended
    (root,) = roots
    return _recorded(site, root, ended)


def _runs_of(site: Site, flow: str) -> list[dict[str, Any]]:
    of_flow = {"flows": {"name": {"any_": [flow.replace("_", "-")]}}}
    return site.ask("POST", "/flow_runs/filter", of_flow)


def under_a_worker(file: Path, flow: str, given: dict[str, Any], site: Site) -> Ended:
    """As a run of a deployment."""
    site.code = file.parent
    began = time.monotonic()
    run_id = site.run(site.deploy(flow, POOL), **given)

    def run() -> dict[str, Any]:
        return site.ask("GET", f"/flow_runs/{run_id}")

    site.until(lambda: run()["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}, SECONDS)
    took = time.monotonic() - began
    # Its supervisor has told everything.
    site.until(lambda: run()["exit_report"] is not None, SECONDS)
    return _recorded(site, run(), Ended("", "", "", [], {}, seconds=took))


WAYS = {"alone": alone, "with_a_server": with_a_server, "under_a_worker": under_a_worker}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server with one worker for all programs of a module."""
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder / "home", folder)
    try:
        site.start_server()
        site.ask("POST", "/work_pools/", {"name": POOL, "type": "process"})
        site.start_worker(POOL, "--limit", "1")
        yield site
    finally:
        site.close()


@pytest.fixture
def run(way: str, server: Site, tmp_path: Path) -> Run:
    """Run a flow of a program in one of the ways, and say how it ended."""

    def run(source: str, flow: str, **given: Any) -> Ended:
        return WAYS[way](_program(tmp_path, source), flow, given, server)

    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "way" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("ways")
        metafunc.parametrize("way", marker.args if marker else list(WAYS))
