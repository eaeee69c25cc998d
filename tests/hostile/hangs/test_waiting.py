"""Tasks that wait for tasks: no pool runs dry, and nothing waits for itself."""

import pytest

NESTED = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
from runwright import flow, task
from runwright.futures import as_completed, wait
from runwright.task_runners import ThreadPoolTaskRunner

@task
def inner(n):
    return n

@task
async def inner_async(n):
    await asyncio.sleep(0)
    return n

def two(n, inner):
    return [inner.submit(n), inner.submit(n)]

@task
def by_as_completed(n):
    return sum(f.result() for f in as_completed(two(n, inner)))

@task
def by_timeout(n):
    return sum(f.result(timeout=25) for f in two(n, inner))

@task
def by_wait(n):
    futures = two(n, inner)
    wait(futures, timeout=25)
    return sum(f.result() for f in futures)

@task
async def by_await(n):
    return sum([await f for f in two(n, inner)])

@task
async def by_blocking_async(n):
    return sum(f.result() for f in two(n, inner_async))

@task
def by_own_threads(n):
    with ThreadPoolExecutor(2) as threads:
        return sum(threads.map(lambda f: f.result(), two(n, inner)))

ALL = [by_as_completed, by_timeout, by_wait, by_await, by_blocking_async, by_own_threads]

def each_once(count):
    for outer in ALL:
        assert outer.map(range(count)).result() == [2 * n for n in range(count)]
"""
ON_THE_DEFAULT_RUNNER = (
    NESTED
    + """
@flow
def main():
    each_once(100)
"""
)
WITH_ONE_WORKER = (
    NESTED
    + """
@flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
def main():
    each_once(10)
"""
)


@pytest.mark.parametrize(
    ("program", "count"), [(ON_THE_DEFAULT_RUNNER, 100), (WITH_ONE_WORKER, 10)]
)
def test_a_pool_runs_dry_for_no_kind_of_wait(run, program, count):
    outcome = run(program)
    assert outcome.state == "Completed", outcome
    assert set(outcome.tasks.values()) == {"Completed"}
    assert len(outcome.tasks) == 6 * count * 3


def test_asynchronous_tasks_that_block_hold_up_no_other(run):
    outcome = run(
        """
        import time
        from runwright import flow, get_run_logger, task

        @task
        async def blocks():
            time.sleep(1)

        @flow
        def main():
            begun = time.monotonic()
            futures = [blocks.submit() for _ in range(4)]
            for future in futures:
                future.wait()
            get_run_logger().info("took %.1f", time.monotonic() - begun)
        """
    )
    assert outcome.state == "Completed"
    (took,) = [float(line.split()[1]) for line in outcome.log if line.startswith("took")]
    assert 1 <= took < 3


def test_what_is_added_to_a_list_after_the_submission_is_not_waited_for(run):
    outcome = run(
        """
        from runwright import flow, task

        @task
        def t(x):
            return len(x) if isinstance(x, list) else x

        @flow
        def main():
            queue = []
            for i in range(3):
                queue.append(t.submit(i, wait_for=queue))
            items = []
            items.append(t.submit(items))
            more = [t.submit(7)]
            more.append(t.submit(more))
            return [each.result() for each in [*queue, *items, *more]]
        """
    )
    assert outcome.state == "Completed"
    assert set(outcome.tasks.values()) == {"Completed"}


@pytest.mark.parametrize(
    ("colour", "ask"), [("def", "box[0].result()"), ("async def", "await box[0]")]
)
def test_a_run_that_waits_for_its_own_future_is_told(run, colour, ask):
    outcome = run(
        f"""
        import threading
        from runwright import flow, task

        box, is_there = [], threading.Event()

        @task
        {colour} selfish():
            is_there.wait(10)
            return {ask}

        @flow
        def main():
            box.append(selfish.submit())
            is_there.set()
            return box[0]
        """
    )
    assert outcome.state == "Failed"
    assert outcome.tasks == {"selfish-0": "Failed"}
    assert outcome.says("ValueError: Task run 'selfish-0' cannot wait for its own future")
