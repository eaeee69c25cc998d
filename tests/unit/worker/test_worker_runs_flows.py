"""Real flows under real supervisors; only the control plane is the tests' own."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runwright.api.executions import ClaimedRun
from runwright.api.journal import FlowRunProposed, LogWritten, TaskRunMoved
from runwright.worker.launcher import Ended
from runwright.worker.launchers.process import ProcessLauncher

FLOWS = """
import os, sys, threading, time
from pathlib import Path
from runwright import flow, get_run_logger, task

@task
def double(number):
    return 2 * number

@flow(log_prints=True)
def doubled(numbers: list[int]):
    print("printed")
    get_run_logger().info("logged")
    return sum(double(number) for number in numbers)

@flow(retries=2, retry_delay_seconds=0)
def failing():
    raise ValueError("no luck")

@flow
def dying():
    print("last words")
    os.kill(os.getpid(), 9)

def note(flow, run, state):
    Path("cancelled").write_text(state.name)

@flow(on_cancellation=[note])
def waiting():
    Path("ready").touch()
    while True:
        time.sleep(0.05)
"""


@pytest.fixture
def with_flows(control_plane, surroundings, run_async, claim, tmp_path) -> Callable[..., Any]:
    (tmp_path / "flows.py").write_text(FLOWS)

    def run(name: str, parameters: dict[str, Any], during: Any = None, **job: Any) -> Ended:
        spec = msgspec.structs.replace(
            claim(job=job).spec,
            flow_name=name,
            entrypoint=f"flows.py:{name}",
            path=str(tmp_path),
            parameters=parameters,
        )

        async def whole() -> Ended:
            launcher = ProcessLauncher(surroundings(control_plane))
            await launcher.warm_up()
            try:
                await launcher.launch(ClaimedRun(spec=spec, lease_ttl_ms=60_000))
                if during is not None:
                    await during(launcher, spec.execution_id)
                return await launcher.next_end()
            finally:
                await launcher.close()

        return run_async(whole, control_plane)

    return run


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_a_flow_with_tasks_is_recorded_whole(with_flows, control_plane, start_method):
    end = with_flows("doubled", {"numbers": ["1", 2]}, start_method=start_method)

    assert end.is_reported
    assert control_plane.states() == ["RUNNING", "COMPLETED"]
    messages = [entry.message for entry in control_plane.entries if isinstance(entry, LogWritten)]
    assert {"printed", "logged"} <= set(messages)
    moves = [entry for entry in control_plane.entries if isinstance(entry, TaskRunMoved)]
    assert [move.state.type for move in moves].count("COMPLETED") == 2
    assert control_plane.ends[0][2]["exit_code"] == 0


def test_a_flow_that_fails_ends_its_process_in_peace(with_flows, control_plane):
    assert with_flows("failing", {}).is_reported
    last = [entry for entry in control_plane.entries if isinstance(entry, FlowRunProposed)][-1]
    assert last.state.type == "FAILED"
    assert "no luck" in str(last.state.message)
    assert control_plane.ends[0][2]["exit_code"] == 0


def test_a_flow_that_dies_is_reported(with_flows, control_plane):
    assert with_flows("dying", {}).is_reported
    report = control_plane.ends[0][2]
    assert report["signal"] == 9
    assert "last words" in report["last_lines"]


def test_a_flow_that_does_not_exist_fails_with_the_reason(with_flows, control_plane):
    assert with_flows("missing", {}).is_reported
    assert control_plane.states() == ["RUNNING", "FAILED"]
    messages = [entry.message for entry in control_plane.entries if isinstance(entry, LogWritten)]
    assert any("missing" in message for message in messages)


def test_a_cancelled_flow_runs_its_hook(with_flows, control_plane, tmp_path):
    async def cancel(launcher: ProcessLauncher, execution_id: Any) -> None:
        async with asyncio.timeout(20):
            while not (tmp_path / "ready").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await launcher.stop(execution_id, "cancelled")

    assert with_flows("waiting", {}, cancel).is_reported
    assert Path(tmp_path / "cancelled").exists()
    assert control_plane.states()[-1] == "CANCELLED"
