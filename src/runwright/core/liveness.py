"""Leases: how long a holder may trust one, and when the server may trust that one has lapsed.

The server judges by the database's clock; a holder by its own monotonic clock, in seconds.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

import msgspec

from runwright.core.backoff import Random, spread
from runwright.errors import ConfigurationError

_RENEWALS_PER_LEASE = 3
_RENEWAL_JITTER = 0.2
_SMALLEST_MARGIN = timedelta(seconds=1)
_MARGIN = 0.1
#: Fewer lapsed leases than this say nothing about the server.
_FEWEST_FOR_AN_OUTAGE = 5
_FEWEST_HOLDERS_FOR_AN_OUTAGE = 2


class LeaseTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A lease of `ttl`, renewed every `renew_every` (about: renewals are spread)."""

    ttl: timedelta
    renew_every: timedelta

    @property
    def fence_after(self) -> timedelta:
        """A holder that fences itself stops this long after sending its last good renewal.

        Earlier than the server gives the lease up, by a margin.
        """
        return self.ttl - min(max(_SMALLEST_MARGIN, self.ttl * _MARGIN), self.ttl / 2)

    def next_renewal(self, random: Random) -> timedelta:
        """How long to wait before the next renewal; a fifth shorter or longer than the mean."""
        return spread(self.renew_every, _RENEWAL_JITTER, random)


def lease_terms(ttl: timedelta, renew_every: timedelta | None = None) -> LeaseTerms:
    """Terms under which two renewals may fail before the lease lapses.

    Raises:
        ConfigurationError: the lease is not positive, or shorter than three renewals.
    """
    renew_every = ttl / _RENEWALS_PER_LEASE if renew_every is None else renew_every
    if ttl <= timedelta() or renew_every <= timedelta():
        raise ConfigurationError(
            f"A lease of {ttl.total_seconds():g} s renewed every {renew_every.total_seconds():g} s "
            "makes no sense: both must be longer than 0."
        )
    if ttl < _RENEWALS_PER_LEASE * renew_every:
        raise ConfigurationError(
            f"A lease of {ttl.total_seconds():g} s renewed every {renew_every.total_seconds():g} s "
            "would lapse after one or two lost renewals. Make the lease at least three times as "
            f"long: {_RENEWALS_PER_LEASE * renew_every.total_seconds():g} s."
        )
    return LeaseTerms(ttl=ttl, renew_every=renew_every)


def must_fence(terms: LeaseTerms, *, last_good_send: float, now: float) -> bool:
    """The holder can no longer be sure of its lease.

    `last_good_send` is when it sent the last renewal that was answered, not when the answer came.
    """
    return now - last_good_send >= terms.fence_after.total_seconds()


class Pass(Enum):
    """What the reaper does this time."""

    #: End the runs whose leases have lapsed.
    REAP = auto()
    #: Nobody could renew while we were away: give every lease a fresh `ttl`, and end none.
    EXTEND = auto()


def plan_pass(last_pass: datetime | None, now: datetime, ttl: timedelta) -> Pass:
    """Reap only if the last pass is recent: at most half a lease ago, and not in the future."""
    if last_pass is None or not timedelta() <= now - last_pass <= ttl / 2:
        return Pass.EXTEND
    return Pass.REAP


def is_our_outage(*, lapsed: int, leased: int, holders: int) -> bool:
    """Most leases lapsing together are more likely our fault than theirs; believed only once.

    `lapsed` of the `leased` runs, held by `holders` workers, would be ended in this pass. Those
    that were excused in this way, and not heard of since, do not count.
    """
    enough = lapsed >= _FEWEST_FOR_AN_OUTAGE and holders >= _FEWEST_HOLDERS_FOR_AN_OUTAGE
    return enough and 2 * lapsed > leased
