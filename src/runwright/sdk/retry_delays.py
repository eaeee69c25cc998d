"""How long to wait before each retry of a task."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from runwright.errors import FlowError

#: Seconds before each retry.
Delay = float | int | timedelta | Sequence[float] | Callable[[int], Sequence[float]] | None

#: Longer lists of delays make no sense, and must not be stored with every run.
_MOST_DELAYS = 50


def delays_of(name: str, delay: Delay, retries: int) -> tuple[float, ...]:
    """The delays that an option of a task means; the last one stands for all that follow.

    Raises:
        FlowError: they are too many, or negative.
    """
    if delay is None:
        return ()
    if callable(delay):
        delay = delay(retries)
    if isinstance(delay, timedelta):
        delay = delay.total_seconds()
    delays = (delay,) if isinstance(delay, int | float) else tuple(delay)
    if len(delays) > _MOST_DELAYS:
        raise FlowError(
            f"Task {name!r} has {len(delays)} retry delays; {_MOST_DELAYS} at most are possible. "
            "The last one is used for all retries that follow."
        )
    if any(each < 0 for each in delays):
        raise FlowError(f"Task {name!r}: retry_delay_seconds cannot be negative: {delays}.")
    return tuple(map(float, delays))


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """For `retry_delay_seconds`: the factor, twice the factor, four times the factor, ..."""

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2**number for number in range(min(retries, _MOST_DELAYS))]

    return delays
