"""A worker on a host whose firewall drops everything that comes in."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.docker.engine import run
from tests.acceptance.docker.plant import RUNWRIGHT

SPACE = "rw-outbound"
_FIREWALL = """
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
  }
}
"""


@pytest.fixture
def host() -> Iterator[str]:
    """A network namespace behind such a firewall; the address under which it reaches us."""
    ours, theirs = "rwout0", "rwout1"
    run("ip", "netns", "add", SPACE)
    try:
        run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs)
        run("ip", "link", "set", theirs, "netns", SPACE)
        run("ip", "addr", "add", "10.231.77.1/24", "dev", ours)
        run("ip", "link", "set", ours, "up")
        for words in (
            ("ip", "addr", "add", "10.231.77.2/24", "dev", theirs),
            ("ip", "link", "set", theirs, "up"),
            ("ip", "link", "set", "lo", "up"),
        ):
            run("ip", "netns", "exec", SPACE, *words)
        loaded = subprocess.run(
            ["ip", "netns", "exec", SPACE, "nft", "-f", "-"],
            input=_FIREWALL, text=True, capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        assert loaded.returncode == 0, loaded.stderr
        yield "10.231.77.1"
    finally:
        run("ip", "netns", "del", SPACE)
        run("ip", "link", "del", ours, check=False)


def test_it_claims_runs_reports_and_cancels(plant: Any, host: str) -> None:
    plant.ask("POST", "/work_pools/", {"name": "far", "type": "process"})
    flow_id = plant.ask("POST", "/flows/", {"name": "held"})["id"]

    def deploy(flow: str) -> str:
        body = {
            "name": flow,
            "flow_id": flow_id,
            "entrypoint": f"flows.py:{flow}",
            "path": str(plant.code),
            "work_pool_name": "far",
        }
        return plant.ask("POST", "/deployments/", body)["id"]

    command = ["ip", "netns", "exec", SPACE, *RUNWRIGHT, "worker", "start", "--pool", "far"]
    environment = {
        **plant.environment,
        "RUNWRIGHT_API_URL": f"http://{host}:{plant.port}/api",
        "RUNWRIGHT_API_KEY": plant.key,
        "RUNWRIGHT_HOME": str(plant.logs / "far"),
        "PATH": os.environ["PATH"],
    }
    with (plant.logs / "far.log").open("wb") as log:
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    plant.processes.append(worker)
    run_id = plant.run(deploy("hello"), parameters={"name": "out there"})
    assert plant.await_state(run_id, "COMPLETED", "CRASHED", "FAILED")["state_type"] == "COMPLETED"
    assert any("hello out there" in line for line in plant.lines(run_id))
    long = plant.run(deploy("held"))
    plant.await_state(long, "RUNNING")
    plant.ask("POST", f"/flow_runs/{long}/set_state", {"state": {"type": "CANCELLING"}})
    plant.await_state(long, "CANCELLED", seconds=20)
    listening = run("ip", "netns", "exec", SPACE, "ss", "-Hltn")
    assert listening == ""
