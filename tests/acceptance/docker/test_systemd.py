"""`runwright worker service` under a real systemd, which runs in a container of its own."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.docker.debian import IMAGE, IS_SYSTEM_PYTHON, make_debian
from tests.acceptance.docker.engine import ROOT, run, until

UNIT = "runwright-worker-sys.service"


@pytest.fixture(scope="module")
def debian(images: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of a small Debian with systemd."""
    del images
    make_debian(tmp_path_factory.mktemp("debian"))
    return IMAGE


@pytest.fixture
def machine(debian: str, plant: Any) -> Callable[..., str]:
    """A machine with systemd: runs a command on it. This installation is there too."""
    prefix = Path(sys.base_prefix)
    interpreter = () if IS_SYSTEM_PYTHON else ("-v", f"{prefix}:{prefix}:ro")
    container = run(
        "docker", "run", "-d", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
        "--tmpfs", "/run", "--tmpfs", "/run/lock", "-e", "container=docker",
        "--add-host", "host.docker.internal:host-gateway", "--stop-signal", "SIGRTMIN+3",
        "-v", "/sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw",
        *interpreter, "-v", f"{ROOT}:{ROOT}:ro", "-v", f"{plant.code}:/flows:ro",
        "--label", f"io.runwright.api={plant.url}", debian,
    )  # fmt: skip
    url = plant.url.replace("127.0.0.1", "host.docker.internal")

    def on_it(*command: str, check: bool = True) -> str:
        variables = ("-e", f"RUNWRIGHT_API_URL={url}", "-e", f"RUNWRIGHT_API_KEY={plant.key}")
        return run("docker", "exec", *variables, container, *command, seconds=120, check=check)

    on_it.container = container  # type: ignore[attr-defined]  # to restart it
    until(lambda: "running" in on_it("systemctl", "is-system-running", check=False), 30, "systemd")
    return on_it


def runwright(machine: Callable[..., str], *words: str) -> str:
    return machine(sys.executable, "-m", "runwright.cli.main", *words)


def main_pid(machine: Callable[..., str]) -> int:
    return int(machine("systemctl", "show", "-p", "MainPID", "--value", UNIT))


def test_a_worker_under_systemd_comes_back_and_its_runs_go_on(
    plant: Any, machine: Callable[..., str]
) -> None:
    plant.ask("POST", "/work_pools/", {"name": "sys", "type": "process"})
    flow_id = plant.ask("POST", "/flows/", {"name": "held"})["id"]
    body = {
        "name": "d",
        "flow_id": flow_id,
        "entrypoint": "flows.py:held",
        "path": "/flows",
        "work_pool_name": "sys",
    }
    deployment = plant.ask("POST", "/deployments/", body)["id"]

    told = runwright(machine, "worker", "service", "install", "--pool", "sys", "--user", "root")
    assert f"started {UNIT}" in told
    path = f"/etc/systemd/system/{UNIT}"
    verified = machine("sh", "-c", f"systemd-analyze verify {path} 2>&1")
    # Its file of variables is private, and every key of the unit is known to systemd.
    assert re.sub(r".*(journald|sysinit|dbus).*\n?", "", verified) == "", verified
    assert machine("stat", "-c", "%a", "/etc/runwright/worker-sys.env") == "600"
    assert "active" in machine("systemctl", "is-active", UNIT)
    assert "Active: active (running)" in runwright(machine, "worker", "service", "status", "sys")

    run_id = plant.run(deployment, parameters={"seconds": 8})
    plant.await_state(run_id, "RUNNING")
    before = main_pid(machine)
    machine("kill", "-9", str(before))
    until(lambda: main_pid(machine) not in {0, before}, 30, "the worker to be back")
    ended = plant.await_state(run_id, "COMPLETED", "CRASHED", "FAILED")
    assert (ended["state_type"], ended["attempt"]) == ("COMPLETED", 1)
    after = plant.run(deployment, parameters={"seconds": 0})
    assert plant.await_state(after, "COMPLETED", "CRASHED")["state_type"] == "COMPLETED"

    run("docker", "restart", "-t", "20", machine.container)  # type: ignore[attr-defined]
    again = plant.run(deployment, parameters={"seconds": 0})
    assert plant.await_state(again, "COMPLETED", "CRASHED")["state_type"] == "COMPLETED"

    assert f"removed {UNIT}" in runwright(machine, "worker", "service", "uninstall", "sys")
    assert machine("systemctl", "is-active", UNIT, check=False) == "inactive"
    assert not machine("sh", "-c", f"ls {path} /etc/runwright/worker-sys.env", check=False)
