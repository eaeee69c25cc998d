"""How many zygotes there are, how long they stay, and what becomes of launches they never began."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runwright.worker.launcher import Ended
from runwright.worker.launchers import process
from runwright.worker.launchers.process import ProcessLauncher

ZYGOTE = (sys.executable, str(Path(__file__).with_name("stand_in_zygote.py")))


@pytest.fixture
def with_launcher(control_plane, surroundings, run_async) -> Callable[..., Any]:
    def run(scenario: Callable[[ProcessLauncher], Any], **options: Any) -> Any:
        async def whole() -> Any:
            launcher = ProcessLauncher(surroundings(control_plane), zygote=ZYGOTE, **options)
            try:
                return await scenario(launcher)
            finally:
                await launcher.close()

        return run_async(whole, control_plane)

    return run


def kinds(launcher: ProcessLauncher) -> list[tuple[str, ...]]:
    return sorted(launcher._zygotes)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def killed_before_it_began(launcher: ProcessLauncher, claim: Any) -> Ended:
    """A launch that has been sent to a zygote, which is killed before it reads it."""
    await launcher.warm_up()
    zygote = launcher._zygotes[()]
    os.kill(zygote._process.pid, signal.SIGSTOP)
    claimed = claim()
    await launcher.launch(claimed)
    os.kill(zygote._process.pid, signal.SIGKILL)
    end = await launcher.next_end()
    assert end.execution_id == claimed.spec.execution_id
    return end


def test_what_a_killed_zygote_never_began_is_no_crash(with_launcher, control_plane, claim):
    async def scenario(launcher: ProcessLauncher) -> None:
        end = await killed_before_it_began(launcher, claim)
        assert (end.never_began, end.is_reported) == (True, False)
        await launcher.launch(claim())  # by another zygote
        assert (await launcher.next_end()).is_reported

    with_launcher(scenario)
    assert control_plane.states() == ["RUNNING", "COMPLETED"]


def test_a_zygote_that_always_dies_hands_nothing_back_for_ever(with_launcher, claim):
    async def scenario(launcher: ProcessLauncher) -> list[Ended]:
        return [await killed_before_it_began(launcher, claim) for _ in range(process.MOST_DEATHS)]

    *first, last = with_launcher(scenario)
    assert all(end.never_began for end in first)
    assert not last.never_began
    assert "3 times in a row" in (last.reason or "")


def test_a_module_that_ends_its_zygote_crashes_its_runs_in_the_end(
    with_launcher, claim, tmp_path, monkeypatch
):
    (tmp_path / "deadly.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def scenario(launcher: ProcessLauncher) -> list[Ended]:
        ends = []
        for _ in range(process.MOST_DEATHS):
            await launcher.launch(claim(job={"preload": ["deadly"]}))
            ends.append(await launcher.next_end())
        return ends

    assert [end.never_began for end in with_launcher(scenario)] == [True, True, False]


def test_an_idle_zygote_with_modules_is_let_go_and_the_plain_one_stays(with_launcher, claim):
    async def scenario(launcher: ProcessLauncher) -> None:
        await launcher.warm_up()
        await launcher.launch(claim(job={"preload": ["colorsys"]}))
        zygote = launcher._zygotes[("colorsys",)]
        assert (await launcher.next_end()).is_reported
        await until(lambda: kinds(launcher) == [()])
        await until(lambda: is_gone(zygote._process.pid))
        await launcher.launch(claim(job={"preload": ["colorsys"]}))
        assert (await launcher.next_end()).is_reported

    with_launcher(scenario, idle_seconds=0.1)


def test_one_that_has_something_to_do_is_not_idle(with_launcher, control_plane, claim, tmp_path):
    file = tmp_path / "go"

    async def scenario(launcher: ProcessLauncher) -> None:
        job = {"preload": ["colorsys"]}
        await launcher.launch(claim("hold_the_lock", job=job, file=str(file)))
        await control_plane.until(lambda: control_plane.entries)
        for _ in range(3):
            launcher._retire_idle()
        assert kinds(launcher) == [("colorsys",)]
        file.touch()
        assert (await launcher.next_end()).is_reported
        await until(lambda: kinds(launcher) == [])

    with_launcher(scenario, idle_seconds=0.0001)


def test_there_are_so_many_and_the_longest_idle_one_makes_room(
    with_launcher, control_plane, claim, tmp_path, monkeypatch
):
    monkeypatch.setattr(process, "MOST_ZYGOTES", 2)
    file = tmp_path / "go"

    async def scenario(launcher: ProcessLauncher) -> None:
        for module in ("colorsys", "chunk_of_none", "bisect"):
            await launcher.launch(claim(job={"preload": [module]}))
            assert (await launcher.next_end()).is_reported
        assert kinds(launcher) == [("bisect",), ("chunk_of_none",)]

        for module in ("bisect", "chunk_of_none"):
            await launcher.launch(claim("hold_the_lock", job={"preload": [module]}, file=str(file)))
        await launcher.launch(claim(job={"preload": ["colorsys"]}))  # it goes without
        assert (await launcher.next_end()).is_reported
        assert kinds(launcher) == [(), ("bisect",), ("chunk_of_none",)]
        file.touch()
        assert (await launcher.next_end()).is_reported
        assert (await launcher.next_end()).is_reported

    with_launcher(scenario)
