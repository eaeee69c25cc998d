"""Flow runs as rows: how one is made, read under lock, and changed.

`save` is the only way to change where a run stands. Its WHERE names the token and the state that
the change was decided upon: a decision can never be applied to another situation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, select, update

from runwright.core.states import TERMINAL
from runwright.storage.engine import Transaction
from runwright.storage.errors import StorageError
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow, flow_run, flow_run_state

#: Marks the credential of an execution whose claim is over: it is still known whose it was.
OVER = "over "
#: What a move may change.
MOVING = (
    "updated", "state_id", "state_type", "state_name", "state_timestamp", "state", "state_seq",
    "run_count", "expected_start_time", "next_scheduled_start_time", "start_time", "end_time",
    "total_run_time", "due_at", "retries_used", "claim_token", "execution_id", "credential_hash",
    "worker_id", "worker_name", "claimed_at", "lease_expires_at", "lease_seconds",
    "launch_count", "journal_next", "cancel_requested_at", "exit_report",
    "deployment_version_number",
)  # fmt: skip
_FACTS = (
    "id", "name", "flow_id", "deployment_id", "work_pool_id", "work_queue_id", "empirical_policy",
    "parent_task_run_id", "parent_flow_run_id", "root_run_id", "attempt", "retries",
    "retry_delay_seconds", "execution_root_id",
)  # fmt: skip

_c = flow_run.c
COLUMNS = [_c[name] for name in (*_FACTS, *MOVING)]
_by_id = _c.id == bindparam("run_id")
READ = Prepared(select(*COLUMNS).where(_by_id))
_LOCK = Prepared(lambda dialect: dialect.locked(select(*COLUMNS).where(_by_id)))
_SAVE = Prepared(
    update(flow_run)
    .where(
        _by_id,
        _c.claim_token == bindparam("was_token"),
        _c.state_seq == bindparam("was_seq"),
    )
    .values({name: bindparam(f"new_{name}", type_=_c[name].type) for name in MOVING})
)
_SAVE_POLICY = Prepared(
    update(flow_run)
    .where(_by_id)
    .values(empirical_policy=bindparam("policy", type_=_c.empirical_policy.type))
)
_RENEW = Prepared(
    update(flow_run)
    .where(_by_id, _c.claim_token == bindparam("was_token"))
    .values(
        lease_expires_at=bindparam("lease", type_=_c.lease_expires_at.type),
        journal_next=bindparam("next"),
    )
)
_INSERT = Prepared(
    lambda dialect: dialect.insert_or_skip(flow_run).returning(_c.id),
    columns=[column.key for column in _c],
)
INSERT_STATE = Prepared(lambda dialect: dialect.insert(flow_run_state), columns=[
    column.key for column in flow_run_state.c
])  # fmt: skip
_FLOW_ID = Prepared(select(flow.c.id).where(flow.c.name == bindparam("flow_name")))
_INSERT_FLOW = Prepared(
    lambda dialect: dialect.insert_or_skip(flow), columns=[column.key for column in flow.c]
)
_MADE_TRANSITION = Prepared(
    select(flow_run_state.c.id).where(
        flow_run_state.c.flow_run_id == bindparam("run_id"),
        flow_run_state.c.transition_id == bindparam("transition_id"),
    )
)


def has_not_ended(state_type: Any) -> ColumnElement[bool]:
    """The column's state is not terminal. (Not `NOT IN`: prepared statements hold no lists.)"""
    return and_(*(state_type != str(kind) for kind in sorted(TERMINAL)))


def read_run(tx: Transaction, run_id: UUID) -> Any:
    """The run, or None."""
    return tx.execute(READ, {"run_id": run_id}).first()


def lock_run(tx: Transaction, run_id: UUID) -> Any:
    """The run, or None; nobody else changes it before this transaction ends."""
    run = tx.execute(_LOCK, {"run_id": run_id}).first()
    if run is not None:
        tx.saw_clock(run.read_at)
    return run


def save(tx: Transaction, run: Any, changes: Mapping[str, Any]) -> Any:
    """Change the run that was read as `run`; the run as it is now.

    A credential dies with its claim: whoever changes the token ends it.

    Raises:
        StorageError: the run is not as it was read. Read it with `lock_run`.
    """
    if changes.get("claim_token", run.claim_token) != run.claim_token and run.credential_hash:
        over = OVER + run.credential_hash.removeprefix(OVER)
        changes = {"credential_hash": over, **changes}
    parameters = {
        f"new_{name}": changes[name] if name in changes else getattr(run, name) for name in MOVING
    }
    parameters |= {"run_id": run.id, "was_token": run.claim_token, "was_seq": run.state_seq}
    if tx.execute(_SAVE, parameters).rowcount != 1:
        raise StorageError(f"Flow run {run.id} changed while it was being moved. Try again.")
    return run._replace(**changes)


def save_policy(tx: Transaction, run_id: UUID, policy: Mapping[str, Any]) -> None:
    """Note how the run is retried and where it paused. Read it with `lock_run`."""
    tx.execute(_SAVE_POLICY, {"run_id": run_id, "policy": policy})


def renew(tx: Transaction, run: Any, lease_expires_at: datetime | None, journal_next: int) -> None:
    """Give the holder of the run more time, and note how much of its journal is stored."""
    tx.execute(
        _RENEW,
        {
            "run_id": run.id,
            "was_token": run.claim_token,
            "lease": lease_expires_at,
            "next": journal_next,
        },
    )


def insert_run(tx: Transaction, values: Mapping[str, Any]) -> bool:
    """Make a run, without a state yet. False where id or a unique key exists already.

    `values` needs id, name and flow_id; what it leaves out gets its default.
    """
    now = tx.now
    row: dict[str, Any] = {
        "created": now,
        "updated": now,
        "parameters": {},
        "context": {},
        "empirical_policy": {},
        "tags": [],
        "labels": {},
        "auto_scheduled": False,
        "state_seq": 0,
        "run_count": 0,
        "total_run_time": 0.0,
        "root_run_id": values["id"],
        "attempt": 1,
        "retries": 0,
        "retries_used": 0,
        "claim_token": 0,
        "launch_count": 0,
        "journal_next": 0,
    }
    row.update(values)
    return tx.execute(_INSERT, row).first() is not None


def flow_named(tx: Transaction, name: str, new_id: UUID) -> UUID:
    """The flow of that name, made as `new_id` where there is none."""
    found = tx.execute(_FLOW_ID, {"flow_name": name}).scalar()
    if found is None:
        now = tx.now
        row = {"id": new_id, "created": now, "updated": now, "name": name, "tags": [], "labels": {}}
        tx.execute(_INSERT_FLOW, row)
        found = tx.execute(_FLOW_ID, {"flow_name": name}).scalar()
    return found


def has_made(tx: Transaction, run_id: UUID, transition_id: UUID) -> bool:
    """Whether the run has recorded this transition."""
    parameters = {"run_id": run_id, "transition_id": transition_id}
    return tx.execute(_MADE_TRANSITION, parameters).first() is not None
