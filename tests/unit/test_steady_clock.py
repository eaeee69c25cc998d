"""The time that the control plane goes by when somebody sets the machine's clock."""

from datetime import timedelta

from runwright.clock import SteadyClock
from runwright.testing.clock import SimulatedClock

HOUR = timedelta(hours=1)


def test_a_slight_correction_changes_nothing():
    clock = SimulatedClock()
    steady = SteadyClock(clock)
    begun = steady.now()
    clock.advance(timedelta(seconds=60))
    clock.set_wall(clock.now() + timedelta(seconds=1.5))
    assert steady.now() - begun == timedelta(seconds=60)


def test_a_clock_that_was_set_is_believed_forward_and_back(caplog):
    clock = SimulatedClock()
    steady = SteadyClock(clock)
    for jump in (HOUR, -2 * HOUR):
        clock.set_wall(clock.now() + jump)
        assert steady.now() == clock.now()
        clock.advance(timedelta(seconds=5))
        assert steady.now() == clock.now()
    assert "set by +3600 s" in caplog.text
    assert "set by -7200 s" in caplog.text


def test_a_drift_is_followed_in_steps_of_two_seconds():
    clock = SimulatedClock()
    steady = SteadyClock(clock)
    for _ in range(1000):
        clock.advance(timedelta(seconds=10))
        clock.set_wall(clock.now() + timedelta(seconds=0.01))
        assert abs(steady.now() - clock.now()) <= SteadyClock.STEP
