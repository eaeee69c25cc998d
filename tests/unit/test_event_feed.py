"""What is kept for those who listen to events."""

from datetime import UTC, datetime
from uuid import uuid4

from runwright.api.events import EventFilter, ReceivedEvent
from runwright.server.event_feed import Listener

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_who_never_reads_is_given_up_and_not_remembered_without_bound():
    listener = Listener(EventFilter())
    for _ in range(5_000):
        listener.hear(ReceivedEvent(id=uuid4(), occurred=NOW, received=NOW, event="e", resource={}))
    assert listener.too_slow.is_set()
    assert listener.events.qsize() <= 2_000
