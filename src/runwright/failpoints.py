"""Places at which a test can end the process, to see what is left.

Nothing happens unless the environment asks for it. RUNWRIGHT_FAILPOINT is a line of such a log: it
ends the process by SIGKILL when it first comes there. RUNWRIGHT_FAILPOINT_LOG names a file that
gets a line for every place that is reached.
"""

import os
import signal
from pathlib import Path

_WANTED = os.environ.get("RUNWRIGHT_FAILPOINT")
_LOG = os.environ.get("RUNWRIGHT_FAILPOINT_LOG")
#: Look here first: `reach` is not free.
ARMED = _WANTED is not None or _LOG is not None


def reach(stage: str, what: object) -> None:
    """The process is at this stage of `what`: a function, or the name of something."""
    name = what if isinstance(what, str) else _name(what)
    place = f"{stage} {name}"
    if _LOG is not None:
        with Path(_LOG).open("a") as log:
            log.write(f"{place}\n")
    if place == _WANTED:
        os.kill(os.getpid(), signal.SIGKILL)


def _name(function: object) -> str:
    module = getattr(function, "__module__", "").rpartition(".")[2]
    qualified = getattr(function, "__qualname__", type(function).__name__)
    return f"{module}.{qualified}".replace(".<locals>", "").replace(" ", "")
