"""What executions take of the machine: of a process, its children, and those that have ended."""

import subprocess
import sys
from uuid import UUID, uuid4

import pytest

from runwright.api.executions import ExecutionRef
from runwright.worker.usage import Usage

#: Has a child that has ended after some work and one that goes on, and says so.
FAMILY = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "sum(range(10**7))"])
child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"])
input()
child.kill()
"""


class HandClock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


def ref(execution_id: UUID) -> ExecutionRef:
    return ExecutionRef(flow_run_id=uuid4(), token=1, execution_id=execution_id)


@pytest.fixture
def family():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid
        process.communicate(b"\n", timeout=20)


def test_a_family_of_processes_is_summed_and_cores_are_told_from_the_second_reading_on(family):
    known, unknown = ref(uuid4()), ref(uuid4())
    clock, roots = HandClock(), {}
    usage = Usage(lambda: roots, clock=clock)
    assert usage.figures([known]) == []
    roots[known.execution_id] = family
    assert usage.figures([known]) == []  # too soon to look again

    clock.seconds += 10
    [first] = usage.figures([known, unknown])
    assert first.flow_run_id == known.flow_run_id
    assert first.cpu_cores is None
    assert first.memory_bytes > 8 * 2**20  # two interpreters

    clock.seconds += 10
    [second] = usage.figures([known])
    assert second.cpu_cores is not None
    assert 0 <= second.cpu_cores < 1


def test_a_process_that_is_gone_has_no_figures():
    execution = ref(uuid4())
    usage = Usage(lambda: {execution.execution_id: 2**22 - 1}, clock=HandClock())
    assert usage.figures([execution]) == []
