"""Tasks in processes of their own."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from runwright.errors import CrashedRun, SerializationError
from runwright.sdk.flows import flow
from runwright.sdk.runners.processes import ProcessPoolTaskRunner
from runwright.sdk.tasks import task
from runwright.testing.channel import in_memory

SETTINGS = SimpleNamespace(
    persist_results=False, task_default_retries=0, log_level="INFO", log_extra_loggers=[]
)


@task
def inner():
    return os.getpid()


@task(log_prints=True, retries=1)
def outer(x):
    print("x is", x)  # noqa: T201
    if x == "bad":
        raise ValueError(x)
    return os.getpid(), inner()


@task
async def coloured(x):
    return x


@task
def dies():
    os._exit(3)


@task
def returns_a_lock():
    import threading

    return threading.Lock()


def test_calls_go_to_other_processes_and_the_record_comes_back():
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def main():
        first = outer.submit(coloured.submit("good"))
        failed = outer.submit("bad", return_state=True)
        return first.result(), failed.message, returns_a_lock.submit(return_state=True).message

    with in_memory(SETTINGS) as world:
        (pid, inner_pid), message, about_locks = main()
    assert pid == inner_pid != os.getpid()
    assert message == "ValueError: bad"
    assert "cannot be pickled" in about_locks
    messages = world.channel.messages
    assert messages.index("x is good") < messages.index("x is bad")
    told = [entry.run.name for entry in world.channel.entries if getattr(entry, "run", None)]
    assert sorted(told) == ["coloured-0", "inner-0", "outer-0", "outer-1", "returns_a_lock-0"]


def test_a_process_that_dies_and_a_call_that_cannot_travel():
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def main():
        lock = __import__("threading").Lock()
        states = [dies.submit(return_state=True), coloured.submit(lock, return_state=True)]
        return [type(state.result(raise_on_failure=False)) for state in states], coloured.submit(
            1
        ).result()

    with in_memory(SETTINGS):
        assert main() == ([CrashedRun, SerializationError], 1)


def test_a_copy_has_the_same_options():
    runner = ProcessPoolTaskRunner(max_workers=3, start_method="forkserver").duplicate()
    assert (runner.max_workers, runner.start_method) == (3, "forkserver")


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    """The processes load this file by its name, as they would a user's module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
