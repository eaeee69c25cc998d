"""Task runs of clients that tell of them in events: in any order, more than once, in batches.

Each event has the whole task run, so the latest one says how it is. The id of an event is that of
its state.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, or_, select, update

from runwright.api.events import Event
from runwright.core.instants import Instant
from runwright.core.states import NO_DETAILS, State, StateDetails, StateType
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, task_run, task_run_state

_TASK_RUN = "prefect.task-run."
_FLOW_RUN = "prefect.flow-run."
_t = task_run.c
_MOVING = (
    "updated", "name", "task_inputs", "tags", "labels", "empirical_policy", "cache_key",
    "cache_expiration", "task_version", "state_id", "state_type", "state_name",
    "state_timestamp", "state", "run_count", "flow_run_run_count", "expected_start_time",
    "start_time", "end_time", "total_run_time",
)  # fmt: skip
_INSERT = Prepared(
    lambda dialect: dialect.insert_or_skip(task_run), columns=[column.key for column in _t]
)
_at = bindparam("new_state_timestamp", type_=_t.state_timestamp.type)
_UPDATE = Prepared(
    update(task_run)
    .where(
        _t.id == bindparam("task_id"),
        or_(_t.state_timestamp.is_(None), _t.state_timestamp <= _at),
    )
    .values({name: bindparam(f"new_{name}", type_=_t[name].type) for name in _MOVING})
)
_INSERT_STATE = Prepared(
    lambda dialect: dialect.insert_or_skip(task_run_state),
    columns=[column.key for column in task_run_state.c],
)


class _ToldState(msgspec.Struct, frozen=True, kw_only=True):
    type: StateType
    name: str
    message: str | None = None
    state_details: StateDetails = NO_DETAILS
    data: Any = None


class _ToldTaskRun(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    task_key: str
    dynamic_key: str
    task_version: str | None = None
    cache_key: str | None = None
    cache_expiration: Instant | None = None
    empirical_policy: dict[str, Any] = {}
    tags: list[str] = []
    labels: dict[str, Any] = {}
    task_inputs: dict[str, Any] = {}
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: Instant | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    total_run_time: float = 0.0


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    validated_state: _ToldState
    task_run: _ToldTaskRun


def record_task_events(tx: Transaction, events: Iterable[Event]) -> None:
    """Store what the events say of task runs; events that say nothing of one are passed over."""
    told = [(each, _told(each)) for each in events if _is_ours(each)]
    rows: dict[UUID, dict[str, Any]] = {}
    states: dict[UUID, list[dict[str, Any]]] = {}
    for event, about in told:
        task_id = _id_in(event.resource_id, _TASK_RUN)
        if about is None or task_id is None:
            continue
        states.setdefault(task_id, []).append(_state_row(task_id, event, about.validated_state))
        known = rows.get(task_id)
        if known is None or known["state_timestamp"] <= event.occurred:
            rows[task_id] = _row(task_id, event, about)
    _drop_strangers(tx, rows, states)
    _store(tx, list(rows.values()), [state for each in states.values() for state in each])


def _store(
    tx: Transaction, rows: Sequence[dict[str, Any]], states: Sequence[dict[str, Any]]
) -> None:
    if not rows:
        return
    tx.execute(_INSERT, rows)
    updates = [
        {"task_id": row["id"], **{f"new_{name}": row[name] for name in _MOVING}} for row in rows
    ]
    tx.execute(_UPDATE, updates)
    tx.execute(_INSERT_STATE, states)


def _drop_strangers(tx: Transaction, rows: dict[UUID, Any], states: dict[UUID, Any]) -> None:
    """Task runs of flow runs that are not there, deleted meanwhile perhaps."""
    wanted = {row["flow_run_id"] for row in rows.values()} - {None}
    there: set[UUID | None] = {None}
    if wanted:
        statement = select(flow_run.c.id).where(flow_run.c.id.in_(list(wanted)))
        there.update(tx.execute(statement).scalars())
    for task_id in [each for each, row in rows.items() if row["flow_run_id"] not in there]:
        del rows[task_id], states[task_id]


def _is_ours(event: Event) -> bool:
    by_client = event.resource.get("prefect.orchestration") == "client"
    return by_client and event.event.startswith(_TASK_RUN)


def _told(event: Event) -> _Told | None:
    try:
        return msgspec.convert(event.payload, _Told, strict=False)
    except msgspec.ValidationError:
        return None


def _row(task_id: UUID, event: Event, about: _Told) -> dict[str, Any]:
    run, told = about.task_run, about.validated_state
    state = State(
        id=event.id,
        type=told.type,
        name=told.name,
        timestamp=event.occurred,
        message=told.message,
        state_details=_details(task_id, event, told),
        data=told.data,
    )
    return {
        **msgspec.structs.asdict(run),
        "id": task_id,
        "created": event.occurred,
        "updated": event.occurred,
        "flow_run_id": _flow_run_of(event),
        "state_id": event.id,
        "state_type": told.type.value,
        "state_name": told.name,
        "state_timestamp": event.occurred,
        "state": msgspec.to_builtins(state),
        "next_scheduled_start_time": _due(told),
    }


def _state_row(task_id: UUID, event: Event, told: _ToldState) -> dict[str, Any]:
    return {
        "id": event.id,
        "task_run_id": task_id,
        "type": told.type.value,
        "name": told.name,
        "timestamp": event.occurred,
        "message": told.message,
        "state_details": _details(task_id, event, told),
        "data": told.data,
    }


def _details(task_id: UUID, event: Event, told: _ToldState) -> StateDetails:
    return msgspec.structs.replace(
        told.state_details, task_run_id=task_id, flow_run_id=_flow_run_of(event)
    )


def _due(told: _ToldState) -> datetime | None:
    return told.state_details.scheduled_time if told.type is StateType.SCHEDULED else None


def _flow_run_of(event: Event) -> UUID | None:
    for each in event.related:
        if each.get("prefect.resource.role") == "flow-run":
            return _id_in(each.get("prefect.resource.id", ""), _FLOW_RUN)
    return None


def _id_in(resource_id: str, prefix: str) -> UUID | None:
    try:
        return UUID(resource_id.removeprefix(prefix))
    except ValueError:
        return None
