"""What cannot be launched ends with its cause and frees its slot; integers may have any size."""

import json
import shlex
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.worker.conftest import Site
from tests.hostile.runs.conftest import POOL, SECONDS

from runwright.credentials import key_for

FLOWS = """
import json, os
from runwright import flow, get_run_logger, run_deployment

@flow
def number(n: int, more: dict = {}):
    get_run_logger().info("n=%d %s", n, json.dumps(more))
    return n

@flow
def calling(name: str):
    run = run_deployment(name, parameters={"n": 2**70, "more": {"a": [-2**200]}}, timeout=0)
    get_run_logger().info("made %s", run.id)
"""
HUGE = 2**70


@pytest.fixture
def site(server: Site, tmp_path: Path) -> Site:
    (tmp_path / "flows.py").write_text(FLOWS)
    server.code = tmp_path
    return server


def post(site: Site, path: str, body: bytes) -> None:
    headers = {
        "Authorization": f"Bearer {key_for(site.home, site.url)}",
        "Content-Type": "application/json",
    }
    urllib.request.urlopen(urllib.request.Request(site.url + path, body, headers), timeout=15)


def ended(site: Site, run: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(site.ask("GET", f"/flow_runs/{run}"))
        return found["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}

    site.until(has_ended, SECONDS)
    return found


@pytest.mark.parametrize(
    "job", [{}, {"start_method": "spawn"}, {"python": sys.executable}], ids=lambda job: str(*job)
)
def test_integers_beyond_64_bits(site: Site, job: dict[str, Any]) -> None:
    more = {"a": [-(2**200)], "b": {"c": 2**64}}
    run = site.run(site.deploy("number", POOL, **job), n=HUGE, more=more)
    found = ended(site, run)
    assert found["state_type"] == "COMPLETED", found
    assert found["parameters"] == {"n": HUGE, "more": more}
    assert f"n={HUGE} {json.dumps(more)}" in site.logs(run)


def test_integers_beyond_64_bits_in_a_command(site: Site) -> None:
    check = f"import os, json; assert json.loads(os.environ['RUNWRIGHT_PARAMETERS'])['n'] == {HUGE}"
    command = shlex.join([sys.executable, "-c", check])
    run = site.run(site.deploy("number", POOL, command=command), n=HUGE)
    found = ended(site, run)
    assert found["state_type"] == "COMPLETED", found


def test_integers_beyond_64_bits_from_a_flow(site: Site) -> None:
    site.deploy("number", "huge")
    run = site.run(site.deploy("calling", POOL), name="number/huge")
    assert ended(site, run)["state_type"] == "COMPLETED", site.logs(run)
    (made,) = [line for line in site.logs(run) if line.startswith("made ")]
    found = site.ask("GET", f"/flow_runs/{made.removeprefix('made ')}")
    assert found["parameters"] == {"n": HUGE, "more": {"a": [-(2**200)]}}


def test_integers_of_more_digits_than_the_interpreter_reads_are_refused(site: Site) -> None:
    deployment = site.deploy("number", POOL)
    body = b'{"parameters": {"n": ' + b"1" * 5000 + b"}}"
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(site, f"/deployments/{deployment}/create_flow_run", body)
    with refused.value as refusal:
        assert refusal.code == 422


@pytest.mark.parametrize(
    ("job", "cause"),
    [
        ({"env": {"A=B": "x"}}, "which no process can be given"),
        ({"env": {"": "x"}}, "which no process can be given"),
        ({"working_dir": "/no/such/place"}, "does not exist on this worker's machine"),
        ({"command": "unbalanced 'quote"}, "makes no sense"),
        ({"python": "/no/such/python"}, "its process could not be started"),
        ({"env": {"A": "x" * 200_000}, "start_method": "spawn"}, "could not be started"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_launched(site: Site, job: dict[str, Any], cause: str) -> None:
    deployment = site.deploy("number", POOL)
    site.ask("PATCH", f"/deployments/{deployment}", {"job_variables": job})
    runs = [site.run(deployment, n=1) for _ in range(2)]
    for run in runs:
        found = ended(site, run)
        assert found["state_type"] == "CRASHED"
        assert cause in found["state"]["message"], found["state"]
    # The worker has one slot.
    site.ask("PATCH", f"/deployments/{deployment}", {"job_variables": {}})
    assert ended(site, site.run(deployment, n=1))["state_type"] == "COMPLETED"
