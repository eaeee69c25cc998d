"""Every task run has an end when its flow has, whatever becomes of the two."""

import pytest


def test_a_retry_condition_that_raises_loses_no_error(run):
    outcome = run(
        """
        from runwright import flow, task

        def judge(task, task_run, state):
            raise KeyError("judge")

        @task(retries=2, retry_condition_fn=judge)
        def breaks():
            raise ValueError("its own")

        @flow
        def main():
            breaks.submit().wait()
            breaks(return_state=True)
            return 1
        """
    )
    assert outcome.state == "Completed"
    assert outcome.tasks == {"breaks-0": "Failed", "breaks-1": "Failed"}
    assert outcome.says("KeyError: 'judge'")
    assert outcome.says("failed: ValueError: its own")


@pytest.mark.parametrize("colour", ["def", "async def"])
def test_tasks_that_a_runner_drops_are_recorded(run, colour):
    outcome = run(
        f"""
        import threading
        from runwright import flow, task
        from runwright.task_runners import ThreadPoolTaskRunner

        begun, go = threading.Event(), threading.Event()

        @task
        {colour} waits():
            begun.set()
            go.wait(20)

        @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
        def main():
            futures = [waits.submit() for _ in range(4)]
            begun.wait(20)
            futures[-1].add_done_callback(lambda _: go.set())
            raise ValueError("the flow")
        """
    )
    assert outcome.state == "Failed"
    assert outcome.tasks == {
        "waits-0": "Completed",
        **{f"waits-{n}": "Cancelled" for n in (1, 2, 3)},
    }
    assert outcome.says("Its flow failed before it could begin.")


def test_what_a_flow_leaves_behind_ends_with_it(run):
    """Tasks and subflows in daemon threads, a task that nobody awaits, and a generator."""
    outcome = run(
        """
        import asyncio, contextvars, threading
        from runwright import flow, task

        begun, never = threading.Barrier(3), threading.Event()

        @task
        def hangs():
            begun.wait(20)
            never.wait()

        @flow(flow_run_name="hanging-flow")
        def hangs_too():
            hangs()

        @task
        async def nobody_awaits():
            await asyncio.Event().wait()

        @task
        def counts():
            yield from range(3)

        kept = []

        @flow
        async def main():
            for target in (hangs, hangs_too):
                context = contextvars.copy_context()
                threading.Thread(target=context.run, args=(target,), daemon=True).start()
            kept.append(asyncio.create_task(nobody_awaits()))
            await asyncio.sleep(0)
            kept.append(counts())
            next(kept[-1])
            begun.wait(20)
            return 1
        """
    )
    assert outcome.state == "Completed"
    ends = set(outcome.tasks.values())
    assert ends == {"Cancelled"}, outcome.tasks
    assert outcome.subflows == {"hanging-flow": "Cancelled"}


def test_flows_nested_too_deep_all_have_an_end(run):
    outcome = run(
        """
        import sys
        from runwright import flow

        @flow
        def deeper(n):
            return deeper(n + 1)

        @flow
        def main():
            sys.setrecursionlimit(400)
            deeper(0)
        """
    )
    assert outcome.state == "Failed"
    assert "RecursionError" in outcome.message
    assert outcome.subflows
    assert set(outcome.subflows.values()) <= {"Failed", "Cancelled"}
