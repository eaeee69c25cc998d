"""Clients tell of events.

Those about task runs are also the record of the task runs; heartbeats keep flow runs from being
taken for dead.
"""

from collections.abc import Sequence
from uuid import UUID

from runwright.api.events import Event
from runwright.server.policy import Policy
from runwright.storage.engine import Transaction
from runwright.storage.events import insert_events
from runwright.storage.moves import EVENTS
from runwright.storage.task_events import record_task_events
from runwright.storage.unsupervised import hear_of_runs

_HEARTBEAT = "prefect.flow-run.heartbeat"
_FLOW_RUN = "prefect.flow-run."


def take_events(tx: Transaction, events: Sequence[Event], policy: Policy) -> None:
    """Store events. Repeated ones change nothing, and their order does not matter."""
    insert_events(tx, events)
    record_task_events(tx, events)
    living = [found for each in events if (found := _living_run(each)) is not None]
    if living:
        hear_of_runs(tx, living, tx.now + policy.client_lease)
    tx.wake(EVENTS)


def _living_run(event: Event) -> UUID | None:
    if event.event != _HEARTBEAT:
        return None
    try:
        return UUID(event.resource_id.removeprefix(_FLOW_RUN))
    except ValueError:
        return None
