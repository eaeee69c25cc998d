"""How long to wait before the next try. `random` is any source of numbers from 0 up to 1."""

from collections.abc import Callable, Sequence
from datetime import timedelta

Random = Callable[[], float]

_LONGEST_EXPONENT = 62


def exponential(number: int, *, first: timedelta, most: timedelta) -> timedelta:
    """The delay before try `number` (1 is the first repetition): doubled each time, capped."""
    doublings = min(max(number - 1, 0), _LONGEST_EXPONENT)
    if first > most / 2**doublings:
        return most
    return first * 2**doublings


def exponential_delays(factor_s: float, retries: int) -> list[float]:
    """The delays of `retries` retries in seconds: the factor, then doubled each time."""
    return [factor_s * 2.0**number for number in range(retries)]


def retry_delay(delays_s: float | Sequence[float] | None, number: int) -> timedelta:
    """The delay before retry `number` (from 1), of one delay for all or one for each.

    A list that is too short repeats its last delay; None and an empty list mean at once.

    Raises:
        ValueError: a delay is negative, or not a number.
    """
    if delays_s is None:
        return timedelta()
    if not isinstance(delays_s, int | float):
        if not delays_s:
            return timedelta()
        delays_s = delays_s[min(max(number, 1), len(delays_s)) - 1]
    if not delays_s >= 0:
        raise ValueError(f"A retry delay of {delays_s} seconds makes no sense: give 0 or more.")
    return timedelta(seconds=delays_s)


def lengthened(delay: timedelta, factor: float, random: Random) -> timedelta:
    """`delay`, made longer by up to `factor` of itself: tries that failed together spread out.

    Raises:
        ValueError: the factor is negative.
    """
    if not factor >= 0:
        raise ValueError(f"A jitter factor of {factor} makes no sense: give 0 or more.")
    return delay * (1 + factor * random())


def spread(delay: timedelta, fraction: float, random: Random) -> timedelta:
    """`delay`, up to `fraction` of itself shorter or longer; the mean stays."""
    return delay * (1 + fraction * (2 * random() - 1))


def anywhere_up_to(delay: timedelta, random: Random) -> timedelta:
    """A delay from nothing to `delay`: for many clients that lost one server."""
    return delay * random()
