"""The flow that is run under faults. What it does is written down where no control plane is."""

import os
import threading
import time
from pathlib import Path

from runwright import flow, get_run_logger, runtime, task


class Effects:
    """Lines that are on the disk before the next step begins, and survive everything."""

    def __init__(self, folder: str) -> None:
        run = runtime.flow_run.id
        self._file = Path(folder, f"{run}.{os.getpid()}").open("a")

    def note(self, what: str) -> None:
        """Write it, with the time that all processes of the machine share."""
        self._file.write(f"{what} {time.monotonic_ns()}\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@task
def step(number: int) -> int:
    return number


@flow
def chaos(folder: str, steps: int, seconds: float) -> None:
    effects = Effects(folder)
    effects.note("start")
    logger = get_run_logger()
    for number in range(steps):
        step(number)
        logger.info("line %d", number)
        effects.note("step")
        threading.Event().wait(seconds)  # libfaketime breaks sleep(0)
    effects.note("end")


@flow
def busy(folder: str, seconds: float) -> None:
    """Holds the interpreter's lock as long as it can."""
    effects = Effects(folder)
    effects.note("start")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1_000_000))
    effects.note("end")


@flow
def talk(folder: str, steps: int) -> None:
    """Logs as fast as it can."""
    effects = Effects(folder)
    effects.note("start")
    logger = get_run_logger()
    for number in range(steps):
        logger.info("line %d", number)
    effects.note("end")
