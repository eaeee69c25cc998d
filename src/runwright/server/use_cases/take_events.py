"""Clients tell of events; those about task runs are also the record of the task runs."""

from collections.abc import Sequence

from runwright.api.events import Event
from runwright.storage.engine import Transaction
from runwright.storage.events import insert_events
from runwright.storage.moves import EVENTS
from runwright.storage.task_events import record_task_events


def take_events(tx: Transaction, events: Sequence[Event]) -> None:
    """Store events. Repeated ones change nothing, and their order does not matter."""
    insert_events(tx, events)
    record_task_events(tx, events)
    tx.wake(EVENTS)
