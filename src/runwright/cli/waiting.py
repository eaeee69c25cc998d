"""Waiting for what another process does."""

import time
from collections.abc import Callable

_PAUSE = 0.05


def until(
    condition: Callable[[], bool],
    seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251  # a person waits
    monotonic: Callable[[], float] = time.monotonic,
) -> bool:
    """Look again and again, for at most `seconds`; whether the condition came true."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(_PAUSE)
    return True
