"""Submitted tasks: futures, maps, what they wait for, and where they run."""

import asyncio
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from runwright.api.journal import TaskRunMoved
from runwright.errors import FlowError, MissingContextError, NotReadyRun
from runwright.sdk.annotations import allow_failure, quote, unmapped
from runwright.sdk.flows import flow
from runwright.sdk.futures import as_completed, wait
from runwright.sdk.runners.threads import ThreadPoolTaskRunner
from runwright.sdk.tasks import task
from runwright.testing.channel import in_memory

SETTINGS = SimpleNamespace(
    persist_results=False, task_default_retries=0, log_level="INFO", log_extra_loggers=[]
)


@pytest.fixture
def world():
    with in_memory(SETTINGS) as environment:
        yield environment


def run_in_flow(body):
    return flow(body)()


def names(world):
    return [state.name for state in world.channel.task_states]


@task
def add(a, b=1):
    return a + b


@task
def broken():
    raise ValueError("no")


def test_an_async_task_is_awaited(world):
    @task
    async def double(x):
        await asyncio.sleep(0)
        return 2 * x

    @flow
    async def main():
        return await asyncio.gather(*(double(i) for i in range(5)))

    assert asyncio.run(main()) == [0, 2, 4, 6, 8]
    assert names(world).count("Completed") == 5


def test_a_submitted_generator_gives_its_list(world):
    @task
    def count(n):
        yield from range(n)

    assert run_in_flow(lambda: count.submit(3).result()) == [0, 1, 2]


def test_retries_wait_as_long_as_their_delays_say(world):
    calls = []

    @task(retries=3, retry_delay_seconds=[1, 10])
    def flaky():
        calls.append(1)
        if len(calls) < 4:
            raise ValueError(len(calls))
        return "there"

    assert run_in_flow(flaky) == "there"
    assert world.slept == [1, 10, 10]
    assert names(world) == [
        "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "AwaitingRetry",
        "Retrying", "Completed",
    ]  # fmt: skip


def test_futures_in_arguments_are_resolved_at_any_depth(world):
    @dataclass
    class Box:
        inside: object

    @task
    def total(parts):
        return parts["list"][0] + parts["box"].inside + sum(parts["set"])

    @flow
    def main():
        one = add.submit(0)
        parts = {"list": [one, "x"], "box": Box(add.submit(one)), "set": {3}}
        return total.submit(parts).result()

    assert main() == 6


def test_the_lineage_of_arguments_is_recorded(world):
    @flow
    def main():
        one = add.submit(0)
        add(one, b=2)
        return str(one.task_run_id)

    run_id = main()
    told = [entry.run for entry in world.channel.of_kind(TaskRunMoved) if entry.run]
    assert told[1].task_inputs == {"a": [{"input_type": "task_run", "id": run_id}]}


def test_a_task_after_a_failed_one_is_not_ready(world):
    @flow
    def main():
        state = add.submit(broken.submit(), return_state=True)
        assert (state.name, state.type) == ("NotReady", "PENDING")
        with pytest.raises(NotReadyRun, match="broken-1"):
            add(broken.submit())

    main()


def test_allow_failure_passes_the_error(world):
    @task
    def look(x):
        return type(x).__name__

    @flow
    def main():
        return look(allow_failure(broken.submit())), look(quote(5)), look([quote(add)])

    assert main() == ("ValueError", "int", "list")


def test_wait_for_orders_without_passing(world):
    @flow
    def main():
        first = broken.submit()
        assert add(1, wait_for=[allow_failure(first)]) == 2
        return add.submit(1, wait_for=[first]).state.name or "", add.submit(
            1, wait_for=[first], return_state=True
        ).name

    assert main()[1] == "NotReady"


def test_map_takes_iterables_apart_and_leaves_the_rest_whole(world):
    @task
    def join(a, b, c, d="."):
        return f"{a}{b}{c}{d}"

    @flow
    def main():
        return join.map([1, 2], b=unmapped([3]), c="xy", d=(i for i in "pq")).result()

    assert main() == ["1[3]xyp", "2[3]xyq"]


@pytest.mark.parametrize(
    ("args", "message"), [((1,), "none of its arguments"), (([1], [1, 2]), "different lengths")]
)
def test_what_cannot_be_mapped(world, args, message):
    with pytest.raises(FlowError, match=message):
        run_in_flow(lambda: add.map(*args))


def test_map_over_a_future_of_a_list(world):
    @task
    def some():
        return [1, 2, 3]

    assert run_in_flow(lambda: add.map(some.submit()).result()) == [2, 3, 4]


def test_a_thousand_mapped_tasks_are_all_recorded(world):
    assert run_in_flow(lambda: sum(add.map(range(1000)).result())) == 500_500
    assert names(world).count("Completed") == 1000


def test_tasks_left_alone_end_before_the_flow(world):
    begun = threading.Event()

    @task
    def late():
        begun.wait(5)

    @flow
    def main():
        late.submit()
        begun.set()

    main()
    assert names(world) == ["Pending", "Running", "Completed"]


def test_nested_submits_do_not_exhaust_a_small_pool(world):
    @task
    def fib(n):
        if n < 2:
            return n
        left, right = fib.submit(n - 1), fib.submit(n - 2)
        return left.result() + right.result()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def main():
        return fib.submit(7).result()

    assert main() == 13


def test_async_tasks_can_be_submitted_and_mapped(world):
    @task
    async def double(x):
        return 2 * x

    @flow
    def main():
        return double.submit(4).result(), double.map([1, 2]).result()

    assert main() == (8, [2, 4])


def test_a_future_can_be_awaited(world):
    @flow
    async def main():
        return await add.submit(1)

    assert asyncio.run(main()) == 2


def test_wait_and_as_completed(world):
    gate = threading.Event()

    @task
    def slow():
        gate.wait(5)
        return "slow"

    @flow
    def main():
        futures = [slow.submit(), add.submit(1)]
        results = []
        for future in as_completed(futures, timeout=5):
            results.append(future.result())
            if len(results) == 1:
                assert {f.name for f in wait(futures, timeout=0).not_done} == {"slow-0"}
                gate.set()
        return results

    assert main() == [2, "slow"]


def test_a_result_that_is_not_there_in_time(world):
    gate = threading.Event()

    @task
    def slow():
        gate.wait(5)

    @flow
    def main():
        future = slow.submit()
        with pytest.raises(TimeoutError, match="slow-0"):
            future.result(timeout=0.01)
        gate.set()

    main()


def test_done_callbacks_are_called(world):
    seen = []

    @flow
    def main():
        future = add.submit(1)
        future.add_done_callback(lambda f: seen.append(f.result()))
        future.wait()

    main()
    assert seen == [2]


def test_submitting_needs_a_flow():
    with pytest.raises(MissingContextError, match="outside a flow"):
        add.submit(1)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_tasks_that_wait_their_turn_are_dropped_when_the_flow_fails(world, colour):
    began, go = threading.Event(), threading.Event()
    ran = []

    @task
    def first():
        began.set()
        go.wait(30)
        ran.append("first")

    @task
    def later(x):
        ran.append(x)

    def body(futures):
        futures.append(first.submit())
        began.wait(30)
        futures += later.map(range(3))
        futures[1].add_done_callback(lambda _: go.set())
        raise ValueError("the flow")

    futures = []
    if colour == "sync":

        @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
        def main():
            body(futures)

        state = main(return_state=True)
    else:

        @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
        async def main():
            body(futures)

        state = asyncio.run(main(return_state=True))
    assert state.is_failed()
    assert ran == ["first"]
    assert [each.state.name for each in futures] == ["Completed"] + ["Cancelled"] * 3
