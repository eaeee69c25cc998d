"""The flows that the bench deploys."""

import time

from runwright import flow, task


@task
def nothing() -> None:
    pass


@flow
def noop() -> None:
    pass


@flow(retries=1)
def sleeper() -> None:
    time.sleep(120)


if __name__ == "__main__":
    noop()
