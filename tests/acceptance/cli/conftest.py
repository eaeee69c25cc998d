"""The command line as people use it: a process, against a server that is one too."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FLOWS = """
import os, signal, time
from runwright import flow, get_run_logger

@flow(log_prints=True)
def greet(n: int = 1, name: str = "you"):
    print("hello", name)
    return n

@flow
def fails():
    raise ValueError("no \\x1b[31mred")

@flow(retries=1, retry_delay_seconds=0)
def dies_once():
    marker = os.environ["RUNWRIGHT_HOME"] + "/died"
    if not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)

@flow
def waits():
    get_run_logger().info("it waits")
    time.sleep(120)
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """`runwright` with a home and a folder of its own."""

    home: Path
    folder: Path

    def __call__(self, *arguments: str, **variables: str) -> Outcome:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @property
    def environment(self) -> dict[str, str]:
        # Programs and commands are started as people would, not as a part of these tests.
        ours = ("RUNWRIGHT_", "PYTEST_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return kept | {"RUNWRIGHT_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "runwright.cli.main", *arguments]

    def ok(self, *arguments: str, **variables: str) -> Outcome:
        done = self(*arguments, **variables)
        assert done.code == 0, (arguments, done)
        return done


def make(folder: Path) -> CommandLine:
    (folder / "code").mkdir()
    (folder / "code" / "flows.py").write_text(FLOWS)
    (folder / "code" / "broken.py").write_text("import there_is_no_such_module\n")
    return CommandLine(folder / "home", folder / "code")


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    """The command line where no server runs."""
    return make(tmp_path)


@pytest.fixture(scope="module")
def rw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line beside a server, one for the module."""
    made = make(tmp_path_factory.mktemp("cli"))
    made.ok("server", "start", "--background", "--port", "0")
    yield made
    assert made("server", "stop").code == 0


@pytest.fixture(scope="module")
def worker(rw: CommandLine) -> Iterator[Callable[[], int | None]]:
    """A worker of the pool `local`, one for the module."""
    with (rw.folder / "worker.log").open("w") as log:
        process = subprocess.Popen(
            rw.command("worker", "start", "--pool", "local", "--create-pool", "--name", "w"),
            cwd=rw.folder,
            env=rw.environment,
            stdout=log,
            stderr=log,
        )
        yield process.poll
        process.terminate()
        assert process.wait(60) == 0
