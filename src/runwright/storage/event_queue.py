"""The queue of events that automations have not looked at yet: judged in order, by one at a time.

Rows of a transaction that commits late are there when they are there: whoever judges removes what
it has judged, and remembers no position.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, or_, select, update

from runwright.api.events import ReceivedEvent
from runwright.storage.engine import Transaction
from runwright.storage.events import events_by_id
from runwright.storage.statements import Prepared
from runwright.storage.tables import automation_bucket, event_queue, service_pass

#: So often an event is tried. Then it is left where it is, for people to look at.
MOST_FAILURES = 5

_q = event_queue.c
_TURN = "evaluator"
_MAKE_TURN = Prepared(
    lambda dialect: dialect.insert_or_skip(service_pass), ["name", "last_pass_at"]
)
_TAKE_TURN = Prepared(
    select(service_pass.c.name)
    .where(service_pass.c.name == bindparam("turn"))
    .with_for_update(skip_locked=True)
)
_OLDEST = (
    select(_q.position, _q.event_id, _q.is_state, _q.failures)
    .where(_q.failures < MOST_FAILURES)
    .order_by(_q.position)
)


_DEADLINE = automation_bucket.c.deadline
_HAS_WORK = Prepared(
    select(
        or_(
            exists().where(_q.failures < MOST_FAILURES),
            exists().where(bindparam("now", type_=_DEADLINE.type) >= _DEADLINE),
        ).label("has_work")
    )
)


class QueuedEvent:
    """An event that waits. `event` is None where its run, or it itself, was deleted meanwhile."""

    __slots__ = ("at", "event", "failures", "position")

    def __init__(self, row: Any, found: tuple[ReceivedEvent, datetime] | None) -> None:
        self.position: int = row.position
        self.failures: int = row.failures
        self.event = found[0] if found else None
        self.at = found[1] if found else None


def has_work(tx: Transaction) -> bool:
    """Whether an event waits, or a deadline has passed."""
    return bool(tx.execute(_HAS_WORK, {"now": tx.now}).scalar())


def make_turn(tx: Transaction) -> None:
    """See that there is something to take turns with."""
    tx.execute(_MAKE_TURN, {"name": _TURN, "last_pass_at": tx.now})


def take_turn(tx: Transaction) -> bool:
    """Be the only one who judges until the end of the transaction; False where another is."""
    return tx.execute(_TAKE_TURN, {"turn": _TURN}).first() is not None


def oldest_events(tx: Transaction, most: int, position: int | None = None) -> list[QueuedEvent]:
    """The events that have waited longest, or that at one position."""
    where = _OLDEST if position is None else _OLDEST.where(_q.position == position)
    rows = tx.execute(where.limit(most)).all()
    found = events_by_id(
        tx,
        [row.event_id for row in rows if not row.is_state],
        [row.event_id for row in rows if row.is_state],
    )
    return [QueuedEvent(row, found.get(row.event_id)) for row in rows]


def positions(tx: Transaction, most: int) -> list[int]:
    """The positions of the events that have waited longest."""
    return [row.position for row in tx.execute(_OLDEST.limit(most))]


def remove_events(tx: Transaction, judged: Sequence[QueuedEvent]) -> None:
    """They have been judged."""
    if judged:
        gone = [each.position for each in judged]
        tx.execute(delete(event_queue).where(_q.position.in_(gone)))


def note_failure(tx: Transaction, position: int, error: str) -> int:
    """An event could not be judged; how often it could not by now."""
    tx.execute(
        update(event_queue)
        .where(_q.position == position)
        .values(failures=_q.failures + 1, error=error)
    )
    return tx.execute(select(_q.failures).where(_q.position == position)).scalar() or 0


def unjudged(tx: Transaction, most: int) -> list[tuple[UUID, str]]:
    """The events that were given up, and why, the latest first."""
    given_up = (
        select(_q.event_id, _q.error)
        .where(_q.failures >= MOST_FAILURES)
        .order_by(_q.position.desc())
        .limit(most)
    )
    return [(row.event_id, row.error or "") for row in tx.execute(given_up)]
