"""Background tasks: `serve` carries out what `ask` asked for, in another process."""

import sys

from prefect import task
from prefect.task_worker import serve


@task(retries=1, retry_delay_seconds=0)
def add(one: int, other: int = 1) -> int:
    if one < 0:
        raise ValueError("negative")
    return one + other


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(add, limit=2)
    else:
        futures = [add.delay(number) for number in range(3)] + [add.delay(-1)]
        for future in futures:
            future.wait(timeout=60)
        print("SUM", sum(future.result() for future in futures[:3]))
        print("STATES", [future.state.name for future in futures])
