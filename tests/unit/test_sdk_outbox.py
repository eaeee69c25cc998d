"""The outbox: what is added is delivered, in order, whatever interrupts those who add."""

import signal
import threading

import pytest

from runwright.sdk.outbox import Outbox


class Interrupted(BaseException):
    pass


class Delivered:
    def __init__(self):
        self.entries = []
        self.awaited = []

    def __call__(self, first, entries, awaited):
        assert first == len(self.entries)
        self.entries += entries
        self.awaited.append(awaited)


@pytest.fixture
def delivered():
    return Delivered()


@pytest.fixture
def outbox(delivered):
    outbox = Outbox(delivered, linger=0.001, most_waiting=50)
    yield outbox
    outbox.close()


def test_entries_are_delivered_by_themselves_and_errands_after_them(outbox, delivered):
    seen = []
    done = threading.Event()
    outbox.add("a")
    outbox.run(lambda: seen.extend(delivered.entries))
    outbox.run(done.set)
    assert done.wait(5)
    assert seen == ["a"]
    assert outbox.add("b") == 1
    outbox.drain()
    assert delivered.entries == ["a", "b"]


def test_more_than_a_batch_and_more_than_there_is_room_for(delivered):
    outbox = Outbox(delivered, linger=0.001, most_waiting=2_500)
    for i in range(10_000):
        outbox.add(i)
    outbox.close()
    assert delivered.entries == list(range(10_000))
    assert outbox.add("late") == -1
    assert not outbox.run(lambda: None)
    outbox.drain()
    outbox.hurry()
    assert outbox.next_number == 10_000


def test_a_batch_that_is_waited_for_may_be_empty(outbox, delivered):
    outbox.hurry()
    outbox.drain()
    assert delivered.entries == []
    assert any(delivered.awaited)


def test_interrupted_threads_lose_nothing_and_stop_nobody(outbox, delivered):
    """Orders to stop and timeouts come as exceptions between any two steps of the main thread."""

    def interrupt(*_):
        raise Interrupted

    numbers = []
    interruptions = 0
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        for i in range(400):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + (i % 20) * 0.00005)
                while True:
                    numbers.append(outbox.add(i))
                    outbox.hurry()
                    outbox.drain()
            except Interrupted:
                interruptions += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    outbox.close()
    assert interruptions == 400
    assert len(delivered.entries) == outbox.next_number > 400
    assert set(numbers) <= set(range(len(delivered.entries)))
