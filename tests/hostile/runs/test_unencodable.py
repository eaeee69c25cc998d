"""Nothing that a user puts in stops the journal: texts, values, objects that raise."""

import pytest
from tests.hostile.runs.conftest import Run

HEAD = """
import enum, sys, time, math
from runwright import flow, task, get_run_logger, tags
from runwright.artifacts import (
    create_link_artifact, create_markdown_artifact, create_progress_artifact, create_table_artifact,
)

BAD = b"r\\xe9sum\\xe9".decode("utf-8", "surrogateescape")

class Mute:
    def __str__(self):
        raise RuntimeError("no text")
    __repr__ = __str__

class MuteError(Exception):
    __str__ = Mute.__str__

class Liar:
    @property
    def __class__(self):
        raise RuntimeError("no class")
    def __getattr__(self, name):
        raise RuntimeError("no " + name)
"""

READABLE = "r\ufffdsum\ufffd"


def test_texts_that_are_no_unicode_are_recorded_and_said_once(run: Run) -> None:
    source = (
        HEAD
        + """
@task(task_run_name="task-" + BAD, tags=["tag-" + BAD])
def shout(word):
    print(word)
    return word

@flow(log_prints=True, flow_run_name="run-" + BAD)
def shouting(word: str = BAD):
    print(BAD, "nul:\\0")
    get_run_logger().warning("log %s", BAD)
    with tags("with-" + BAD):
        shout(BAD)
    shout.submit(BAD).result()
    create_markdown_artifact("text " + BAD, key="text", description=BAD)
    create_link_artifact("http://x.example/" + BAD)
    create_table_artifact([{BAD: BAD}])
"""
    )
    ended = run(source, "shouting")
    assert ended.state == "COMPLETED"
    assert ended.name == f"run-{READABLE}"
    assert f"{READABLE} nul:\ufffd" in ended.logs
    assert f"log {READABLE}" in ended.logs
    assert ended.logs.count(READABLE) == 2
    assert sum("cannot be stored" in line for line in ended.logs) == 1
    assert len(ended.artifacts) == 3
    assert ended.task_runs == ["COMPLETED"] * 2


def test_the_text_of_an_error_that_is_no_unicode(run: Run) -> None:
    source = (
        HEAD
        + """
@flow
def failing():
    raise ValueError(BAD)
"""
    )
    ended = run(source, "failing")
    assert ended.state == "FAILED"
    assert ended.message == f"ValueError: {READABLE}"
    assert f"ValueError: {READABLE}" in ended.text or "ValueError: r\\udce9" in ended.text


def test_an_error_without_a_text(run: Run) -> None:
    source = (
        HEAD
        + """
@task
def part():
    raise MuteError()

@flow
def failing_mutely():
    part(return_state=True)
    raise MuteError()
"""
    )
    ended = run(source, "failing_mutely")
    assert ended.state == "FAILED"
    assert "MuteError" in ended.message
    assert "__str__ raised RuntimeError" in ended.message
    assert ended.task_runs == ["FAILED"]


def test_values_without_a_form(run: Run) -> None:
    source = (
        HEAD
        + """
nested = []
nested.append(nested)
deep = {}
for _ in range(3000):
    deep = {"a": deep}

class Colour(enum.Enum):
    RED = object()

class Name(str):
    def __str__(self):
        raise RuntimeError("no text")

@flow
def strange(
    mute=Mute(), liar=Liar(), huge=10**6000, big=2**70, nan=math.nan, inf=math.inf,
    some_bytes=b"\\xff\\x00", a_set={1, (2, 3)}, nested=nested, deep=deep, colour=Colour.RED,
    name=Name("n"), keys={(1, 2): 3, 2**70: 4, None: 5}, a_type=Mute, function=len,
):
    get_run_logger().info("%s %r", mute, liar)
    get_run_logger().info(mute)
    get_run_logger().info("%d", "no number")
    assert math.isnan(nan) and big == 2**70 and huge == 10**6000
    assert some_bytes == b"\\xff\\x00" and a_set == {1, (2, 3)} and deep["a"]
    return mute
"""
    )
    ended = run(source, "strange")
    assert ended.state == "COMPLETED", ended
    assert ended.parameters["big"] == 2**70
    assert "Mute" in ended.parameters["mute"]
    assert "Liar" in ended.parameters["liar"]
    assert "not formatted" in ended.text


def test_a_state_of_the_users_own(run: Run) -> None:
    source = (
        HEAD
        + """
from runwright.states import Failed

@flow
def ending():
    return Failed(message=BAD + "m" * 50_000_000, name="Odd " + BAD)
"""
    )
    ended = run(source, "ending")
    assert ended.state == "FAILED"
    assert ended.message.startswith(READABLE)
    assert "characters were cut here" in ended.message
    assert len(ended.message) < 11_000


@pytest.mark.ways("with_a_server", "under_a_worker")
def test_what_is_sent_as_data_is_refused_in_the_call_that_sends_it(run: Run) -> None:
    source = (
        HEAD
        + """
from runwright.variables import Variable

def refused(call, *args, **options):
    try:
        call(*args, **options)
    except Exception as error:
        return type(error).__name__
    return "no error"

@flow
def sending():
    said = [
        refused(Variable.set, "v1", BAD),
        refused(Variable.set, BAD, 1),
        refused(Variable.set, "v2", Mute()),
        refused(Variable.set, "v3", 10**6000),
    ]
    Variable.set("big", 2**70, overwrite=True)
    assert Variable.get("big") == 2**70
    get_run_logger().info("said %s", said)
"""
    )
    ended = run(source, "sending")
    assert ended.state == "COMPLETED", ended
    assert "no error" not in ended.text
