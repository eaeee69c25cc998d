"""One execution under its supervisor: real processes, a control plane on a real socket."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runwright.api.executions import ClaimedRun
from runwright.api.journal import LogWritten
from runwright.worker.launcher import Ended, LaunchFailed
from runwright.worker.launchers.process import ProcessLauncher

ZYGOTE = (sys.executable, str(Path(__file__).with_name("stand_in_zygote.py")))

Scenario = Callable[[ProcessLauncher], Awaitable[Any]]


@pytest.fixture
def with_launcher(control_plane, surroundings, run_async, monkeypatch) -> Callable[..., Any]:
    monkeypatch.setenv("RUNWRIGHT_API_KEY", "rwk_worker_secret")

    def run(scenario: Scenario, **more: Any) -> Any:
        async def whole() -> Any:
            launcher = ProcessLauncher(surroundings(control_plane, **more), zygote=ZYGOTE)
            await launcher.warm_up()
            try:
                return await scenario(launcher)
            finally:
                await launcher.close()

        return run_async(whole, control_plane)

    return run


async def ended(launcher: ProcessLauncher, claimed: ClaimedRun) -> Ended:
    await launcher.launch(claimed)
    return await launcher.next_end()


async def until(condition: Callable[[], Any], within: float = 10.0) -> Any:
    async with asyncio.timeout(within):
        while not (value := condition()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return value


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_flow_that_completes_is_recorded_and_its_end_reported(
    with_launcher, control_plane, claim
):
    end = with_launcher(lambda launcher: ended(launcher, claim()))

    assert end.is_reported
    assert control_plane.states() == ["RUNNING", "COMPLETED"]
    [(_, kind, report)] = control_plane.ends
    assert kind == "exit"
    assert report["exit_code"] == 0
    assert report["token"] == 3
    assert report["peak_memory_bytes"] > 1_000_000
    assert report["last_lines"] == ["started"]
    assert control_plane.keys == {"Bearer rwx_the_execution"}


def test_a_killed_flow_is_reported_with_its_signal_and_its_last_words(
    with_launcher, control_plane, claim
):
    end = with_launcher(lambda launcher: ended(launcher, claim("kill_itself")))

    assert end.is_reported
    logs = [entry.message for entry in control_plane.entries if isinstance(entry, LogWritten)]
    assert logs == [f"line {number}" for number in range(100)]
    [(_, _, report)] = control_plane.ends
    assert report["signal"] == signal.SIGKILL
    assert "exit_code" not in report
    assert not report.get("oom_killed")
    assert report["last_lines"] == [f"printed {number}" for number in range(50, 100)]


def test_a_cancelled_flow_hears_why_and_gets_sigterm(with_launcher, control_plane, claim):
    async def scenario(launcher: ProcessLauncher) -> Ended:
        claimed = claim("wait_for_stop")
        await launcher.launch(claimed)
        await control_plane.until(lambda: len(control_plane.entries) > 1)
        await launcher.stop(claimed.spec.execution_id, "cancelled")
        return await launcher.next_end()

    assert with_launcher(scenario).is_reported
    [(_, _, report)] = control_plane.ends
    assert report["exit_code"] == 3
    assert report["last_lines"][-1] == "stopped because cancelled"
    assert report["reason"] == "the run was cancelled"


def test_the_answer_to_a_renewal_cancels_as_well(with_launcher, control_plane, claim):
    control_plane.renew_in_ms = 50

    async def scenario(launcher: ProcessLauncher) -> Ended:
        await launcher.launch(claim("wait_for_stop"))
        await control_plane.until(lambda: len(control_plane.entries) > 1)
        control_plane.cancel = True
        return await launcher.next_end()

    with_launcher(scenario)
    assert control_plane.ends[0][2]["last_lines"][-1] == "stopped because cancelled"


def test_a_flow_that_ignores_sigterm_is_killed_with_all_its_children(
    with_launcher, control_plane, claim, tmp_path
):
    file = tmp_path / "pids"

    async def scenario(launcher: ProcessLauncher) -> Ended:
        claimed = claim("stubborn", file=str(file))
        await launcher.launch(claimed)
        await until(file.exists)
        await launcher.stop(claimed.spec.execution_id, "cancelled")
        return await launcher.next_end()

    with_launcher(scenario)
    assert control_plane.ends[0][2]["signal"] == signal.SIGKILL
    assert not any(is_alive(pid) for pid in json.loads(file.read_text()))


def test_a_lost_lease_ends_everything_at_once_and_nothing_is_reported(
    with_launcher, control_plane, claim, tmp_path
):
    file = tmp_path / "pids"

    async def scenario(launcher: ProcessLauncher) -> Ended:
        await launcher.launch(claim("stubborn", file=str(file)))
        await until(file.exists)
        control_plane.refuse["journal"] = (409, {"code": "lease_lost"})
        return await launcher.next_end()

    control_plane.renew_in_ms = 50
    assert with_launcher(scenario).is_reported
    assert control_plane.ends == []
    assert not any(is_alive(pid) for pid in json.loads(file.read_text()))


def test_a_run_that_has_not_started_is_handed_back_when_the_worker_stops(
    with_launcher, control_plane, claim
):
    async def scenario(launcher: ProcessLauncher) -> Ended:
        claimed = claim("never_start")
        await launcher.launch(claimed)
        await launcher.stop(claimed.spec.execution_id, "shutdown")
        return await launcher.next_end()

    assert with_launcher(scenario).is_reported
    [(_, kind, body)] = control_plane.ends
    assert kind == "release"
    assert body["reason"] == "the worker was stopped"


def test_a_killed_supervisor_takes_its_flow_and_all_children_along(
    with_launcher, control_plane, claim, tmp_path
):
    file = tmp_path / "pids"

    async def scenario(launcher: ProcessLauncher) -> Ended:
        await launcher.launch(claim("stubborn", file=str(file)))
        await until(lambda: file.exists() and file.read_text())
        flow, supervisor, *_ = json.loads(file.read_text())
        os.kill(supervisor, signal.SIGKILL)
        end = await launcher.next_end()
        await until(lambda: not is_alive(flow))
        return end

    end = with_launcher(scenario)
    assert not end.is_reported
    assert end.signal == signal.SIGKILL
    assert not any(is_alive(pid) for pid in json.loads(file.read_text()))


def test_executions_survive_the_death_of_their_zygote(
    with_launcher, control_plane, claim, tmp_path
):
    file = tmp_path / "go"

    async def scenario(launcher: ProcessLauncher) -> list[Ended]:
        await launcher.launch(claim("hold_the_lock", file=str(file)))
        await control_plane.until(lambda: control_plane.entries)
        [zygote] = launcher._zygotes.values()
        zygote._process.kill()
        zygote._process.wait()
        file.touch()
        first = await launcher.next_end()
        return [first, await ended(launcher, claim())]

    first, second = with_launcher(scenario)
    assert not first.is_reported
    assert second.is_reported
    assert control_plane.states()[:2] == ["RUNNING", "COMPLETED"]
    assert [kind for _, kind, _ in control_plane.ends] == ["exit", "exit"]


def test_the_lease_is_renewed_while_the_flow_holds_the_interpreters_lock(
    with_launcher, control_plane, claim, tmp_path
):
    control_plane.renew_in_ms = 50
    file = tmp_path / "go"

    async def scenario(launcher: ProcessLauncher) -> None:
        await launcher.launch(claim("hold_the_lock", file=str(file)))
        await control_plane.until(lambda: len(control_plane.batches) >= 8)
        file.touch()
        await launcher.next_end()

    with_launcher(scenario)
    assert control_plane.states() == ["RUNNING", "COMPLETED"]


def test_a_flow_goes_on_while_the_control_plane_is_away_and_everything_arrives(
    with_launcher, control_plane, claim, tmp_path
):
    files = {name: str(tmp_path / name) for name in ("file", "spooled", "count")}

    async def scenario(launcher: ProcessLauncher) -> Ended:
        await launcher.launch(claim("log_until", **files))
        await control_plane.until(lambda: len(control_plane.entries) > 3)
        await control_plane.stop()
        await until(Path(files["spooled"]).exists)
        await control_plane.start()
        Path(files["file"]).touch()  # noqa: ASYNC240
        return await launcher.next_end()

    assert with_launcher(scenario).is_reported
    count = int(Path(files["count"]).read_text())
    logs = [entry.message for entry in control_plane.entries if isinstance(entry, LogWritten)]
    assert logs == [f"line {number}" for number in range(count)]
    assert control_plane.states() == ["RUNNING", "COMPLETED"]
    assert list((tmp_path / "spool").iterdir()) == []


def test_an_execution_is_given_up_after_the_outage_tolerance(with_launcher, control_plane, claim):
    async def scenario(launcher: ProcessLauncher) -> Ended:
        await launcher.launch(claim("wait_for_stop"))
        await control_plane.until(lambda: control_plane.entries)
        await control_plane.stop()
        return await launcher.next_end()

    control_plane.renew_in_ms = 50
    assert not with_launcher(scenario, outage_tolerance=1.0).is_reported


def test_no_credential_of_the_worker_reaches_the_flow(
    with_launcher, control_plane, claim, tmp_path
):
    file = tmp_path / "seen"
    job = {"env": {"COLOUR": "blue"}, "working_dir": str(tmp_path)}

    with_launcher(lambda launcher: ended(launcher, claim("look_around", job=job, file=str(file))))

    seen = json.loads(file.read_text())
    assert "rwk_worker_secret" not in json.dumps(seen)
    assert seen["environ"]["COLOUR"] == "blue"
    assert seen["cwd"] == str(tmp_path)
    # The three standard ones, the journal, and the one that lists them.
    assert seen["open"] == 5


def test_pulled_code_has_a_directory_of_its_own_that_goes_with_the_run(
    with_launcher, claim, tmp_path
):
    file = tmp_path / "seen"
    claimed = claim("look_around", file=str(file))
    spec = msgspec.structs.replace(claimed.spec, pull_steps=[{"a": "step"}])

    with_launcher(lambda launcher: ended(launcher, ClaimedRun(spec=spec, lease_ttl_ms=60_000)))

    place = Path(json.loads(file.read_text())["cwd"])
    assert place.name.startswith("runwright-run-")
    assert not place.exists()


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"working_dir": "/no/such/folder"}, "/no/such/folder"),
        ({"env": {"LD_PRELOAD": "evil.so"}}, "LD_PRELOAD"),
        ({"env": "FOO=bar"}, "env"),
    ],
)
def test_a_job_that_this_worker_refuses_is_not_launched(with_launcher, claim, job, said):
    with pytest.raises(LaunchFailed, match=said):
        with_launcher(lambda launcher: ended(launcher, claim(job=job)))


def test_a_program_that_does_not_exist_is_reported(with_launcher, control_plane, claim):
    job = {"command": "no-such-program --flag {fd}"}

    assert with_launcher(lambda launcher: ended(launcher, claim(job=job))).is_reported
    assert "no-such-program" in control_plane.ends[0][2]["reason"]


def test_a_command_is_executed_as_a_plain_process(with_launcher, control_plane, claim):
    program = """
import os, sys
print(os.environ['RUNWRIGHT_EXECUTION'][:5], sys.argv[1])
for process in ("self", os.getppid()):
    with open(f"/proc/{process}/environ", "rb") as environment:
        print(b"_".join([b"rwx", b"the_execution"]) in environment.read())
sys.exit(4)
"""
    job = {"command": [sys.executable, "-c", program, "fd={fd}"]}

    with_launcher(lambda launcher: ended(launcher, claim(job=job)))

    report = control_plane.ends[0][2]
    assert report["exit_code"] == 4
    assert report["last_lines"][0].startswith('{"flo fd=')
    # No credential is in its environment, nor in that of its supervisor.
    assert report["last_lines"][1:] == ["False", "False"]


def test_the_program_of_a_command_and_its_parents_hold_no_credential(
    with_launcher, control_plane, claim
):
    program = """
import os
process, environments = os.getpid(), []
for _ in range(3):  # itself, the one that reports for it, its supervisor
    with open(f"/proc/{process}/environ", "rb") as environment:
        environments.append(environment.read())
    with open(f"/proc/{process}/stat") as stat:
        process = int(stat.read().rpartition(")")[2].split()[1])
secret = b"_".join([b"rwx", b"the_execution"])
print([secret in each for each in environments], "RUNWRIGHT_FLOW_RUN_ID" in os.environ)
"""
    job = {"command": [sys.executable, "-c", program]}
    assert with_launcher(lambda launcher: ended(launcher, claim(job=job))).is_reported
    assert control_plane.ends[0][2]["last_lines"] == ["[False, False, False] True"]


def test_a_question_of_the_flow_is_passed_on_with_the_executions_credential(
    with_launcher, control_plane, claim, tmp_path
):
    file = tmp_path / "told"

    with_launcher(lambda launcher: ended(launcher, claim("ask", file=str(file))))

    assert json.loads(file.read_text()) == [7, 201]
    assert control_plane.made == [{"name": "asked"}]
