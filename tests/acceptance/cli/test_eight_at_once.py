"""Eight scripts and several commands at once: nothing is lost, nobody is refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from runwright.cli.waiting import until

SCRIPT = """
from runwright import flow, task, get_run_logger

@task
def double(n):
    return 2 * n

@flow(name="eight")
def main(n: int = 1):
    get_run_logger().info("number %d", n)
    assert sum(double.map(list(range(20))).result()) == 380
    return n
"""
EIGHT = range(8)


def run_eight(rw, **variables):
    """Runs eight scripts at once; what each said, which should be nothing but its log."""

    def one(number):
        done = subprocess.run(
            [sys.executable, "-c", f"import eight; eight.main({number})"],
            cwd=rw.folder,
            env=rw.environment | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Error" not in done.stderr
        assert "not recorded" not in done.stderr

    with ThreadPoolExecutor(12) as pool:
        scripts = [pool.submit(one, number) for number in EIGHT]
        beside = [pool.submit(rw.ok, "flow-run", "ls", "-o", "json") for _ in range(3)]
        for each in [*scripts, *beside]:
            each.result()


def recorded(rw, count):
    runs = []

    def are_there():
        found = rw.ok("flow-run", "ls", "-o", "json", "--limit", "200").json
        assert len(found) <= count
        runs[:] = [run for run in found if run["state_type"] == "COMPLETED"]
        return len(runs) == count

    assert until(are_there, 30), runs
    return runs


@pytest.fixture
def rw(alone):
    (alone.folder / "eight.py").write_text(SCRIPT)
    return alone


@pytest.mark.slow
def test_eight_at_once_without_a_server_and_then_with_one(rw):
    run_eight(rw)
    runs = recorded(rw, 8)
    assert sorted(run["parameters"]["n"] for run in runs) == list(EIGHT)
    for run in runs:
        assert "number" in rw.ok("flow-run", "logs", run["id"]).out
    tasks = rw.ok("task-run", "ls", "-o", "json", "--limit", "200").json
    assert len(tasks) == 160
    assert {each["state_type"] for each in tasks} == {"COMPLETED"}
    assert list((rw.home / "spool").glob("*.journal")) == []

    rw.ok("server", "start", "--background", "--port", "0")
    try:
        run_eight(rw)  # no server is configured: taken in from disk
        recorded(rw, 16)
        url = rw.ok("server", "status", "-o", "name").out.strip()
        run_eight(rw, RUNWRIGHT_API_URL=url)
        recorded(rw, 24)
        assert list((rw.home / "spool").glob("*.journal")) == []
    finally:
        rw.ok("server", "stop")
    log = (rw.home / "server.log").read_text()
    assert "ERROR" not in log, log
    assert "Traceback" not in log, log
    recorded(rw, 24)


def test_a_command_beside_a_server_of_another_home_says_whose_the_database_is(rw, tmp_path):
    rw.ok("server", "start", "--background", "--port", "0")
    url = f"sqlite:///{rw.home / 'runwright.db'}"
    other = {"RUNWRIGHT_HOME": str(tmp_path / "other"), "RUNWRIGHT_DATABASE_URL": url}
    try:
        done = rw("flow-run", "ls", **other)
        assert done.code == 1
        assert "in use by a server" in done.err
        assert "RUNWRIGHT_API_URL" in done.err
        assert "Traceback" not in done.err
    finally:
        rw.ok("server", "stop")
    rw.ok("flow-run", "ls", **other)
