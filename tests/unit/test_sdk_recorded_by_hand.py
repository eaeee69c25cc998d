"""Whole runs by hand without a server: what the script sees, and what its journal says."""

import subprocess
import sys
import textwrap

import msgspec
import pytest

from runwright.api.journal import AnyEntry, ArtifactMade, FlowRunProposed, LogWritten


@pytest.fixture
def script(tmp_path, home_of_its_own):
    """Run a program; its outcome, and the entries of each journal it left."""

    def script(text):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(text))
        done = subprocess.run(
            [sys.executable, str(path)], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        journals = []
        for journal in sorted((home_of_its_own / "spool").glob("*.journal")):
            lines = journal.read_bytes().splitlines()[1:]
            journals.append([msgspec.json.decode(line, type=AnyEntry) for line in lines])
        return done, journals

    return script


def last_state(journal):
    return [entry.state for entry in journal if isinstance(entry, FlowRunProposed)][-1]


def test_a_result_that_cannot_be_persisted_fails_the_task_and_says_why(script):
    done, (journal,) = script(
        """
        import threading
        from runwright import flow, task

        @task(persist_result=True)
        def lock():
            return threading.Lock()

        @flow
        def f():
            lock()

        f()
        """
    )
    assert done.returncode == 1
    assert "SerializationError: The result of task 'lock', of type _thread.lock" in done.stderr
    assert 'result_serializer="pickle"' in done.stderr
    assert last_state(journal).type == "FAILED"


def test_wrong_parameters_are_told_before_the_code_runs(script):
    done, _ = script(
        """
        from runwright import flow

        @flow(name="load")
        def f(day: int):
            print("it ran")

        f("today")
        """
    )
    assert done.returncode == 1
    assert "ParameterError: Flow 'load' cannot run with these parameters" in done.stderr
    assert "it ran" not in done.stdout


def test_a_cached_result_is_found_by_the_next_run(script):
    program = """
        from runwright import flow, task
        from runwright.caching import INPUTS

        @task(cache_policy=INPUTS, persist_result=True)
        def square(n):
            print("computing", n)
            return {"square": n * n, "of": (n,)}

        @flow
        def f():
            print(square(3))

        f()
        """
    first, _ = script(program)
    second, _ = script(program)
    assert first.stdout == "computing 3\n{'square': 9, 'of': (3,)}\n"
    assert second.stdout == "{'square': 9, 'of': (3,)}\n"


def test_artifacts_and_logs_are_in_the_journal(script):
    done, (journal,) = script(
        """
        from runwright import flow, get_run_logger
        from runwright.artifacts import (
            create_link_artifact, create_markdown_artifact, create_progress_artifact,
            create_table_artifact, update_progress_artifact,
        )

        @flow
        def f():
            create_markdown_artifact("# Report", key="report", description="of the day")
            create_table_artifact([{"a": 1}], key="rows")
            create_link_artifact("https://example.org", "there")
            progress = create_progress_artifact(10)
            update_progress_artifact(progress, 20)
            get_run_logger().warning("careful")

        f()
        """
    )
    assert done.returncode == 0, done.stderr
    made = [entry for entry in journal if isinstance(entry, ArtifactMade)]
    assert [(each.type, each.data) for each in made] == [
        ("markdown", "# Report"),
        ("table", '[{"a": 1}]'),
        ("markdown", "[there](https://example.org)"),
        ("progress", 10.0),
        ("progress", 20.0),
    ]
    assert (made[0].key, made[0].description) == ("report", "of the day")
    assert made[3].id == made[4].id
    assert "careful" in [entry.message for entry in journal if isinstance(entry, LogWritten)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ('create_markdown_artifact("x", key="Not This")', "cannot be the key"),
        ("create_progress_artifact(101)", "from 0 to 100"),
    ],
)
def test_an_artifact_that_makes_no_sense_is_refused(script, call, says):
    done, _ = script(
        f"""
        from runwright import flow
        from runwright.artifacts import create_markdown_artifact, create_progress_artifact

        @flow
        def f():
            {call}

        f()
        """
    )
    assert says in done.stderr


def test_an_artifact_needs_a_run(script):
    done, _ = script(
        """
        from runwright.artifacts import create_markdown_artifact
        create_markdown_artifact("x")
        """
    )
    assert "MissingContextError" in done.stderr


def test_a_killed_script_leaves_a_journal_without_an_end_that_nobody_locks(script):
    done, (journal,) = script(
        """
        import os, signal
        from runwright import flow, get_run_logger

        @flow
        def f():
            get_run_logger().info("last words")
            os.kill(os.getpid(), signal.SIGKILL)

        f()
        """
    )
    assert done.returncode == -9
    assert last_state(journal).type == "RUNNING"


def test_an_async_flow_is_recorded(script):
    done, (journal,) = script(
        """
        import asyncio
        from runwright import flow, task

        @task
        async def one():
            return 1

        @flow
        async def f():
            return sum(await asyncio.gather(*[one() for _ in range(10)]))

        print(asyncio.run(f()))
        """
    )
    assert done.stdout == "10\n"
    assert last_state(journal).type == "COMPLETED"
