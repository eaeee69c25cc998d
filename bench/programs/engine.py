"""The engine that a program is for: the same program, with one import changed."""

import os

if os.environ.get("BENCH_ENGINE") == "prefect":
    from prefect import flow, runtime, task
else:
    from runwright import flow, runtime, task

__all__ = ["flow", "runtime", "task"]
