"""The flows that the bench deploys."""

import time

from bench.programs.engine import flow, task


@task
def nothing() -> None:
    pass


def fibonacci(number: int) -> int:
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


@task
def counted(number: int) -> int:
    return fibonacci(number)


@flow
def light() -> None:
    """40 small tasks."""
    for future in [counted.submit(10) for _ in range(40)]:
        future.result()


@flow
def heavy() -> None:
    """10 large ones, one after the other."""
    for _ in range(10):
        counted(30)


@flow
def noop() -> None:
    pass


@flow
async def noop_async() -> None:
    pass


@flow(retries=1)
def sleeper() -> None:
    time.sleep(120)


if __name__ == "__main__":
    noop()
