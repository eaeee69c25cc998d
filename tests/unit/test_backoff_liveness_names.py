"""The arithmetic of waiting and of leases, and the names of runs."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwright.core import backoff
from runwright.core.liveness import Pass, is_our_outage, lease_terms, must_fence, plan_pass
from runwright.core.run_names import run_name
from runwright.errors import ConfigurationError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
chances = st.floats(0, 1, exclude_max=True)


def seconds(number):
    return timedelta(seconds=number)


def test_exponential_doubles_up_to_its_cap():
    delays = [
        backoff.exponential(n, first=seconds(5), most=seconds(300)) for n in (1, 2, 3, 7, 8, 900)
    ]

    assert delays == [seconds(s) for s in (5, 10, 20, 300, 300, 300)]
    assert backoff.exponential_delays(10, 4) == [10, 20, 40, 80]


@pytest.mark.parametrize(
    ("delays", "number", "expected"),
    [(None, 1, 0), (2.5, 3, 2.5), ([1, 5], 1, 1), ([1, 5], 2, 5), ([1, 5], 9, 5), ([], 1, 0)],
)
def test_retry_delays_are_one_for_all_or_one_each(delays, number, expected):
    assert backoff.retry_delay(delays, number) == seconds(expected)


@pytest.mark.parametrize("delays", [-1, [0, -1], float("nan")])
def test_retry_delays_that_make_no_sense_are_refused(delays):
    with pytest.raises(ValueError, match="makes no sense"):
        backoff.retry_delay(delays, 2)


@given(chance=chances, factor=st.floats(0, 10))
def test_jitter_stays_within_its_bounds(chance, factor):
    def draw():
        return chance

    delay = seconds(10)
    assert delay <= backoff.lengthened(delay, factor, draw) <= delay * (1 + factor)
    assert delay * 0.8 <= backoff.spread(delay, 0.2, draw) <= delay * 1.2
    assert timedelta() <= backoff.anywhere_up_to(delay, draw) <= delay


@given(ttl_s=st.floats(0.5, 600), renew_s=st.floats(0.1, 600), chance=chances)
def test_a_lease_outlives_two_lost_renewals_and_its_holder_stops_first(ttl_s, renew_s, chance):
    if ttl_s < 3 * renew_s:
        with pytest.raises(ConfigurationError, match="three times"):
            lease_terms(seconds(ttl_s), seconds(renew_s))
        return
    terms = lease_terms(seconds(ttl_s), seconds(renew_s))

    assert 2 * terms.next_renewal(lambda: chance) < terms.ttl
    assert terms.renew_every < terms.fence_after < terms.ttl


def test_leases_that_make_no_sense_are_refused():
    for ttl, renew in ((0, None), (-3, None), (3, 0)):
        with pytest.raises(ConfigurationError, match="longer than 0"):
            lease_terms(seconds(ttl), None if renew is None else seconds(renew))


def test_a_holder_fences_itself_before_the_server_gives_the_lease_up():
    terms = lease_terms(seconds(30), seconds(10))

    assert terms.fence_after == seconds(27)
    assert not must_fence(terms, last_good_send=100.0, now=126.9)
    assert must_fence(terms, last_good_send=100.0, now=127.0)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [(None, Pass.EXTEND), (2, Pass.REAP), (15, Pass.REAP), (16, Pass.EXTEND), (-1, Pass.EXTEND)],
)
def test_after_an_outage_of_ours_leases_are_extended_first(ago, expected):
    last = None if ago is None else NOW - seconds(ago)

    assert plan_pass(last, NOW, seconds(30)) is expected


def test_most_leases_lapsing_together_are_our_outage():
    many = {"lapsed": 60, "leased": 100, "holders": 5}

    assert is_our_outage(**many)
    assert not is_our_outage(lapsed=50, leased=100, holders=5)
    assert not is_our_outage(lapsed=8, leased=8, holders=1)
    assert not is_our_outage(lapsed=2, leased=2, holders=2)


def test_run_names_are_two_words_of_many():
    source = random.Random(1)
    names = {run_name(source.random) for _ in range(20_000)}

    assert len(names) > 3_600
    assert all(name.isascii() and name.islower() and name.count("-") == 1 for name in names)
    assert all(
        run_name(iter(pair).__next__) for pair in product([0.0, 0.9999999999999999], repeat=2)
    )
