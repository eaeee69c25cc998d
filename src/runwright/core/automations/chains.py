"""Chains: so many steps in their order, from the first to the last within a span.

For each number of steps only the latest possible start is kept. A chain that starts later ends
within the span wherever an earlier one does, so nothing is missed, and memory does not grow.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

Starts = Sequence[datetime | None]


def advanced(
    starts: Starts, step: int, at: datetime, span: timedelta | None
) -> list[datetime | None]:
    """The starts after `step` (from 0) was taken at `at`."""
    new = list(starts)
    before = at if step == 0 else starts[step - 1]
    if before is not None and (span is None or at - before <= span):
        new[step] = before
    return new


def counted(
    starts: Starts, at: datetime, span: timedelta | None, *, first: int
) -> list[datetime | None]:
    """The starts after something that can be any step from `first` on."""
    new = list(starts)
    for step in range(len(starts) - 1, first - 1, -1):
        # The last step first: one event is one step.
        new = advanced(new, step, at, span)
    return new
