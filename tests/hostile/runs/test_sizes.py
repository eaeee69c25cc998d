"""Messages are cut at a documented length; frames and requests have bounds."""

import re

import pytest
from tests.hostile.runs.conftest import Run

HEAD = """
from runwright import flow, task, get_run_logger
from runwright.artifacts import create_markdown_artifact
"""


def test_long_messages_are_cut_with_a_note(run: Run) -> None:
    source = (
        HEAD
        + """
@task
def part():
    raise ValueError("begin" + "x" * 80_000_000 + "end")

@flow
def long():
    part(return_state=True)
    get_run_logger().info("begin" + "\\x01" * 20_000_000 + "end")
    for _ in range(30):
        get_run_logger().info("y" * 1_000_000)
    raise ValueError("begin" + "z" * 10_000_000 + "end")
"""
    )
    ended = run(source, "long")
    assert ended.state == "FAILED", ended.message[:500]
    assert ended.message.startswith("ValueError: beginzzz")
    assert ended.message.endswith("zzzend")
    assert "characters were cut here" in ended.message
    assert len(ended.message) < 11_000
    assert ended.task_runs == ["FAILED"]
    (line,) = [line for line in ended.logs if line.startswith("begin\x01")]
    # Lists of lines show the beginning of one so long; what is kept has its end.
    assert line.endswith("\x01end") or re.search(r"it has 500,0\d\d characters", line)
    assert len(line) < 501_000
    assert sum(line.startswith("yyy") for line in ended.logs) == 30


@pytest.mark.ways("with_a_server", "under_a_worker")
def test_an_entry_that_is_too_large_is_left_out_and_said(run: Run) -> None:
    source = (
        HEAD
        + """
@flow
def fat(text: str = "p" * 9_000_000):
    create_markdown_artifact("small", key="small")
    get_run_logger().info("went on")
    create_markdown_artifact("a" * 30_000_000, key="large")
    return len(text)
"""
    )
    ended = run(source, "fat")
    assert ended.state == "COMPLETED", ended.message[:500]
    assert "went on" in ended.logs
    assert {found["key"] for found in ended.artifacts} >= {"small"}
    (large,) = [each for each in ended.artifacts if each["key"] == "large"] or [None]
    if large is None:
        assert "was left out" in ended.text
    else:
        assert "characters were cut here" in large["data"]
