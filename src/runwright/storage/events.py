"""Events from two sources: those that clients told, and the states of flow runs.

A state of a flow run is the event `prefect.flow-run.<its name>`, with the state's id. So no event
is written where a run moves, and none can be missing.
"""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select

from runwright.api.events import Event, EventFilter, Labels, ReceivedEvent
from runwright.core.automations.matching import DEPTH
from runwright.storage.criteria import among
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import (
    deployment,
    event,
    flow,
    flow_run,
    flow_run_state,
    work_pool,
    work_queue,
)

FLOW_RUN = "prefect.flow-run."
_PAGE = 500
_e, _s, _r = event.c, flow_run_state.c, flow_run.c
_before = flow_run_state.alias("before")
_INSERT = Prepared(
    lambda dialect: dialect.insert_or_skip(event), columns=[column.key for column in _e]
)
_STATES = (
    select(
        _s.id, _s.timestamp, _s.type, _s.name, _s.message, _s.state_details, _s.data,
        _s.flow_run_id, _r.name.label("run_name"), _r.run_count, _r.tags, _r.labels, _r.flow_id,
        _r.updated, _s.received,
        flow.c.name.label("flow_name"), _r.deployment_id,
        deployment.c.name.label("deployment_name"), _r.work_queue_id,
        work_queue.c.name.label("queue_name"), _r.work_pool_id,
        work_pool.c.name.label("pool_name"), _before.c.id.label("before_id"),
        _before.c.type.label("before_type"), _before.c.name.label("before_name"),
        _before.c.message.label("before_message"),
    )
    .select_from(
        flow_run_state.join(flow_run, _r.id == _s.flow_run_id)
        .join(flow, flow.c.id == _r.flow_id)
        .outerjoin(deployment, deployment.c.id == _r.deployment_id)
        .outerjoin(work_queue, work_queue.c.id == _r.work_queue_id)
        .outerjoin(work_pool, work_pool.c.id == _r.work_pool_id)
        .outerjoin(
            _before, and_(_before.c.flow_run_id == _s.flow_run_id, _before.c.seq == _s.seq - 1)
        )
    )
)  # fmt: skip


def insert_events(tx: Transaction, events: Sequence[Event]) -> None:
    """Store what clients told. What is stored already stays as it is."""
    rows = [
        {
            "id": each.id,
            "occurred": each.occurred,
            "received": tx.now,
            "event": each.event,
            "resource_id": each.resource_id,
            "resource": each.resource,
            "related": each.related,
            "payload": each.payload,
            "follows": each.follows,
        }
        for each in events
    ]
    if rows:
        tx.execute(_INSERT, rows)


def events_of(tx: Transaction, wanted: EventFilter) -> Iterator[ReceivedEvent]:
    """What the filter wants, in its order, from both sources."""
    newest_first = wanted.order == "DESC"
    sources = (_stored(tx, wanted, newest_first), _states(tx, wanted, newest_first))
    merged = heapq.merge(*sources, key=lambda each: (each.occurred, each.id), reverse=newest_first)
    return (each for each in merged if wanted.takes(each))


def events_by_id(
    tx: Transaction, told: Sequence[UUID], states: Sequence[UUID]
) -> dict[UUID, tuple[ReceivedEvent, datetime]]:
    """Events, and for each the time, by the control plane's clock, at which it had arrived.

    For a state of which that is not known it is when its run was changed last.
    """
    found: dict[UUID, tuple[ReceivedEvent, datetime]] = {}
    if told:
        for row in tx.execute(select(event).where(_e.id.in_(told))):
            found[row.id] = _event_of_row(row), row.received
    if states:
        for row in tx.execute(_STATES.where(_s.id.in_(states))):
            found[row.id] = _event_of_state(row), row.received or row.updated
    return found


def told_conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """What the database can judge of a filter, but for times, on what clients told."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.event and wanted.event.name:
        conditions.append(among(_e.event, wanted.event.name))
    if wanted.resource and wanted.resource.id:
        conditions.append(among(_e.resource_id, wanted.resource.id))
    if wanted.id.id:
        conditions.append(among(_e.id, wanted.id.id))
    return conditions


def state_conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """The same on states of flow runs."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.event and wanted.event.name:
        names = [n.removeprefix(FLOW_RUN) for n in wanted.event.name if n.startswith(FLOW_RUN)]
        conditions.append(among(_s.name, names))
    if wanted.resource and wanted.resource.id:
        conditions.append(among(_s.flow_run_id, _run_ids(wanted.resource.id)))
    if wanted.id.id:
        conditions.append(among(_s.id, wanted.id.id))
    return conditions


def _stored(tx: Transaction, wanted: EventFilter, newest_first: bool) -> Iterator[ReceivedEvent]:
    statement = select(event).where(*told_conditions(wanted))
    for row in _in_pages(tx, statement, _e.occurred, _e.id, wanted, newest_first):
        yield _event_of_row(row)


def _states(tx: Transaction, wanted: EventFilter, newest_first: bool) -> Iterator[ReceivedEvent]:
    statement = _STATES.where(*state_conditions(wanted))
    for row in _in_pages(tx, statement, _s.timestamp, _s.id, wanted, newest_first):
        yield _event_of_state(row)


def _in_pages(
    tx: Transaction,
    statement: Any,
    at: ColumnElement[datetime],
    key: ColumnElement[UUID],
    wanted: EventFilter,
    newest_first: bool,
) -> Iterator[Any]:
    since, until = wanted.occurred.since, wanted.occurred.until
    if since is not None:
        statement = statement.where(at >= since)
    if until is not None:
        statement = statement.where(at <= until)
    order = (at.desc(), key.desc()) if newest_first else (at, key)
    page = statement.order_by(*order).limit(_PAGE)
    while rows := tx.execute(page).all():
        yield from rows
        if len(rows) < _PAGE:
            return
        last_at = rows[-1].occurred if "occurred" in rows[-1]._fields else rows[-1].timestamp
        last_id = rows[-1].id
        beyond = at < last_at if newest_first else at > last_at
        same = and_(at == last_at, key < last_id if newest_first else key > last_id)
        page = statement.where(or_(beyond, same)).order_by(*order).limit(_PAGE)


def _run_ids(resource_ids: Sequence[str]) -> list[UUID]:
    found: list[UUID] = []
    for each in resource_ids:
        if each.startswith(FLOW_RUN):
            try:
                found.append(UUID(each.removeprefix(FLOW_RUN)))
            except ValueError:
                continue
    return found


def _event_of_row(row: Any) -> ReceivedEvent:
    return ReceivedEvent(
        id=row.id,
        occurred=row.occurred,
        received=row.received,
        event=row.event,
        resource=row.resource,
        related=row.related,
        payload=row.payload,
        follows=row.follows,
    )


def _event_of_state(row: Any) -> ReceivedEvent:
    before = None
    if row.before_id is not None:
        before = {
            "type": row.before_type,
            "name": row.before_name,
            "message": row.before_message or "",
        }
    state = {
        "type": row.type,
        "name": row.name,
        "message": row.message or "",
        "state_details": msgspec.to_builtins(row.state_details) or {},
        "data": row.data,
    }
    return ReceivedEvent(
        id=row.id,
        occurred=row.timestamp,
        received=row.received or row.timestamp,
        event=f"{FLOW_RUN}{row.name}",
        resource=_resource(row),
        related=_around(row),
        payload={
            "intended": {"from": row.before_type, "to": row.type},
            "initial_state": before,
            "validated_state": state,
        },
        follows=row.before_id,
    )


def _resource(row: Any) -> Labels:
    resource = {
        "prefect.resource.id": f"{FLOW_RUN}{row.flow_run_id}",
        "prefect.resource.name": row.run_name,
        "prefect.run-count": str(row.run_count),
        "prefect.state-message": row.message or "",
        "prefect.state-name": row.name,
        "prefect.state-timestamp": row.timestamp.isoformat(),
        "prefect.state-type": row.type,
    }
    depth = (row.labels or {}).get(DEPTH)
    return resource if depth is None else {**resource, DEPTH: str(depth)}


def _around(row: Any) -> list[Labels]:
    kinds = (
        ("flow", row.flow_id, row.flow_name),
        ("deployment", row.deployment_id, row.deployment_name),
        ("work-queue", row.work_queue_id, row.queue_name),
        ("work-pool", row.work_pool_id, row.pool_name),
    )
    related = [
        {
            "prefect.resource.id": f"prefect.{kind}.{found}",
            "prefect.resource.role": kind,
            "prefect.resource.name": name or "",
        }
        for kind, found, name in kinds
        if found is not None
    ]
    tags = [
        {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
        for tag in row.tags
    ]
    return related + tags
