"""Child processes of a flow: they end, obey their own signals, and their words reach its log."""

import pytest

CHILDREN = """
import logging, multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from runwright import flow, get_run_logger, task

def talk(name):
    print("printed by", name)
    get_run_logger().warning("logged by %s", name)

def talk_much(count):
    for number in range(count):
        print("line", number)

def sleep_long():
    time.sleep(60)

@task(log_prints=True)
def talks_in_a_task(method):
    context = multiprocessing.get_context(method)
    child = context.Process(target=talk, args=("a task's " + method,))
    child.start()
    child.join(20)
    return child.exitcode
"""
METHODS = ["fork", "spawn", "forkserver"]


@pytest.mark.parametrize("method", METHODS)
def test_what_children_say_reaches_the_log(run, method):
    outcome = run(
        CHILDREN
        + f"""
@flow(log_prints=True)
def main():
    context = multiprocessing.get_context({method!r})
    child = context.Process(target=talk, args=({method!r},))
    child.start()
    child.join(20)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(talk, "a pool's " + {method!r}).result(20)
    in_task = talks_in_a_task.submit({method!r}).result()
    assert [child.exitcode, in_task] == [0, 0]
"""
    )
    assert outcome.state == "Completed", outcome
    for name in (method, f"a pool's {method}", f"a task's {method}"):
        assert outcome.log.count(f"printed by {name}") == 1
        assert outcome.log.count(f"logged by {name}") == 1
    assert outcome.tasks == {"talks_in_a_task-0": "Completed"}


@pytest.mark.parametrize("method", METHODS)
def test_a_terminated_child_ends_at_once_by_that_signal(run, method):
    outcome = run(
        CHILDREN
        + f"""
@flow
def main():
    child = multiprocessing.get_context({method!r}).Process(target=sleep_long)
    child.start()
    time.sleep(0.2)
    begun = time.monotonic()
    child.terminate()
    child.join(20)
    took = time.monotonic() - begun
    get_run_logger().info("ended by %s within %s", child.exitcode, "a second" if took < 1 else took)
"""
    )
    assert outcome.state == "Completed"
    # A child that is still on its way up when the signal comes ends by it too.
    assert outcome.says("ended by -15 within a second"), outcome.log


def test_a_child_that_prints_much_ends_and_nothing_is_lost(run):
    outcome = run(
        CHILDREN
        + """
@flow(log_prints=True)
def main():
    child = multiprocessing.get_context("fork").Process(target=talk_much, args=(20_000,))
    child.start()
    child.join(25)
    assert child.exitcode == 0
"""
    )
    assert outcome.state == "Completed"
    assert [line for line in outcome.log if line.startswith("line")] == [
        f"line {number}" for number in range(20_000)
    ]


LEAVES = {
    "by sys.exit": ("sys.exit(5)", 5),
    "by an error": ("raise ValueError('the child')", 1),
    "by its end": ("return None", 0),
}


@pytest.mark.parametrize("way", LEAVES)
@pytest.mark.parametrize("where", ["flow", "task", "async flow"])
def test_a_fork_by_hand_hangs_neither_of_the_two(run, way, where):
    leaves, code = LEAVES[way]
    body = f"""
    pid = os.fork()
    if pid == 0:
        get_run_logger().info("in the child")
        {leaves}
    _, status = os.waitpid(pid, 0)
    get_run_logger().info("the child's code is %d", os.waitstatus_to_exitcode(status))
"""
    program = f"""
import os, sys
from runwright import flow, get_run_logger, task

def on_end(flow, flow_run, state):
    get_run_logger().info("the hook for %s", state.name)

{"@task" if where == "task" else "@flow(on_crashed=[on_end], on_failure=[on_end])"}
{"async " if where == "async flow" else ""}def {"forks" if where == "task" else "main"}():{body}
"""
    if where == "task":
        program += "@flow\ndef main():\n    forks()\n"
    outcome = run(program)
    assert outcome.state == "Completed", outcome
    assert outcome.says(f"the child's code is {code}")
    assert outcome.log.count("in the child") == 1
    assert not outcome.says("the hook for")
    assert set(outcome.tasks.values()) <= {"Completed"}


def test_a_forked_child_may_run_tasks_of_its_own(run):
    outcome = run(
        """
        import multiprocessing
        from runwright import flow, task

        @task
        def inside(n):
            return n

        @task
        def warm(n):
            pass

        def work():
            assert inside(1) == 1
            assert inside.submit(2).result(timeout=20) == 2
            assert inside.map([3, 4]).result() == [3, 4]

        @flow
        def main():
            warm.map(range(20)).wait()
            child = multiprocessing.get_context("fork").Process(target=work)
            child.start()
            child.join(25)
            assert child.exitcode == 0
        """
    )
    assert outcome.state == "Completed", outcome
    assert [name for name in outcome.tasks if name.startswith("inside")] != []
    assert set(outcome.tasks.values()) == {"Completed"}


def test_the_tasks_of_a_child_that_is_killed_have_an_end(run):
    outcome = run(
        """
        import multiprocessing, os, signal
        from runwright import flow, task
        from runwright.task_runners import ProcessPoolTaskRunner

        @task
        def kills_itself():
            os.kill(os.getpid(), signal.SIGKILL)

        @task
        def outer():
            kills_itself()

        @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
        def main():
            child = multiprocessing.get_context("fork").Process(target=kills_itself)
            child.start()
            child.join(25)
            assert child.exitcode == -9
            outer.submit().wait()
            return 1
        """
    )
    assert outcome.state == "Completed", outcome
    assert len(outcome.tasks) >= 2
    assert set(outcome.tasks.values()) <= {"Crashed", "Failed"}
