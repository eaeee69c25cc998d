"""Runwright: write flows as plain Python, and operate them in production.

    from runwright import flow, task

Names are loaded when they are first used, so that importing Runwright costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from runwright.version import __version__

if TYPE_CHECKING:
    from runwright import runtime as runtime
    from runwright.sdk.annotations import allow_failure as allow_failure
    from runwright.sdk.annotations import quote as quote
    from runwright.sdk.annotations import unmapped as unmapped
    from runwright.sdk.context import tags as tags
    from runwright.sdk.deploy import run_deployment as run_deployment
    from runwright.sdk.flows import Flow as Flow
    from runwright.sdk.flows import flow as flow
    from runwright.sdk.futures import Future as Future
    from runwright.sdk.futures import as_completed as as_completed
    from runwright.sdk.futures import wait as wait
    from runwright.sdk.git_source import GitSource as GitSource
    from runwright.sdk.images import DockerImage as DockerImage
    from runwright.sdk.logging import get_run_logger as get_run_logger
    from runwright.sdk.serving import serve as serve
    from runwright.sdk.states import Cancelled as Cancelled
    from runwright.sdk.states import Completed as Completed
    from runwright.sdk.states import Crashed as Crashed
    from runwright.sdk.states import Failed as Failed
    from runwright.sdk.states import State as State
    from runwright.sdk.tasks import Task as Task
    from runwright.sdk.tasks import exponential_backoff as exponential_backoff
    from runwright.sdk.tasks import task as task

_HOME = {
    # Flows and tasks
    "flow": "sdk.flows",
    "Flow": "sdk.flows",
    "task": "sdk.tasks",
    "Task": "sdk.tasks",
    "exponential_backoff": "sdk.tasks",
    # Arguments and futures
    "allow_failure": "sdk.annotations",
    "quote": "sdk.annotations",
    "unmapped": "sdk.annotations",
    "Future": "sdk.futures",
    "wait": "sdk.futures",
    "as_completed": "sdk.futures",
    # States
    "State": "sdk.states",
    "Completed": "sdk.states",
    "Failed": "sdk.states",
    "Crashed": "sdk.states",
    "Cancelled": "sdk.states",
    # Inside a run
    "get_run_logger": "sdk.logging",
    "tags": "sdk.context",
    # Deployments
    "run_deployment": "sdk.deploy",
    "serve": "sdk.serving",
    "DockerImage": "sdk.images",
    "GitSource": "sdk.git_source",
}

__all__ = ["__version__", "runtime", *_HOME]  # noqa: PLE0604  # the names are the keys above


def __getattr__(name: str) -> Any:
    if name == "runtime":
        return import_module("runwright.runtime")
    if name not in _HOME:
        raise AttributeError(f"module 'runwright' has no attribute {name!r}")
    value = getattr(import_module(f"runwright.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
