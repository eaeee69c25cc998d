"""Where submitted tasks run: threads of the flow's process, or processes of their own."""

from typing import Any

from runwright.sdk.runners.threads import ThreadPoolTaskRunner
from runwright.sdk.task_runner import TaskRunner

__all__ = ["ProcessPoolTaskRunner", "TaskRunner", "ThreadPoolTaskRunner"]  # noqa: F822  # see below


def __getattr__(name: str) -> Any:
    if name == "ProcessPoolTaskRunner":
        from runwright.sdk.runners.processes import ProcessPoolTaskRunner  # late: multiprocessing

        return ProcessPoolTaskRunner
    raise AttributeError(f"module 'runwright.task_runners' has no attribute {name!r}")
