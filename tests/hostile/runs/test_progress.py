"""A progress bar moves, however its flow is run."""

from tests.hostile.runs.conftest import Run

SOURCE = """
from runwright import flow, task
from runwright.artifacts import create_progress_artifact, update_progress_artifact

@task
def step(bar, done):
    update_progress_artifact(bar, done)

@flow
def inner(bar):
    update_progress_artifact(bar, 75)

@flow
def loading():
    bar = create_progress_artifact(0, key="bar", description="loading")
    for done in (25, 50):
        step(bar, done)
    inner(bar)
    update_progress_artifact(bar, 100, description="loaded")
"""


def test_a_progress_ends_where_it_was_moved_to(run: Run) -> None:
    ended = run(SOURCE, "loading")
    assert ended.state == "COMPLETED"
    last = ended.artifacts[-1]
    assert (last["type"], last["data"], last["description"]) == ("progress", 100.0, "loaded")
