"""Whole lives of runs in a simulated world: any seed, any moment, no waiting."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runwright.core.states import StateType
from runwright.core.transitions import RunFacts
from runwright.testing.clock import SimulatedClock
from runwright.testing.world import SimulatedRun, World

SECOND = timedelta(seconds=1)
durations = st.integers(0, 3_600).map(lambda s: s * SECOND)


@given(failures=st.integers(0, 6), retries=st.integers(0, 6), delay=durations, takes=durations)
@settings(max_examples=60)
def test_a_flow_is_called_once_plus_its_retries(failures, retries, delay, takes):
    world = World()
    run = SimulatedRun(world, RunFacts(retries=retries, retry_delay=delay))

    run.start(failures=failures, call_takes=takes)
    world.clock.run()

    used = min(failures, retries)
    assert run.calls == used + 1
    assert run.facts.retries_used == used
    assert run.current.type is (StateType.COMPLETED if failures <= retries else StateType.FAILED)
    assert world.clock.monotonic() == pytest.approx(
        ((used + 1) * takes + used * delay).total_seconds()
    )


@given(seed=st.integers(0, 10_000), cancel_after=durations, delay=durations, takes=durations)
@settings(max_examples=100)
def test_a_run_cancelled_at_any_moment_ends_once_and_stays_ended(seed, cancel_after, delay, takes):
    world = World(seed)
    run = SimulatedRun(world, RunFacts(retries=3, retry_delay=delay))
    was_over = []
    world.clock.call_later(cancel_after, lambda: (was_over.append(run.has_ended), run.cancel()))

    run.start(failures=int(world.random() * 6), call_takes=takes)
    world.clock.run()

    assert sum(state.is_terminal for state in run.history) == 1
    assert run.history[-1].is_terminal
    assert was_over == [True] or run.current.type is StateType.CANCELLED


def test_one_seed_is_one_world():
    assert [World(3).new_id() for _ in range(2)] == [World(3).new_id() for _ in range(2)]
    assert World(3).new_id() != World(4).new_id()


def test_timers_run_at_their_instants_in_order():
    clock, seen = SimulatedClock(), []
    for delay in (3, 1, 2, 1):
        clock.call_later(
            delay * SECOND, lambda delay=delay: seen.append((delay, clock.monotonic()))
        )
    clock.call_later(SECOND, lambda: seen.append("never")).cancel()

    clock.advance(2 * SECOND)

    assert seen == [(1, 1.0), (1, 1.0), (2, 2.0)]
    assert clock.run() == 1
    assert clock.monotonic() == 3.0


def test_the_clock_on_the_wall_can_be_put_back_and_monotonic_time_cannot():
    clock = SimulatedClock()
    clock.advance(10 * SECOND)

    clock.set_wall(datetime(2029, 1, 1, tzinfo=UTC))
    clock.advance(SECOND)

    assert clock.now() == datetime(2029, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert clock.monotonic() == 11.0


def test_a_clock_that_never_comes_to_rest_says_so():
    clock = SimulatedClock()

    def again():
        clock.call_later(SECOND, again)

    again()

    with pytest.raises(RuntimeError, match="without end"):
        clock.run(most=50)
