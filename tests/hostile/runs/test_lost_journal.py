"""A journal that breaks off, or a connection that is lost, ends the run with that cause."""

import pytest
from tests.hostile.runs.conftest import Run

CLOSED = """
import os, socket, time
from runwright import flow

@flow
def closing(seconds: float):
    os.closerange(3, 1024)
    kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(64)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
"""


@pytest.mark.ways("under_a_worker")
@pytest.mark.parametrize("seconds", [0, 25])
def test_descriptors_that_are_closed_by_the_flow(run: Run, seconds: float) -> None:
    ended = run(CLOSED, "closing", seconds=seconds)
    assert ended.state == "CRASHED"
    assert "nothing more of it could be recorded" in ended.message
    assert ended.seconds < 8


@pytest.mark.ways("under_a_worker")
def test_a_blocked_flow_without_its_connection(run: Run) -> None:
    source = """
import os, signal, time
from runwright import flow

@flow
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.closerange(3, 1024)
    time.sleep(60)
"""
    ended = run(source, "deaf")
    assert ended.state == "CRASHED"
    assert "nothing more of it could be recorded" in ended.message
    assert ended.seconds < 8


@pytest.mark.ways("alone")
def test_a_journal_file_that_is_closed_is_opened_again(run: Run) -> None:
    source = """
import os
from runwright import flow, get_run_logger

@flow
def closing():
    get_run_logger().info("before")
    os.closerange(3, 1024)
    mine = os.open("mine.txt", os.O_CREAT | os.O_RDWR)
    others = [os.open("mine.txt", os.O_RDWR) for _ in range(20)]
    get_run_logger().info("after")
    return os.fstat(mine).st_size
"""
    ended = run(source, "closing")
    assert ended.state == "COMPLETED", ended
    assert {"before", "after"} <= set(ended.logs)
    assert ended.exit_code == 0, ended.stderr


@pytest.mark.ways("with_a_server")
def test_descriptors_that_are_closed_by_hand(run: Run) -> None:
    ended = run(CLOSED, "closing", seconds=25)
    assert ended.state == "CRASHED"
    assert "its journal broke off" in ended.message
    assert "JournalLost" in ended.stderr
    assert ended.exit_code == 1
    assert ended.seconds < 15


BROKEN = """
import time
from runwright import flow, get_run_logger
import runwright.sdk.entry_encoding as encoding

def broken(*_):
    raise MemoryError("none left")

@flow
def breaking():
    encoding.EntryEncoder.__call__ = broken
    get_run_logger().info("the last straw")
    end = time.monotonic() + 25
    while time.monotonic() < end:
        time.sleep(0.01)
"""


def test_a_journal_that_broke_off_ends_the_run_with_its_cause(run: Run, way: str) -> None:
    ended = run(BROKEN, "breaking")
    assert ended.seconds < 12
    if way == "alone":
        # Not even the last word could be encoded: the program says so.
        assert "JournalLost" in ended.stderr
        assert ended.exit_code == 1
    else:
        assert ended.state == "CRASHED"
        assert "MemoryError: none left" in ended.message
