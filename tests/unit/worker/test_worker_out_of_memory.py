"""A flow that the kernel kills for want of memory, in a real control group."""

import contextlib
import shlex
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runwright.api.executions import ClaimedRun
from runwright.worker.cgroups import memory_group
from runwright.worker.launcher import Ended
from runwright.worker.launchers.process import ZYGOTE, ProcessLauncher

FLOW = """
from runwright import flow

@flow
def hungry():
    print("eating", flush=True)
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))
"""


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of 150 MB."""
    own = memory_group()
    if own is None:
        pytest.skip("this system has no control groups for memory")
    group = own.folder / f"runwright-test-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        limit = "memory.limit_in_bytes" if own.version == 1 else "memory.max"
        (group / limit).write_text("150000000")
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    group.rmdir()


def test_a_flow_that_runs_out_of_memory_is_told_from_one_that_was_killed(
    small_group: Path,
    control_plane: Any,
    surroundings: Callable[..., Any],
    run_async: Callable[..., Any],
    claim: Callable[..., ClaimedRun],
    tmp_path: Path,
) -> None:
    (tmp_path / "hungry.py").write_text(FLOW)
    spec = msgspec.structs.replace(
        claim().spec, entrypoint="hungry.py:hungry", path=str(tmp_path), parameters={}
    )
    enter = f'echo $$ > {small_group}/cgroup.procs; exec {shlex.join(ZYGOTE)} "$@"'

    async def scenario() -> Ended:
        launcher = ProcessLauncher(
            surroundings(control_plane), zygote=("sh", "-c", enter, sys.argv[0])
        )
        await launcher.warm_up()
        await launcher.launch(ClaimedRun(spec=spec, lease_ttl_ms=60_000))
        end = await launcher.next_end()
        await launcher.close()
        return end

    assert run_async(scenario, control_plane).is_reported
    [(_, _, report)] = control_plane.ends
    assert report["oom_killed"]
    assert report["signal"] == 9
    assert report["last_lines"][-1] == "eating"
    assert 50_000_000 < report["peak_memory_bytes"] < 200_000_000
