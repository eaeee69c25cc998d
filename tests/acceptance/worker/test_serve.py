"""A script that serves its own flows, with a real server."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

TWO = """
from runwright import flow, serve

@flow
def first(word: str = "nothing"):
    print("said", word)

@flow(log_prints=True)
def second(word: str = "nothing"):
    print("said", word)

if __name__ == "__main__":
    {serving}
"""
ONE = 'second.serve("alone", interval=3600, limit=2)'
BOTH = 'serve(first.to_deployment("a", interval=3600), second.to_deployment("b", interval=3600))'


def _start(site: Any, script: Path, serving: str) -> subprocess.Popen[str]:
    script.write_text(TWO.format(serving=serving))
    return subprocess.Popen(
        [sys.executable, script],
        env={**site.env, "RUNWRIGHT_API_URL": site.url},
        stdout=subprocess.PIPE,
        text=True,
    )


def _stop(serving: subprocess.Popen[str]) -> str:
    """Ctrl-C; what it printed."""
    family = psutil.Process(serving.pid).children(recursive=True)
    serving.send_signal(signal.SIGINT)
    try:
        printed, _ = serving.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        serving.kill()
        raise
    assert serving.returncode == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    return printed


def _runs(site: Any, deployment: str, *parameters: str) -> str:
    ran = site.cli("deployment", "run", deployment, *parameters, "--watch")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _deployments(site: Any) -> dict[str, Any]:
    return {each["name"]: each for each in site.ask("POST", "/deployments/filter", {})}


@pytest.mark.parametrize(("serving", "names"), [(ONE, ["alone"]), (BOTH, ["a", "b"])])
def test_what_is_served_runs_and_ctrl_c_pauses_it(
    site: Any, tmp_path: Path, serving: str, names: list[str]
) -> None:
    process = _start(site, tmp_path / "script.py", serving)
    try:
        site.until(lambda: set(names) <= set(_deployments(site)))
        assert not any(each["paused"] for each in _deployments(site).values())
        _runs(site, f"second/{names[-1]}", "--param", "word=hello")
    finally:
        printed = _stop(process)
    assert f"second/{names[-1]}" in printed
    assert all(each["paused"] for each in _deployments(site).values())
    chosen = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    [run] = site.ask("POST", "/flow_runs/filter", chosen)
    assert "said hello" in site.logs(run["id"])


def test_serving_again_resumes_what_was_paused(site: Any, tmp_path: Path) -> None:
    for _ in range(2):
        process = _start(site, tmp_path / "script.py", ONE)
        try:
            site.until(lambda: [one for one in _deployments(site).values() if not one["paused"]])
        finally:
            _stop(process)
