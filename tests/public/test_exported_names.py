"""The public names are pinned: adding or losing one is a decision."""

import runwright

EXPECTED = {
    "__version__",
    "runtime",
    "flow",
    "Flow",
    "task",
    "Task",
    "exponential_backoff",
    "allow_failure",
    "quote",
    "unmapped",
    "Future",
    "wait",
    "as_completed",
    "State",
    "Completed",
    "Failed",
    "Crashed",
    "Cancelled",
    "get_run_logger",
    "tags",
    "run_deployment",
    "serve",
    "DockerImage",
    "GitSource",
}


def test_the_public_names_are_these():
    assert set(runwright.__all__) == EXPECTED


def test_each_public_name_can_be_had():
    for name in runwright.__all__:
        assert getattr(runwright, name) is not None
