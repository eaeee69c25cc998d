"""`/flow_run_states` and `/task_run_states`: the history of runs."""

from typing import Any

import msgspec
from litestar import Router, get
from sqlalchemy import ColumnElement, Table, select

from runwright.core.states import State
from runwright.server.injected import PathId, QueryId, Wired
from runwright.server.problems import Missing
from runwright.storage.engine import Transaction
from runwright.storage.tables import flow_run_state, task_run_state

_MOST = 10_000


def _states(tx: Transaction, table: Table, condition: ColumnElement[bool]) -> list[State]:
    order = table.c.seq if "seq" in table.c else table.c.timestamp
    rows = tx.execute(select(table).where(condition).order_by(order).limit(_MOST)).all()
    return [_state(row) for row in rows]


def _state(row: Any) -> State:
    document = {
        name: getattr(row, name) for name in ("id", "type", "name", "timestamp", "message", "data")
    }
    return msgspec.convert({**document, "state_details": row.state_details or {}}, State)


async def _one(wiring: Wired, table: Table, state_id: PathId) -> State:
    found = await wiring.storage.read(lambda tx: _states(tx, table, table.c.id == state_id))
    if not found:
        raise Missing(f"There is no state {state_id}.")
    return found[0]


@get("/flow_run_states/{state_id:uuid}")
async def flow_run_state_by_id(state_id: PathId, wiring: Wired) -> State:
    """One state of a flow run."""
    return await _one(wiring, flow_run_state, state_id)


@get("/task_run_states/{state_id:uuid}")
async def task_run_state_by_id(state_id: PathId, wiring: Wired) -> State:
    """One state of a task run."""
    return await _one(wiring, task_run_state, state_id)


@get("/flow_run_states")
async def flow_run_states(flow_run_id: QueryId, wiring: Wired) -> list[State]:
    """The states a flow run has been in, oldest first."""
    condition = flow_run_state.c.flow_run_id == flow_run_id
    return await wiring.storage.read(lambda tx: _states(tx, flow_run_state, condition))


@get("/task_run_states")
async def task_run_states(task_run_id: QueryId, wiring: Wired) -> list[State]:
    """The states a task run has been in, oldest first."""
    condition = task_run_state.c.task_run_id == task_run_id
    return await wiring.storage.read(lambda tx: _states(tx, task_run_state, condition))


router = Router(
    path="/",
    route_handlers=[
        flow_run_state_by_id,
        task_run_state_by_id,
        flow_run_states,
        task_run_states,
    ],
)
