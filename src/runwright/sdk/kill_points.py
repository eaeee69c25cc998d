"""Where `runwright chaos run` kills a flow: after one of its tasks, in the first attempt."""

import os
import signal

VARIABLE = "RUNWRIGHT_KILL_AT_TASK"
_left: int | None = None


def arm(attempt: int) -> None:
    """Begin to count tasks, where this execution is to be killed at one."""
    global _left  # noqa: PLW0603  # one execution, one process
    wanted = os.environ.get(VARIABLE, "")
    _left = int(wanted) if attempt == 1 and wanted.isdecimal() else None


def task_ended() -> None:
    """A task has ended, and its record is on its way: this may be the last thing we do."""
    global _left  # noqa: PLW0603  # as above
    if _left is None:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
