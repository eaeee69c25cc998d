"""What was given is handed to every attempt as it was; what is shown is another thing."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.worker.conftest import Site
from tests.hostile.runs.conftest import POOL, SECONDS, Run

FLOWS = """
import math, os, signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from pydantic import BaseModel, SecretBytes, SecretStr
from runwright import flow, get_run_logger, run_deployment, runtime

class Cfg:
    pass

class M(BaseModel):
    user: str = "u"
    password: SecretStr = SecretStr("topsecret")

@dataclass
class D:
    token: SecretStr

@flow(retries=1)
def first(
    folder: str, s: SecretStr, cfg: Any = Cfg(), b: bytes = b"\\xff\\x00", m: M = M(),
    untyped=(1, {3}), x: float = math.nan, y: float = math.inf, d: D = D(SecretStr("topsecret")),
    n: int = 2**70, given: Any = None,
):
    seen = [
        type(s).__name__, s.get_secret_value(), type(cfg).__name__, b.hex(),
        m.password.get_secret_value(), repr(untyped), repr(x), repr(y),
        d.token.get_secret_value(), n, given,
        str(runtime.flow_run.parameters["s"]),
    ]
    with Path(folder, "seen").open("a") as out:
        print(repr(seen), file=out)
    get_run_logger().info("s=%s m=%s", s, m)
    if runtime.flow_run.run_count == 1 and len(Path(folder, "seen").read_text().splitlines()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)

@flow(retries=2)
def again(folder: str, items: list, more: Any = None):
    items.append("mine")
    more["x"].append("mine")
    with Path(folder, "seen").open("a") as out:
        print(items, more, file=out)
    if runtime.flow_run.run_count < 3:
        raise ValueError("again")

@flow
def asking(name: str, folder: str):
    parameters = {
        "folder": folder, "s": SecretStr("topsecret"), "m": M(user="v"), "b": b"text",
        "x": math.inf, "y": -math.inf, "given": {"deep": [2**80]},
    }
    run = run_deployment(name, parameters=parameters, timeout=0, as_subflow=False)
    get_run_logger().info("made %s", run.id)

@flow(flow_run_name="run-{s}")
def shown(s: SecretStr, m: M, b: SecretBytes = SecretBytes(b"topsecret"), x: float = math.nan):
    get_run_logger().info("s=%s m=%s b=%s", s, m, b)
    inner(s=s.get_secret_value(), m={"password": "topsecret"})
    assert s.get_secret_value() == m.password.get_secret_value() == "topsecret"

@flow
def inner(s: SecretStr, m: M):
    assert s.get_secret_value() == "topsecret"

@flow
def wrong(s: SecretStr, m: M):
    pass
"""


@pytest.fixture
def site(server: Site, tmp_path: Path) -> Site:
    (tmp_path / "flows.py").write_text(FLOWS)
    server.code = tmp_path
    return server


def ended(site: Site, run: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(site.ask("GET", f"/flow_runs/{run}"))
        return found["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}

    site.until(has_ended, SECONDS)
    return found


def lineage(site: Site, run: str) -> list[dict[str, Any]]:
    return site.ask("POST", "/flow_runs/filter", {"flow_runs": {"root_run_id": {"any_": [run]}}})


def test_every_attempt_gets_what_was_given(site: Site, tmp_path: Path) -> None:
    given = {"folder": str(tmp_path), "s": "topsecret", "given": {"n": [2**70, None, 1.5]}}
    deployment = site.deploy("first", POOL)
    secret = {"type": "string", "format": "password", "writeOnly": True}
    schema = {"type": "object", "properties": {"s": secret}}
    site.ask("PATCH", f"/deployments/{deployment}", {"parameter_openapi_schema": schema})
    run = site.run(deployment, retries=1, **given)
    site.until(lambda: len(lineage(site, run)) == 2, SECONDS)
    (second,) = [each for each in lineage(site, run) if each["attempt"] == 2]
    assert ended(site, second["id"])["state_type"] == "COMPLETED"
    third = site.cli("flow-run", "retry", second["id"])
    assert third.returncode == 0, third.stderr
    site.until(lambda: len(lineage(site, run)) == 3, SECONDS)
    (last,) = [each for each in lineage(site, run) if each["attempt"] == 3]
    assert ended(site, last["id"])["state_type"] == "COMPLETED"

    seen = (tmp_path / "seen").read_text().splitlines()
    assert len(seen) == 3
    assert len(set(seen)) == 1, seen
    assert (
        "'SecretStr', 'topsecret', 'Cfg', 'ff00', 'topsecret', '(1, {3})', 'nan', 'inf'" in seen[0]
    )
    for each in lineage(site, run):
        assert each["parameters"] == given
        told = dict(each, parameters=None)
        assert "topsecret" not in json.dumps(told)
        assert each["shown_parameters"]["s"] == "**********"
        # The first one was killed before it could say what it made of them.
        assert each["attempt"] == 1 or each["shown_parameters"]["x"] == "NaN"
        assert "topsecret" not in "\n".join(site.logs(each["id"]))


def test_a_retry_in_the_process_gets_what_was_given(site: Site, tmp_path: Path) -> None:
    run = site.run(
        site.deploy("again", POOL), retries=2, folder=str(tmp_path), items=[1], more={"x": []}
    )
    assert ended(site, run)["state_type"] == "COMPLETED"
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen == ["[1, 'mine'] {'x': ['mine']}"] * 3


def test_a_flow_gives_secrets_and_numbers_to_another(site: Site, tmp_path: Path) -> None:
    first = site.deploy("first", POOL)
    schema = {
        "type": "object",
        "properties": {
            "s": {"type": "string", "format": "password", "writeOnly": True},
            "x": {"type": "number"},
            "y": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
    }
    site.ask(
        "PATCH",
        f"/deployments/{first}",
        {"parameter_openapi_schema": schema, "enforce_parameter_schema": True},
    )
    (tmp_path / "seen").write_text("not the first\n")
    asking = site.run(site.deploy("asking", POOL), name=f"first/{POOL}", folder=str(tmp_path))
    assert ended(site, asking)["state_type"] == "COMPLETED", site.logs(asking)
    (made,) = [line.split()[1] for line in site.logs(asking) if line.startswith("made ")]
    early = site.ask("GET", f"/flow_runs/{made}")
    assert early["shown_parameters"]["s"] == "**********"
    assert ended(site, made)["state_type"] == "COMPLETED"
    seen = (tmp_path / "seen").read_text().splitlines()[1]
    assert "'SecretStr', 'topsecret', 'Cfg', '74657874', 'topsecret'" in seen
    assert "'inf', '-inf', 'topsecret'" in seen
    assert f"{{'deep': [{2**80}]}}" in seen


def test_secrets_are_not_shown(run: Run, way: str) -> None:
    ended = run(FLOWS, "shown", s="topsecret", m={"user": "v", "password": "topsecret"})
    assert ended.state == "COMPLETED", ended
    assert ended.parameters["s"] == "**********"
    assert ended.parameters["m"] == {"user": "v", "password": "**********"}
    assert ended.parameters["b"] == "**********"
    assert ended.parameters["x"] == "NaN"
    assert ended.name == "run-**********"
    assert "topsecret" not in repr(ended)


def test_errors_about_secrets_do_not_show_them(run: Run, way: str) -> None:
    ended = run(FLOWS, "wrong", s=["topsecret"], m={"user": [1], "password": "topsecret"})
    assert ended.state == "FAILED"
    assert "m.user" in ended.message + ended.text
    assert "topsecret" not in repr(ended)
