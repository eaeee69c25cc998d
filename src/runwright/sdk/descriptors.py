"""File descriptors that users' code may have closed, and whose numbers others may have by now."""

import os

Identity = tuple[int, int] | None


def identity(descriptor: int) -> Identity:
    """What the descriptor stands for; None when it is closed."""
    try:
        status = os.fstat(descriptor)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
