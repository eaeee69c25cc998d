"""States of task runs on their way in: thousands a second, so folded in memory, stored in bulk."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from runwright.api.journal import TaskRunInfo, TaskRunMoved
from runwright.core.states import TERMINAL, State, StateType
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import task_run, task_run_state

#: Some task run has moved. Not among `EVENTS`: there are many more of these.
TASKS = "tasks"
_t = task_run.c
_MOVING = (
    "updated", "state_id", "state_type", "state_name", "state_timestamp", "state", "run_count",
    "expected_start_time", "start_time", "end_time", "total_run_time",
)  # fmt: skip
_KNOWN = [_t.id, _t.flow_run_id, *(_t[name] for name in _MOVING if name != "state")]
_AT_ONCE = 500
_INSERT = Prepared(
    lambda dialect: dialect.insert_or_skip(task_run), columns=[column.key for column in _t]
)
_UPDATE = Prepared(
    update(task_run)
    .where(_t.id == bindparam("task_id"))
    .values({name: bindparam(f"new_{name}", type_=_t[name].type) for name in _MOVING})
)
_INSERT_STATE = Prepared(
    lambda dialect: dialect.insert_or_skip(task_run_state),
    columns=[column.key for column in task_run_state.c],
)
KnownTaskRuns = dict[UUID, dict[str, Any]]


def record_task_states(
    tx: Transaction,
    moves: Sequence[TaskRunMoved],
    flow_run_ids: Collection[UUID | None],
    known: KnownTaskRuns | None = None,
) -> None:
    """Store states in their order. Task runs of flow runs other than these are left alone.

    Every task run is told of in full with its first state; states of unknown ones are dropped.
    `known` is what `known_task_runs` has just found, where it was called.
    """
    if not moves:
        return
    rows = known_task_runs(tx, {move.task_run_id for move in moves}) if known is None else known
    made: dict[UUID, dict[str, Any]] = {}
    changed: dict[UUID, dict[str, Any]] = {}
    states: list[dict[str, Any]] = []
    for move in moves:
        task_id = move.task_run_id
        row = made.get(task_id) or changed.get(task_id)
        if row is None and task_id in rows:
            row = changed[task_id] = rows[task_id]
        if row is None and move.run is not None:
            row = made[task_id] = _new_row(task_id, move.run, move.state)
        if row is None or row["flow_run_id"] not in flow_run_ids:
            changed.pop(task_id, None)
            made.pop(task_id, None)
            continue
        _enter(row, move)
        states.append(_history(task_id, move.state))
    _store(tx, made, changed, states)


def _store(
    tx: Transaction,
    made: dict[UUID, dict[str, Any]],
    changed: dict[UUID, dict[str, Any]],
    states: list[dict[str, Any]],
) -> None:
    if made:
        tx.execute(_INSERT, list(made.values()))
    if changed:
        updates = [
            {"task_id": task_id, **{f"new_{name}": row[name] for name in _MOVING}}
            for task_id, row in changed.items()
        ]
        tx.execute(_UPDATE, updates)
    if states:
        tx.execute(_INSERT_STATE, states)
        tx.wake(TASKS)


def known_task_runs(tx: Transaction, ids: Collection[UUID]) -> KnownTaskRuns:
    """Those of the task runs that are stored, by their ids: whose they are, and how they stand."""
    found: dict[UUID, dict[str, Any]] = {}
    every = list(ids)
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        for row in tx.execute(select(*_KNOWN).where(_t.id.in_(some))):
            found[row.id] = {**row._asdict(), "state": None}
    return found


def _new_row(task_id: UUID, run: TaskRunInfo, first: State) -> dict[str, Any]:
    return {
        "id": task_id,
        "created": first.timestamp,
        "updated": first.timestamp,
        "flow_run_id": run.flow_run_id,
        "name": run.name,
        "task_key": run.task_key,
        "dynamic_key": run.dynamic_key,
        "task_version": run.task_version,
        "cache_key": run.cache_key,
        "cache_expiration": run.cache_expiration,
        "empirical_policy": {"retries": run.retries, "retry_delay": run.retry_delay_seconds},
        "tags": run.tags,
        "labels": {},
        "task_inputs": run.task_inputs,
        "state_type": None,
        "state_timestamp": first.timestamp,
        "run_count": 0,
        "flow_run_run_count": 1,
        "expected_start_time": run.expected_start_time or first.timestamp,
        "start_time": None,
        "end_time": None,
        "total_run_time": 0.0,
    }


def _enter(row: dict[str, Any], move: TaskRunMoved) -> None:
    state = move.state
    was_running = row["state_type"] == StateType.RUNNING
    if was_running:
        seconds = (state.timestamp - row["state_timestamp"]).total_seconds()
        row["total_run_time"] += max(0.0, seconds)
    if state.type is StateType.RUNNING:
        row["run_count"] += not was_running
        row["start_time"] = row["start_time"] or state.timestamp
    row["run_count"] = max(row["run_count"], move.run_count)
    row["end_time"] = state.timestamp if state.type in TERMINAL else None
    row["state_id"] = state.id
    row["state_type"] = state.type.value
    row["state_name"] = state.name
    row["state_timestamp"] = row["updated"] = state.timestamp
    row["state"] = state


def _history(task_id: UUID, state: State) -> dict[str, Any]:
    return {
        "id": state.id,
        "task_run_id": task_id,
        "type": state.type.value,
        "name": state.name,
        "timestamp": state.timestamp,
        "message": state.message,
        "state_details": state.state_details,
        "data": state.data,
    }
