"""Events in the order in which they were stored, whatever their own clocks say.

Of one run the states come in their order: none is marked as stored before an earlier one. Of
different runs, what commits late may have been marked earlier than what was seen already: who
follows goes back a little each time, and remembers what it has seen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, select

from runwright.api.events import EventFilter, ReceivedEvent
from runwright.storage.engine import Transaction
from runwright.storage.events import events_by_id, state_conditions, told_conditions
from runwright.storage.tables import event, flow_run_state

_e, _s = event.c, flow_run_state.c
_INSTANT = timedelta(microseconds=1)
_Statement: TypeAlias = "Select[datetime, UUID, int, UUID, bool]"


class Arrival(NamedTuple):
    """An event that was stored. They sort by when, and those of one run by their order."""

    at: datetime
    #: The run, or the event itself.
    subject: UUID
    seq: int
    id: UUID
    is_state: bool


def arrivals_since(
    tx: Transaction, since: datetime, most: int, wanted: EventFilter | None = None
) -> tuple[list[Arrival], datetime | None]:
    """What was stored from `since` on, the earliest first, and from when on to ask for the rest.

    About `most` of them: those of one instant come together. None: there is no rest. Of a filter
    that is judged which the database can; the rest of it is left to who reads them.
    """
    wanted = wanted or EventFilter()
    found: list[Arrival] = []
    rest: datetime | None = None
    for statement, column in _sources(wanted):
        rows = tx.execute(statement.where(column >= since).order_by(column).limit(most + 1)).all()
        found += [Arrival(*row) for row in rows]
        if len(rows) > most:
            rest = min(filter(None, (rest, rows[-1].at)))
    if rest == since:  # more than `most` of one instant
        found = [
            Arrival(*row)
            for statement, column in _sources(wanted)
            for row in tx.execute(statement.where(column == since))
        ]
        return sorted(found), since + _INSTANT
    return sorted(each for each in found if rest is None or each.at < rest), rest


def arrived_events(tx: Transaction, arrivals: Sequence[Arrival]) -> list[ReceivedEvent]:
    """The events, in the same order. One that was deleted meanwhile is left out."""
    found = events_by_id(
        tx,
        [each.id for each in arrivals if not each.is_state],
        [each.id for each in arrivals if each.is_state],
    )
    return [found[each.id][0] for each in arrivals if each.id in found]


def _sources(wanted: EventFilter) -> list[tuple[_Statement, ColumnElement[datetime]]]:
    told = _arrivals(_e.received, _e.id, literal(0), _e.id, is_state=False)
    states, old_states = (
        _arrivals(at, _s.flow_run_id, _s.seq, _s.id, is_state=True).where(*state_conditions(wanted))
        for at in (_s.received, _s.timestamp)
    )
    return [
        (told.where(*told_conditions(wanted)), _e.received),
        (states, _s.received),
        # Stored before it was noted when, or by a replica that does not yet.
        (old_states.where(_s.received.is_(None)), _s.timestamp),
    ]


def _arrivals(
    at: ColumnElement[datetime],
    subject: ColumnElement[UUID],
    seq: ColumnElement[int],
    key: ColumnElement[UUID],
    *,
    is_state: bool,
) -> _Statement:
    return select(
        at.label("at"),
        subject.label("subject"),
        seq.label("seq"),
        key.label("id"),
        literal(is_state).label("is_state"),
    )
