"""Dagster: ops of one job in one process, recorded in its own storage. Milliseconds an op."""

import json
import sys
import tempfile
import time

from dagster import DagsterInstance, job, op

count = int(sys.argv[2])


@op
def nothing() -> int:
    return 1


@job
def many() -> None:
    for number in range(count):
        nothing.alias(f"nothing_{number}")()


with tempfile.TemporaryDirectory() as folder:
    instance = DagsterInstance.local_temp(folder)
    begun = time.perf_counter()
    many.execute_in_process(instance=instance)
    print(json.dumps((time.perf_counter() - begun) * 1000 / count))
