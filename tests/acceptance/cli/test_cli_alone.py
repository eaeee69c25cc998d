"""Without a server: the embedded control plane, settings, profiles, the database, completion."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runwright.cli.waiting import until


def test_runs_by_hand_are_seen_without_a_server(alone):
    subprocess.run(
        [sys.executable, "-c", "import flows; flows.greet(3)"],
        cwd=alone.folder,
        env=alone.environment,
        check=True,
        capture_output=True,
    )
    runs = alone.ok("flow-run", "ls", "-o", "json").json
    assert [each["state_name"] for each in runs] == ["Completed"]
    assert "hello you" in alone.ok("flow-run", "logs", runs[0]["id"]).out
    assert alone.ok("flow", "ls", "-o", "name").out == "greet\n"


def test_what_needs_a_server_says_so(alone):
    alone.ok("work-pool", "create", "local")
    alone.ok("deploy", "flows.py:greet", "-n", "d", "-p", "local")
    for command in (
        ("deployment", "run", "greet/d", "--watch"),
        ("worker", "start", "--pool", "local"),
        ("server", "status"),
        ("server", "stop"),
    ):
        done = alone(*command)
        assert done.code == 5, done
    assert "runwright server start" in alone("server", "status").err
    assert alone.ok("flow-run", "ls", "-o", "json").json == []


ASKS = """
from runwright import flow, run_deployment

@flow(log_prints=True)
def asks():
    run = run_deployment("greet/d", timeout=0)
    print("asked for", run.name)

asks()
"""


def test_a_flow_that_asks_where_no_server_runs_starts_one(alone):
    alone.ok("work-pool", "create", "local")
    alone.ok("deploy", "flows.py:greet", "-n", "d", "-p", "local")
    (alone.folder / "asks.py").write_text(ASKS)
    try:
        done = subprocess.run(
            [sys.executable, "asks.py"],
            cwd=alone.folder,
            env=alone.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "needs a control plane: one was started at http://127.0.0.1:" in done.stderr
        assert alone.ok("server", "status", "-o", "name").out.startswith("http://127.0.0.1:")
        runs = alone.ok("flow-run", "ls", "-o", "json").json
        assert {each["state_name"] for each in runs} <= {
            "Scheduled",
            "Late",
            "Running",
            "Completed",
        }
        assert len(runs) == 2
    finally:
        alone("server", "stop")


TESTS = """
from pathlib import Path
from runwright import flow, run_deployment
from runwright.local_server import local_server
from runwright.settings import load_settings

@flow
def asks():
    return run_deployment("greet/d", timeout=0)

def test_asks():
    assert asks()
    server = local_server(load_settings().home)
    Path("server.pid").write_text(str(server.pid))
"""


def test_a_server_that_a_test_needed_ends_with_the_tests(alone):
    alone.ok("work-pool", "create", "local")
    alone.ok("deploy", "flows.py:greet", "-n", "d", "-p", "local")
    (alone.folder / "test_asks.py").write_text(TESTS)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_asks.py"],
            cwd=alone.folder,
            env=alone.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        pid = int((alone.folder / "server.pid").read_text())
        assert until(lambda: not Path(f"/proc/{pid}").exists(), 20)
        assert alone("server", "status").code == 5
    finally:
        alone("server", "stop")


def test_a_server_in_the_background_starts_answers_and_stops(alone):
    started = alone.ok("server", "start", "--background", "--port", "0")
    assert "Runwright serves http://127.0.0.1:" in started.out
    url = alone.ok("server", "status", "-o", "name").out.strip()
    assert alone.ok("server", "stop", "-o", "json").json == {"name": url, "result": "stopped"}
    assert alone("server", "status").code == 5


def test_the_key_of_this_user_outlives_a_change_of_the_port(alone):
    for _ in range(2):
        alone.ok("server", "start", "--background", "--port", "0")
        keys = alone.ok("key", "ls", "-o", "json").json
        alone.ok("server", "stop")
        assert [each["name"] for each in keys] == ["admin"]


def test_settings_are_kept_and_shown_without_secrets(alone):
    alone.ok("config", "set", "log_level=DEBUG", "api_key=rwk_secret", "lease_seconds=12")
    shown = alone.ok("config", "view", "--show-sources", "-o", "json").json
    assert shown["log_level"] == {"value": "DEBUG", "source": "profile"}
    assert shown["lease_seconds"] == {"value": 12.0, "source": "profile"}
    everything = alone.ok("config", "view").out + alone.ok("profile", "inspect", "-o", "json").out
    assert "rwk_secret" not in everything
    assert "rwk_secret" in alone.ok("config", "view", "--show-secrets").out
    assert (alone.home / "profiles.toml").stat().st_mode & 0o777 == 0o600
    alone.ok("config", "unset", "log_level")
    assert alone.ok("config", "view", "-o", "json").json["log_level"] == "INFO"


def test_misspelt_variables_are_told(alone):
    done = alone.ok("config", "view", RUNWRIGHT_LOG_LEVLE="x")
    assert "RUNWRIGHT_LOG_LEVLE" in done.err


def test_the_password_of_the_database_is_not_shown(alone):
    url = "postgresql://me:pass-word@host/db"
    shown = alone.ok("config", "view", RUNWRIGHT_DATABASE_URL=url).out
    assert "pass-word" not in shown
    assert "postgresql://me:********@host/db" in shown


def test_profiles(alone):
    alone.ok("profile", "create", "work")
    alone.ok("profile", "use", "work")
    alone.ok("config", "set", "log_level=ERROR")
    alone.ok("profile", "create", "copy", "--copy", "work")
    alone.ok("profile", "rename", "copy", "other")
    rows = {each["name"]: each for each in alone.ok("profile", "ls", "-o", "json").json}
    assert rows["work"]["active"]
    assert set(rows) == {"default", "work", "other"}
    seen = alone.ok("config", "view", "-o", "json", RUNWRIGHT_PROFILE="other").json
    assert seen["log_level"] == "ERROR"
    alone.ok("profile", "delete", "work")
    assert alone.ok("config", "view", "-o", "json").json["log_level"] == "INFO"


def test_the_database_goes_up_and_down(alone):
    assert alone.ok("db", "current", "-o", "json").json["current"] is None
    newest = alone.ok("db", "upgrade", "-o", "name").out
    assert "up to date" in alone.ok("db", "current").out
    alone.ok("db", "downgrade", "base", "--yes")
    assert alone.ok("db", "current", "-o", "json").json["current"] is None
    assert alone.ok("db", "stamp", "-o", "name").out == newest
    assert alone("db", "upgrade", "no-such-revision").code == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_that_the_shell_accepts(alone, shell):
    script = alone.ok("completion", shell).out
    assert "work-pool" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, check=False)
        assert checked.returncode == 0


def test_help_and_version_are_on_standard_output(alone):
    assert "work-pool" in alone.ok("--help").out
    assert "--cron" in alone.ok("deploy", "--help").out
    assert alone.ok("version", "-o", "json").json["version"] == alone.ok("version").out.strip()


def test_every_command_has_its_output_option(alone):
    page = alone.ok("completion", "bash").out
    assert page.count("--output") > 50
