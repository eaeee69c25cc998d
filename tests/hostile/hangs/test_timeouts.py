"""What blocks a thread ends in time: by its timeout, or with its flow."""

import os
import subprocess
import sys
import time

import pytest
from tests.hostile.hangs.conftest import BOUND


def test_a_submitted_task_that_blocks_is_timed_out_and_tried_again(run):
    outcome = run(
        """
        import socket
        from runwright import flow, task

        here, there = socket.socketpair()

        @task(timeout_seconds=0.5, retries=2)
        def receives(n):
            here.recv(1)

        @task(timeout_seconds=0.5)
        async def blocks_its_loop():
            here.recv(1)

        @flow
        def main():
            futures = [*receives.map(range(4)), blocks_its_loop.submit()]
            for future in futures:
                future.wait()
            return 1
        """
    )
    assert outcome.state == "Completed"
    assert outcome.tasks == {
        **{f"receives-{n}": "TimedOut" for n in range(4)}, "blocks_its_loop-0": "TimedOut",
    }  # fmt: skip
    assert outcome.says("failed: It took longer than its timeout of 0.5 seconds. (attempt 2 of 3")
    assert outcome.says("12 calls that took too long")
    assert outcome.seconds < 12


def test_a_flow_that_takes_too_long_ends_whatever_its_tasks_say(run):
    outcome = run(
        """
        import threading
        from runwright import flow, task

        never = threading.Event()

        @task(retries=5, timeout_seconds=60)
        def hangs():
            never.wait()

        @flow(timeout_seconds=1)
        def main():
            hangs.submit()
            hangs()
        """
    )
    assert outcome.state == "TimedOut"
    assert outcome.tasks == {"hangs-0": "Cancelled", "hangs-1": "Cancelled"}
    assert outcome.seconds < 15


HUNG = """
import asyncio, socket
from pathlib import Path
from runwright import flow, task

here, there = socket.socketpair()

@task
def receives():
    here.recv(1)

@task
async def blocks_its_loop():
    here.recv(1)

@flow
{colour} main():
    futures = [receives.submit(), blocks_its_loop.submit()]
    later = receives.submit(wait_for=futures)
    Path({up!r}).touch()
    {wait}
"""
WAITS = {
    "for a task": ("def", "futures[0].result()"),
    "in the system": ("def", "here.recv(1)"),
    "in a loop": ("async def", "await futures[0]"),
    "in a blocked loop": ("async def", "here.recv(1)"),
}


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("way", ["with_server", "under_worker"])
def test_a_cancelled_run_ends_with_all_its_tasks(ways, way, wait, tmp_path):
    colour, body = WAITS[wait]
    up = tmp_path / "up"
    program = HUNG.format(colour=colour, up=str(up), wait=body)
    site, begun = ways.site, time.monotonic()
    if way == "under_worker":
        run = ways.start(program)
    else:
        known = {each["id"] for each in ways.roots()}
        variables = {"RUNWRIGHT_API_URL": site.url, "RUNWRIGHT_HOME": str(site.home)}
        by_hand = subprocess.Popen(
            [sys.executable, str(ways.write(program))], env={**os.environ, **variables}
        )
    site.until(up.exists, BOUND)
    if way == "with_server":
        (run,) = [each["id"] for each in ways.roots() if each["id"] not in known]
    cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    site.ask("POST", f"/flow_runs/{run}/set_state", cancelling)
    try:
        ways.until_ended(run)
        assert way == "under_worker" or by_hand.wait(BOUND) == 1
    finally:
        if way == "with_server":
            by_hand.kill()
            by_hand.wait()
    outcome = ways.outcome_of(run)
    assert outcome.state == "Cancelled"
    assert set(outcome.tasks.values()) == {"Cancelled"}
    assert time.monotonic() - begun < BOUND


@pytest.mark.parametrize("way", ["with_server", "under_worker"])
@pytest.mark.parametrize(
    ("colour", "acquire", "called"),
    [
        ("def", "with concurrency({limit!r}, occupy=1):", "waits()"),
        ("def", "with concurrency({limit!r}, occupy=1):", "waits.submit().result()"),
        (
            "async def",
            "async with concurrency_async({limit!r}, occupy=1):",
            "waits.submit().result()",
        ),
    ],
)
def test_waiting_for_a_slot_does_not_count(ways, way, colour, acquire, called):
    limit = f"slots-{ways.count}"
    ways.site.ask("POST", "/v2/concurrency_limits/", {"name": limit, "limit": 1})
    outcome = getattr(ways, way)(
        f"""
        import threading
        from runwright import flow, task
        from runwright.concurrency.sync import concurrency
        from runwright.concurrency.asyncio import concurrency as concurrency_async

        taken = threading.Event()

        @task
        def holds():
            with concurrency({limit!r}, occupy=1):
                taken.set()
                threading.Event().wait(2.5)

        @task(timeout_seconds=1)
        {colour} waits():
            {acquire.format(limit=limit)}
                pass

        @flow
        def main():
            held = holds.submit()
            taken.wait(20)
            {called}
            held.wait()
        """
    )
    assert outcome.state == "Completed", outcome
    assert outcome.tasks == {"holds-0": "Completed", "waits-0": "Completed"}
