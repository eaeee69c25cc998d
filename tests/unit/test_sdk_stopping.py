"""How flows are ended from outside, and how claimed runs go on."""

import asyncio
import os
import signal
import threading
from types import SimpleNamespace
from uuid import UUID

import pytest

from runwright import runtime
from runwright.api.executions import ExecutionSpec
from runwright.api.journal import FlowRunPatched, FlowRunProposed
from runwright.core.effects import RunStopped
from runwright.errors import CancelledRun
from runwright.sdk.flows import flow, run_claimed_flow
from runwright.sdk.runners.threads import ThreadPoolTaskRunner
from runwright.sdk.tasks import task
from runwright.testing.channel import MemoryChannel, in_memory

SETTINGS = SimpleNamespace(
    persist_results=False, task_default_retries=0, log_level="INFO", log_extra_loggers=[]
)


@pytest.fixture
def world():
    with in_memory(SETTINGS) as environment:
        yield environment


def states(world):
    return [state.name for state in world.channel.flow_states]


@task
def good(x=1):
    return x


@task
def bad():
    raise ValueError("no")


def test_a_flow_that_takes_too_long(world):
    @flow(timeout_seconds=0.05)
    def endless():
        threading.Event().wait(10)

    @flow(timeout_seconds=0.02)
    async def endless_async():
        await asyncio.Event().wait()

    assert endless(return_state=True).name == "TimedOut"
    with pytest.raises(TimeoutError):
        asyncio.run(endless_async())


def test_a_timeout_in_a_thread(world):
    results = []

    @flow(timeout_seconds=0.05)
    def endless():
        while True:
            pass

    def run():
        with in_memory(SETTINGS):
            results.append(endless(return_state=True).name)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert results == ["TimedOut"]


@pytest.mark.parametrize(("error", "name"), [(KeyboardInterrupt, "Crashed"), (None, "Cancelled")])
def test_submitted_tasks_end_with_an_interrupted_flow(world, error, name):
    begun = threading.Event()

    @task
    def endless():
        begun.set()
        while True:
            pass

    @flow(timeout_seconds=0.5)
    def main():
        futures.append(endless.submit())
        begun.wait(5)
        if error is not None:
            raise error
        threading.Event().wait(10)

    futures = []
    with pytest.raises(error or TimeoutError):
        main()
    assert futures[0].state.name == name


def test_an_interrupt_crashes_the_run_and_comes_out(world):
    @flow(retries=3)
    def main():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        main()
    assert states(world) == ["Running", "Crashed"]


def test_a_cancellation_ends_a_run_by_hand(world):
    @flow
    def main():
        world.channel.stop("cancelled")
        while True:
            pass

    with pytest.raises(CancelledRun, match="was cancelled"):
        main()
    assert states(world) == ["Running", "Cancelled"]
    assert not any("Traceback" in message for message in world.channel.messages)


def test_a_cancellation_ends_an_async_run_and_its_tasks(world):
    seen = []

    @task
    async def forever():
        world.channel.stop("cancelled")
        await asyncio.Event().wait()

    @flow(on_cancellation=[lambda *args: seen.append(args[2].name)])
    async def main():
        await forever()

    with pytest.raises(CancelledRun):
        asyncio.run(main())
    assert seen == ["Cancelled"]
    assert [state.name for state in world.channel.task_states] == ["Running", "Cancelled"]


def test_a_cancellation_ends_submitted_tasks_too(world):
    begun = threading.Event()

    @task
    def endless():
        begun.set()
        while True:
            pass

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def main():
        futures.extend([endless.submit(), endless.submit()])
        begun.wait(5)
        world.channel.stop("cancelled")
        futures[0].wait()

    futures = []
    with pytest.raises(CancelledRun):
        main()
    assert [future.state.name for future in futures] == ["Cancelled", "Cancelled"]
    assert states(world) == ["Running", "Cancelled"]


SPEC = ExecutionSpec(
    flow_run_id=UUID(int=1000), flow_run_name="claimed", flow_id=UUID(int=1001), flow_name="main",
    token=3, execution_id=UUID(int=1002), credential="x", tags=["deployed"],
    deployment_id=UUID(int=1003), deployment_name="nightly", attempt=2,
)  # fmt: skip


def claimed(world):
    return MemoryChannel(SPEC.flow_run_id, SPEC.execution_id, world.clock)


def grant(channel, world):
    """As the flow's process does before it loads any of the user's code."""
    from runwright.core.engine import Life
    from runwright.core.states import StateType

    running = Life(world.clock.now, world.new_id).state(StateType.RUNNING, "Running")
    channel.propose(FlowRunProposed(flow_run_id=SPEC.flow_run_id, state=running))
    return channel


@pytest.mark.parametrize("is_async", [False, True])
def test_a_claimed_run_goes_on_from_running(world, is_async):
    def look(x: int):
        return runtime.deployment.name, runtime.flow_run.attempt, runtime.flow_run.tags, x

    async def look_async(x: int):
        return look(x)

    channel = grant(claimed(world), world)
    main = flow(look_async if is_async else look)
    state = run_claimed_flow(main, {"x": 1}, spec=SPEC, channel=channel)
    assert state.result() == ("nightly", 2, ["deployed"], 1)
    assert [s.name for s in channel.flow_states] == ["Running", "Completed"]
    assert channel.of_kind(FlowRunPatched)[0].shown_parameters == {"x": 1}


def test_a_failed_claimed_run_returns_its_state(world):
    @flow
    def main():
        raise ValueError("no")

    channel = grant(claimed(world), world)
    assert run_claimed_flow(main, {}, spec=SPEC, channel=channel).name == "Failed"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stopped_claimed_run_is_cancelled_in_the_midst_of_a_system_call(world, is_async):
    channel = grant(claimed(world), world)

    @flow
    def main():
        channel.stop("cancelled")
        threading.Event().wait(10)

    @flow
    async def main_async():
        channel.stop("cancelled")
        await asyncio.Event().wait()

    chosen = main_async if is_async else main
    assert run_claimed_flow(chosen, {}, spec=SPEC, channel=channel).name == "Cancelled"


def test_a_claimed_run_that_is_shut_down_reports_nothing(world):
    channel = grant(claimed(world), world)

    @flow
    def main():
        channel.stop("shutdown")
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)

    with pytest.raises(RunStopped, match="shutdown"):
        run_claimed_flow(main, {}, spec=SPEC, channel=channel)
    assert [s.name for s in channel.flow_states] == ["Running"]
