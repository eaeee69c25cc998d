"""The worker as a process: signals, its death, and what outlives it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from runwright.api.executions import ClaimedRun, SyncAnswer

PROGRAM = """
import asyncio, logging
from runwright.settings import load_settings
from runwright.worker.start import run_worker
logging.basicConfig(level="INFO")
asyncio.run(run_worker(load_settings(), pool="local", limit=2))
"""
FLOWS = """
import time
from pathlib import Path
from runwright import flow

@flow
def until_told():
    Path("ready").touch()
    while not Path("go").exists():
        time.sleep(0.01)
"""


class Stage:
    """A worker process with one run of `until_told` in it."""

    def __init__(self, control_plane: Any, folder: Path, claimed: ClaimedRun) -> None:
        self.control_plane = control_plane
        self.folder = folder
        self.claimed = claimed
        self.process: subprocess.Popen[bytes]

    async def started(self, **env: str) -> None:
        self.process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", PROGRAM],
            env=os.environ
            | {"RUNWRIGHT_API_URL": self.control_plane.url, "RUNWRIGHT_API_KEY": "rwk_worker_a_b"}
            # What a test leaves behind does not look for its control plane for long.
            | {"RUNWRIGHT_OUTAGE_TOLERANCE": "5", "RUNWRIGHT_LEASE_SECONDS": "5"}
            | env,
        )
        await self.control_plane.give(SyncAnswer(claimed=[self.claimed]))
        await self.until((self.folder / "ready").exists)

    def tell_go(self) -> None:
        (self.folder / "go").touch()

    async def ended(self) -> int:
        await self.until(lambda: self.process.poll() is not None)
        return self.process.returncode

    async def until(self, condition: Callable[[], Any], within: float = 20.0) -> None:
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
def play(control_plane, run_async, claim, tmp_path) -> Callable[..., Stage]:
    (tmp_path / "flows.py").write_text(FLOWS)
    spec = msgspec.structs.replace(
        claim().spec, entrypoint="flows.py:until_told", path=str(tmp_path), parameters={}
    )

    def run(scenario: Callable[[Stage], Any], **env: str) -> Stage:
        stage = Stage(control_plane, tmp_path, ClaimedRun(spec=spec, lease_ttl_ms=60_000))

        async def whole() -> None:
            await stage.started(**env)
            try:
                await scenario(stage)
            finally:
                stage.tell_go()
                if stage.process.poll() is None:
                    stage.process.kill()
                stage.process.wait()

        run_async(whole, control_plane)
        return stage

    return run


def test_a_stopped_worker_lets_its_run_finish(play, control_plane):
    async def scenario(stage: Stage) -> None:
        stage.process.send_signal(signal.SIGTERM)
        await control_plane.until(lambda: control_plane.syncs[-1].stopping)
        stage.tell_go()
        assert await stage.ended() == 0

    play(scenario)
    assert control_plane.states() == ["RUNNING", "COMPLETED"]
    assert "reason" not in control_plane.ends[0][2]


@pytest.mark.parametrize(("grace", "signals"), [("0.2", 1), ("60", 2)])
def test_a_run_that_does_not_finish_is_ended_and_says_why(play, control_plane, grace, signals):
    async def scenario(stage: Stage) -> None:
        stage.process.send_signal(signal.SIGTERM)
        await control_plane.until(lambda: control_plane.syncs[-1].stopping)
        if signals == 2:
            stage.process.send_signal(signal.SIGTERM)
        assert await stage.ended() == 0

    play(scenario, RUNWRIGHT_WORKER_GRACE=grace, RUNWRIGHT_CANCEL_GRACE="5")
    assert control_plane.ends[0][2]["reason"] == "the worker was stopped"


def test_a_run_goes_on_when_its_worker_is_killed_and_everything_ends_with_it(play, control_plane):
    async def scenario(stage: Stage) -> None:
        left = psutil.Process(stage.process.pid).children(recursive=True)
        assert len(left) == 3  # zygote, supervisor, flow
        stage.process.kill()
        stage.process.wait()
        stage.tell_go()
        await control_plane.until(lambda: control_plane.ends)
        await stage.until(lambda: not any(process.is_running() for process in left))

    play(scenario)
    assert control_plane.states() == ["RUNNING", "COMPLETED"]
    assert control_plane.ends[0][2]["exit_code"] == 0


def test_everything_killed_at_once_leaves_no_process(play, control_plane):
    async def scenario(stage: Stage) -> None:
        worker = psutil.Process(stage.process.pid)
        everything = [worker, *worker.children(recursive=True)]
        for process in everything:
            process.kill()
        stage.process.wait()
        await stage.until(lambda: not any(process.is_running() for process in everything))

    play(scenario)
    assert control_plane.ends == []


def test_the_workers_key_is_in_no_process_but_its_own(play):
    async def scenario(stage: Stage) -> None:
        for process in psutil.Process(stage.process.pid).children(recursive=True):
            assert "RUNWRIGHT_API_KEY" not in process.environ()

    play(scenario)
