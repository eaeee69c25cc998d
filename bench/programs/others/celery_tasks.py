"""Celery: tasks through Redis to a worker, results read back. Milliseconds a task."""

import json
import subprocess
import sys
import time

from celery import Celery, group

app = Celery("celery_tasks", broker=sys.argv[-2], backend=sys.argv[-2])


@app.task(name="nothing")
def nothing(number: int) -> int:
    return number


if __name__ == "__main__":
    count = int(sys.argv[-1])
    worker = subprocess.Popen(
        [sys.executable, "-c", ("import sys; from celery_tasks import app;"
         "app.worker_main(['worker', '--loglevel=ERROR', '--concurrency=2'])"), *sys.argv[-2:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        nothing.delay(0).get(timeout=60)
        begun = time.perf_counter()
        group(nothing.s(number) for number in range(count))().get(timeout=120)
        print(json.dumps((time.perf_counter() - begun) * 1000 / count))
    finally:
        worker.terminate()
        worker.wait(30)
