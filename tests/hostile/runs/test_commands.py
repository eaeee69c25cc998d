"""Programs that know nothing of Runwright: what they write is the log, how they end is told."""

import shlex
import sys
from typing import Any

import pytest
from tests.acceptance.worker.conftest import Site
from tests.hostile.runs.conftest import POOL, SECONDS


def _ended(site: Site, program: str, *words: str) -> dict[str, Any]:
    command = shlex.join([*words, sys.executable, "-c", program])
    run_id = site.run(site.deploy("hello", POOL, command=command))
    site.until(lambda: site.ask("GET", f"/flow_runs/{run_id}")["exit_report"] is not None, SECONDS)
    return site.ask("GET", f"/flow_runs/{run_id}")


def test_lines_of_both_streams_are_the_log_and_the_exit_code_is_told(server: Site) -> None:
    run = _ended(
        server,
        "import sys\n"
        "for i in range(3): print('out', i)\n"
        "sys.stderr.buffer.write(b'err r\\xe9sum\\xe9\\n\\nhalf')\n"
        "sys.exit(7)\n",
    )
    assert (run["state_type"], run["exit_report"]["exit_code"]) == ("FAILED", 7)
    assert "exit code 7" in run["state"]["message"]
    of_run = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
    logs = server.ask("POST", "/logs/filter", of_run)
    said = {
        name: [log["message"] for log in logs if log["name"] == f"runwright.command.{name}"]
        for name in ("stdout", "stderr")
    }
    assert said["stdout"] == ["out 0", "out 1", "out 2"]
    assert said["stderr"] == ["err r\ufffdsum\ufffd", "", "half"]
    assert "exit code 7" in logs[-1]["message"]
    shown = server.cli("flow-run", "logs", run["id"])
    assert shown.returncode == 0
    for line in ("out 2", "half", "exit code 7"):
        assert line in shown.stdout


@pytest.mark.parametrize(
    ("program", "state", "report"),
    [
        ("import os; os.kill(os.getpid(), 9)", "FAILED", {"signal": 9}),
        ("import os; os.kill(os.getpid(), 11)", "FAILED", {"signal": 11}),
        ("print('fine')", "COMPLETED", {"exit_code": 0}),
    ],
)
def test_the_report_tells_how_the_program_ended(
    server: Site, program: str, state: str, report: dict[str, int]
) -> None:
    run = _ended(server, program)
    assert run["state_type"] == state
    told = {name: run["exit_report"].get(name) for name in ("exit_code", "signal")}
    assert {name: value for name, value in told.items() if value is not None} == report


def test_a_program_that_does_not_exist_is_told_as_shells_tell_it(server: Site) -> None:
    run = _ended(server, "", "/no/such/program")
    assert (run["state_type"], run["exit_report"]["exit_code"]) == ("FAILED", 127)
    assert "/no/such/program" in run["state"]["message"]


def test_what_a_program_leaves_running_holds_up_nothing(server: Site) -> None:
    run = _ended(
        server,
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('last word')\n",
    )
    assert run["state_type"] == "COMPLETED"
    assert "last word" in server.logs(run["id"])


def test_thousands_of_lines_arrive_in_their_order(server: Site) -> None:
    run = _ended(server, "for i in range(5_000): print(i)")
    shown = server.cli("flow-run", "logs", run["id"])
    numbers = [line.split()[-1] for line in shown.stdout.splitlines() if line[-1:].isdigit()]
    assert numbers == [str(number) for number in range(5_000)], shown.stderr
