"""Whether a crashed run is tried again, as a new run, and when."""

from datetime import timedelta

import msgspec

from runwright.core.backoff import exponential

_FIRST = timedelta(seconds=5)
_MOST = timedelta(minutes=5)


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about the next attempt; `attempt` counts from 1."""

    attempt: int
    retries: int
    retries_used: int
    retry_delay: timedelta | None = None
    #: Only a run of a deployment can be started by somebody else.
    has_deployment: bool = True
    cancel_wanted: bool = False
    #: The end was told by who saw it, not inferred from silence.
    was_reported: bool = False


class NextAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """The run to make: it is due after `delay`."""

    attempt: int
    retries_used: int
    delay: timedelta


def next_attempt(lineage: Lineage) -> NextAttempt | None:
    """The attempt after a crash, while the budget lasts; None when it was the last."""
    if not lineage.has_deployment or lineage.cancel_wanted:
        return None
    if lineage.retries_used >= lineage.retries:
        return None
    return NextAttempt(
        attempt=lineage.attempt + 1,
        retries_used=lineage.retries_used + 1,
        delay=_delay(lineage),
    )


def _delay(lineage: Lineage) -> timedelta:
    if lineage.retry_delay is not None:
        return lineage.retry_delay
    if lineage.was_reported and lineage.attempt == 1:
        return timedelta()
    return exponential(lineage.attempt, first=_FIRST, most=_MOST)
