"""Flows that workers run."""

import os
import signal
import time
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.deployments import run_deployment
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.runtime import deployment, flow_run


@task
def length(name):
    return len(name)


@flow(log_prints=True)
def quick(name: str = "you"):
    print("hello", name, "from", deployment.name)
    return length(name)


@flow
def slow(folder: str):
    Path(folder, "slow-is-up").touch()
    time.sleep(300)  # noqa: TID251  # until it is ended


@flow(retries=1, retry_delay_seconds=0)
def slow_at_first(folder: str):
    marker = Path(folder, "slow-is-up")
    if not marker.exists():
        marker.write_text(str(os.getpid()))
        time.sleep(300)  # noqa: TID251  # until it is ended


@flow
def fails_once(folder: str):
    marker = Path(folder, "failed")
    if not marker.exists():
        marker.touch()
        raise ValueError("the first time")
    get_run_logger().info("the second time")


@flow(retries=1, retry_delay_seconds=0)
def dies_once(folder: str):
    marker = Path(folder, "died")
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@flow
def suspends():
    suspend_flow_run(timeout=120)
    get_run_logger().info("it went on as run count %s", flow_run.run_count)


@flow
def pauses():
    pause_flow_run(timeout=120, poll_interval=1)
    get_run_logger().info("it went on")


@flow
def asks_another(name: str):
    state = run_deployment("quick/quick", parameters={"name": "child"}, poll_interval=1).state
    assert state.is_completed(), state
