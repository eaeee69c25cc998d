"""Faults of users' code before, at and after the call are failures, told with their traceback."""

import pytest
from tests.hostile.runs.conftest import Run

HEAD = """
from runwright import flow, get_run_logger, runtime, task

class Odd:
    def __format__(self, _spec):
        raise ZeroDivisionError("in a format")

class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no text")
"""


def test_a_run_name_that_asks_for_what_is_missing(run: Run) -> None:
    source = HEAD + (
        """
@flow(flow_run_name="{a}-{missing}")
def misnamed(a: int = 1):
    get_run_logger().info("never said")
"""
    )
    ended = run(source, "misnamed")
    assert ended.state == "FAILED"
    assert "'{a}-{missing}'" in ended.message
    assert "Its parameters: a." in ended.message
    assert "Traceback" in ended.text
    assert "KeyError: 'missing'" in ended.text
    assert "never said" not in ended.logs


def test_a_function_for_run_names_that_raises(run: Run) -> None:
    source = HEAD + (
        """
def name():
    return 1 / 0

@flow(flow_run_name=name)
def misnamed():
    get_run_logger().info("never said")
"""
    )
    ended = run(source, "misnamed")
    assert ended.state == "FAILED"
    assert ended.message == "ZeroDivisionError: division by zero"
    assert "return 1 / 0" in ended.text


def test_names_of_tasks(run: Run) -> None:
    source = HEAD + (
        """
@task(task_run_name="{odd}", retries=2)
def formatted(odd):
    get_run_logger().info("never said")

def name():
    raise MuteError()

@task(task_run_name=name)
def named():
    get_run_logger().info("never said")

@flow
def naming():
    states = [formatted(Odd(), return_state=True), named(return_state=True)]
    states += [formatted.submit(Odd(), return_state=True), named.submit(return_state=True)]
    assert [state.type.value for state in states] == ["FAILED"] * 4, states
    get_run_logger().info("all told")
"""
    )
    ended = run(source, "naming")
    assert ended.state == "COMPLETED", ended
    assert ended.task_runs == ["FAILED"] * 4
    assert "ZeroDivisionError: in a format" in ended.text
    assert "raise MuteError()" in ended.text
    assert "never said" not in ended.logs


@pytest.mark.ways("under_a_worker")
def test_errors_while_a_signature_is_read(run: Run) -> None:
    source = HEAD + (
        """
class Signed:
    __name__ = __qualname__ = "signed"
    def __call__(self, a=1):
        get_run_logger().info("never said")
    @property
    def __signature__(self):
        raise ZeroDivisionError("in a signature")

@flow
def unsigned(a=1):
    get_run_logger().info("never said")

unsigned.fn = Signed()
"""
    )
    ended = run(source, "unsigned")
    assert ended.state == "FAILED"
    assert ended.message == "ZeroDivisionError: in a signature"
    assert 'raise ZeroDivisionError("in a signature")' in ended.text


def test_generators_that_raise(run: Run) -> None:
    source = HEAD + (
        """
@task
def part():
    yield 1
    raise KeyError("in a part")

@flow
def parts():
    try:
        for _ in part():
            pass
    except KeyError:
        pass
    raise MuteError()
"""
    )
    ended = run(source, "parts")
    assert ended.state == "FAILED"
    assert ended.task_runs == ["FAILED"]
    assert 'raise KeyError("in a part")' in ended.text
    assert "raise MuteError()" in ended.text


def test_hooks_and_functions_for_names_run_inside_the_run(run: Run) -> None:
    source = HEAD + (
        """
def tell(owner, run, state):
    get_run_logger().info("%s of %s is %s", runtime.flow_run.name, run.name, state.name)
    raise MuteError()

async def tell_later(owner, run, state):
    get_run_logger().info("later: %s", runtime.flow_run.parameters)

def task_name():
    return f"{runtime.task_run.task_name}-{runtime.task_run.parameters['b']}"

class Part:
    a = 7

    @task(task_run_name=task_name, on_completion=[tell])
    def named(self, b):
        return runtime.task_run.parameters["b"]

    @task(task_run_name="part {self.a} of {b}", on_completion=[tell])
    def formatted(self, b):
        pass

@flow(flow_run_name=lambda: "named-" + str(runtime.flow_run.parameters["x"]),
      on_running=[tell], on_completion=[tell, tell_later])
def hooked(x: int = 3):
    assert Part().named(4) == 4
    Part().formatted.submit(5).result()
"""
    )
    ended = run(source, "hooked")
    assert ended.state == "COMPLETED", ended
    assert ended.name == "named-3"
    said = [line for line in ended.logs if " is " in line]
    assert said == [
        "named-3 of named-3 is Running",
        "named-3 of named-4 is Completed",
        "named-3 of part 7 of 5 is Completed",
        "named-3 of named-3 is Completed",
    ]
    assert "later: {'x': 3}" in ended.logs
    assert sum("raise MuteError()" in line for line in ended.logs) == 4
