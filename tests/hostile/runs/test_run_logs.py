"""The log of a run: its records arrive whatever users configure, and say what happened."""

from tests.hostile.runs.conftest import Run


def test_a_configuration_of_logging_does_not_silence_the_run(run: Run) -> None:
    source = """
import logging.config
from runwright import flow, get_run_logger, task

@task
def part():
    get_run_logger().info("in the task")

@flow
def configured():
    kept = get_run_logger()
    for loggers in ({}, {"runwright": {"level": "INFO"}}):
        logging.config.dictConfig({"version": 1, "loggers": loggers})
        kept.info("kept")
        get_run_logger().info("anew")
        part()
    raise ValueError("the last word")
"""
    ended = run(source, "configured")
    assert ended.state == "FAILED"
    said = [line for line in ended.logs if line in {"kept", "anew", "in the task"}]
    assert said == ["kept", "anew", "in the task"] * 2
    assert 'raise ValueError("the last word")' in ended.text
    assert "Finished in state Failed: ValueError: the last word" in ended.logs


def test_only_the_last_attempt_shows_a_traceback_of_the_users_frames(run: Run, way: str) -> None:
    source = """
from runwright import flow, task

@task(retries=2, retry_delay_seconds=0.1)
def fetch():
    try:
        {}["cause"]
    except KeyError as error:
        raise ValueError("503") from error

@task
def outer():
    fetch()

@flow(retries=1, retry_delay_seconds=0)
def fetching():
    outer()
"""
    ended = run(source, "fetching")
    assert ended.state == "FAILED"
    assert any(line.startswith("Flow run started (flow 'fetching')") for line in ended.logs)
    failed = "Task run 'fetch-0' failed: ValueError: 503 (attempt"
    assert f"{failed} 1 of 3, next in 0.1 s)" in ended.logs
    assert f"{failed} 2 of 3, next in 0.1 s)" in ended.logs
    assert "Task run 'fetch-0' failed: ValueError: 503 (attempt 3 of 3)" in ended.logs
    again = [line for line in ended.logs if line.startswith("Flow run failed: ValueError: 503")]
    # The deployment that the worker's run is of says nothing of retries.
    assert len(again) == (way != "under_a_worker")
    assert all("(attempt 1 of 2, next " in line for line in again)
    assert sum("Traceback" in line for line in ended.logs if "Flow run" in line) == 1
    assert sum("Task run 'fetch-0' raised" in line for line in ended.logs) == 1
    assert "in fetch\n" in ended.text
    assert "KeyError: 'cause'" in ended.text
    assert "runwright/sdk" not in ended.text
    assert "Finished in state Failed: ValueError: 503" in ended.logs
