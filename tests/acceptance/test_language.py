"""One program that uses the whole language, run as people run it; what it leaves is read back.

Once with no server anywhere, and once against one.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import asyncio, enum, logging
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from runwright import allow_failure, flow, get_run_logger, runtime, tags, task, unmapped
from runwright.caching import INPUTS
from runwright.states import Completed, Failed


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int


class Model(BaseModel):
    n: int


@task
def add(a, b=1):
    return a + b


@task(tags=["flaky"], retries=2, retry_delay_seconds=0)
def flaky(log=[]):
    log.append(1)
    if len(log) < 3:
        raise ValueError(f"attempt {len(log)}")
    return len(log)


@task
def breaks():
    raise ValueError("broken on purpose")


@task
async def add_async(a):
    await asyncio.sleep(0)
    return a + 1


@task
def numbers(n):
    yield from range(n)


@task(cache_policy=INPUTS, task_run_name="square of {x}")
def square(x):
    return x * x


@flow
def typed(n: int, when: datetime, colour: Colour, point: Point, model: Model, u: int | None = 3):
    assert (n, when.year, colour, point.x, model.n) == (7, 2026, Colour.RED, 1, 2)


@flow
def tasks_of_all_kinds():
    first = add.submit(1)
    second = add.submit(first, wait_for=[first])
    assert second.result() == 3
    assert add.map([1, 2, 3], b=unmapped(10)).result() == [11, 12, 13]
    assert flaky() == 3
    assert list(numbers(3)) == [0, 1, 2]
    assert add_async.submit(4).result() == 5
    broken = breaks.submit()
    after = add.submit(broken)
    after.wait()
    assert after.state.name == "NotReady"
    given_the_error = add.submit(0, allow_failure(broken))
    given_the_error.wait()
    assert "ValueError" in given_the_error.state.message  # 0 + ValueError(...)
    return Completed(message="all kinds")


@flow
def caching(again: bool):
    assert square(4, return_state=True).name == ("Cached" if again else "Completed")


@flow(flow_run_name="child-{x}")
def child(x):
    assert runtime.flow_run.name == f"child-{x}"
    return add(x)


@flow
async def child_async(x):
    return await add_async(x)


@flow
async def parent_async():
    assert child(1) == 2
    assert await child_async(2) == 3


@flow(log_prints=True)
def logs():
    print("printed")
    get_run_logger().warning("warned")
    logging.getLogger("mine").error("my own logger")


class Shop:
    def __init__(self, n):
        self.n = n

    @flow
    def method(self, x):
        return self.n + x

    @flow
    @classmethod
    def of_class(cls, x):
        return cls.__name__, x

    @flow
    @staticmethod
    def static(x):
        return x


@flow(retries=1, retry_delay_seconds=0)
def second_time_lucky():
    if runtime.flow_run.run_count < 2:
        raise ValueError("not yet")


@flow
def fails():
    raise RuntimeError("the flow itself")


@flow
def one_of_its_states_failed():
    return [Completed(), Failed(message="no")]


@flow
def of_a_failed_task():
    return breaks.submit()


@flow(timeout_seconds=0.05)
def slow():
    while True:
        pass


@flow
def generator():
    yield 1
    yield add(1)


typed("7", "2026-05-01T00:00:00", "red", {"x": "1"}, {"n": "2"})
tasks_of_all_kinds()
caching(False)
caching(True)
with tags("blue"):
    asyncio.run(parent_async())
logs()
assert Shop(2).method(1) == 3
assert Shop.of_class(1) == ("Shop", 1)
assert Shop.static(1) == 1
second_time_lucky()
for failing in (fails, one_of_its_states_failed, of_a_failed_task, slow):
    assert failing(return_state=True).is_failed(), failing
assert list(generator()) == [1, 2]
print("done")
"""

STATES = {
    "typed": ["Completed"],
    "tasks-of-all-kinds": ["Completed"],
    "caching": ["Completed", "Completed"],
    "parent-async": ["Completed"],
    "child": ["Completed"],
    "child-async": ["Completed"],
    "logs": ["Completed"],
    "method": ["Completed"],
    "of-class": ["Completed"],
    "static": ["Completed"],
    "second-time-lucky": ["Completed"],
    "fails": ["Failed"],
    "one-of-its-states-failed": ["Failed"],
    "of-a-failed-task": ["Failed"],
    "slow": ["TimedOut"],
    "generator": ["Completed"],
}


class Site:
    """A home of its own, and `runwright` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")}
        self.environment = kept | {
            "RUNWRIGHT_HOME": str(folder / "home"),
            "RUNWRIGHT_LOG_EXTRA_LOGGERS": "mine",
        }

    def python(self, *arguments: str) -> str:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def ls(self, *arguments: str) -> list[dict[str, Any]]:
        command = ("-m", "runwright.cli.main", *arguments, "-o", "json")
        return json.loads(self.python(*command))


@pytest.fixture(scope="module", params=["alone", "with a server"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """The program has run there."""
    made = Site(tmp_path_factory.mktemp("language"))
    (made.folder / "program.py").write_text(PROGRAM)
    yield from _served(made) if request.param == "with a server" else _ran(made)


def _served(made: Site) -> Iterator[Site]:
    cli = ("-m", "runwright.cli.main", "server")
    made.python(*cli, "start", "--background", "--port", "0")
    try:
        made.environment["RUNWRIGHT_API_URL"] = made.python(*cli, "status", "-o", "name").strip()
        yield from _ran(made)
    finally:
        made.python(*cli, "stop")


def _ran(made: Site) -> Iterator[Site]:
    assert made.python("program.py").endswith("done\n")
    yield made


@pytest.fixture(scope="module")
def runs(site: Site) -> list[dict[str, Any]]:
    return site.ls("flow-run", "ls", "--limit", "200")


def named(runs: list[dict[str, Any]], flow: str, site: Site) -> dict[str, Any]:
    flows = {each["id"]: each["name"] for each in site.ls("flow", "ls")}
    (found,) = [each for each in runs if flows[each["flow_id"]] == flow]
    return found


def test_every_run_is_recorded_with_its_outcome(site: Site, runs: list[dict[str, Any]]) -> None:
    flows = {each["id"]: each["name"] for each in site.ls("flow", "ls")}
    found: dict[str, list[str]] = {}
    for run in runs:
        found.setdefault(flows[run["flow_id"]], []).append(run["state_name"])
    assert found == STATES


def test_parameters_are_recorded_as_the_flow_got_them(site: Site, runs: list[Any]) -> None:
    assert named(runs, "typed", site)["shown_parameters"] == {
        "n": 7,
        "when": "2026-05-01T00:00:00",
        "colour": "red",
        "point": {"x": 1},
        "model": {"n": 2},
        "u": 3,
    }


def test_task_runs_are_recorded_with_their_states(site: Site, runs: list[Any]) -> None:
    run = named(runs, "tasks-of-all-kinds", site)
    tasks = site.ls("task-run", "ls", "--limit", "200", "--flow-run", run["id"])
    assert Counter((each["name"].rsplit("-", 1)[0], each["state_name"]) for each in tasks) == {
        ("add", "Completed"): 5,
        ("add", "Failed"): 1,
        ("add", "NotReady"): 1,
        ("flaky", "Completed"): 1,
        ("numbers", "Completed"): 1,
        ("add_async", "Completed"): 1,
        ("breaks", "Failed"): 1,
    }
    (flaky,) = [each for each in tasks if each["name"] == "flaky-0"]
    assert (flaky["run_count"], flaky["tags"]) == (3, ["flaky"])


def test_a_result_is_found_by_the_next_run(site: Site, runs: list[Any]) -> None:
    squares = [
        each
        for each in site.ls("task-run", "ls", "--limit", "200")
        if each["name"] == "square of 4"
    ]
    assert sorted(each["state_name"] for each in squares) == ["Cached", "Completed"]


def test_subflows_hang_below_their_parent(site: Site, runs: list[Any]) -> None:
    parent = named(runs, "parent-async", site)
    stand_ins = {
        each["id"]: each
        for each in site.ls("task-run", "ls", "--limit", "200", "--flow-run", parent["id"])
    }
    assert all(each["state_name"] == "Completed" for each in stand_ins.values())
    children = [each for each in runs if each["parent_task_run_id"] in stand_ins]
    assert len(children) == len(stand_ins)
    assert "child-1" in {each["name"] for each in children}
    assert {tuple(each["tags"]) for each in [parent, *children]} == {("blue",)}


def test_logs_of_all_sources_are_recorded(site: Site, runs: list[Any]) -> None:
    run = named(runs, "logs", site)
    logs = ("-m", "runwright.cli.main", "flow-run", "logs", run["id"], "-o", "json")
    lines = [json.loads(line) for line in site.python(*logs).splitlines()]  # it streams
    said = {(each["level"], each["message"]) for each in lines}
    assert {(20, "printed"), (30, "warned"), (40, "my own logger")} <= said


def test_a_retried_flow_is_one_run(site: Site, runs: list[Any]) -> None:
    assert named(runs, "second-time-lucky", site)["run_count"] == 2
