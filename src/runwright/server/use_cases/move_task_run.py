"""Task runs of clients that speak REST: `POST /task_runs/` and `/task_runs/{id}/set_state`.

Our own executions tell of their task runs in their journal (`append_journal.py`); there, they are
orchestrated where they run.
"""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from runwright.api.journal import TaskRunInfo, TaskRunMoved
from runwright.api.states import OrchestrationResult, SetState, StateCreate
from runwright.api.task_runs import TaskRunCreate
from runwright.core.decide import decide_task
from runwright.core.states import State, StateType
from runwright.core.transitions import RunFacts, Transition
from runwright.server.policy import Policy
from runwright.server.problems import Missing
from runwright.server.use_cases.move_run import answer, decided_state, state_of
from runwright.server.use_cases.note_forced import note_forced
from runwright.storage.background_tasks import defer
from runwright.storage.engine import Transaction
from runwright.storage.moves import present_state
from runwright.storage.runs import read_run
from runwright.storage.tables import flow_run, task_run
from runwright.storage.task_states import record_task_states

_c = task_run.c
_PENDING = StateCreate(type=StateType.PENDING)


class CreatedTaskRun(NamedTuple):
    """The id of a task run, and whether it was made just now."""

    id: UUID
    is_new: bool


def create_task_run(tx: Transaction, body: TaskRunCreate, policy: Policy) -> CreatedTaskRun:
    """Make a task run, or find the one that the same call in the same flow run has made.

    Raises:
        Missing: there is no such flow run.
    """
    existing = _made_before(tx, body)
    if existing is not None:
        return CreatedTaskRun(existing, is_new=False)
    if body.flow_run_id is not None and read_run(tx, body.flow_run_id) is None:
        raise Missing(f"There is no flow run {body.flow_run_id}, so it can have no task run.")
    task_run_id = body.id or policy.new_id()
    proposed = body.state or _PENDING
    move = TaskRunMoved(
        task_run_id=task_run_id,
        state=state_of(proposed, policy.new_id(), tx),
        run=TaskRunInfo(
            flow_run_id=body.flow_run_id,
            name=body.name or f"{body.task_key.rsplit('.', 1)[-1]}-{body.dynamic_key}",
            task_key=body.task_key,
            dynamic_key=body.dynamic_key,
            task_version=body.task_version,
            tags=body.tags,
            retries=body.empirical_policy.retries or 0,
            retry_delay_seconds=body.empirical_policy.retry_delay,
            cache_key=body.cache_key,
            cache_expiration=body.cache_expiration,
            task_inputs=body.task_inputs,
        ),
    )
    record_task_states(tx, [move], {body.flow_run_id})
    _deliver(tx, task_run_id, body.task_key, move.state)
    return CreatedTaskRun(task_run_id, is_new=True)


def move_task_run(
    tx: Transaction, run_id: UUID, proposal: SetState, policy: Policy,
    *, by: dict[str, Any] | None = None,
) -> OrchestrationResult:  # fmt: skip
    """Judge a state proposed for a task run, by `by`, and record what was decided.

    Raises:
        Missing: there is no such task run.
    """
    row = tx.execute(select(task_run).where(_c.id == run_id).with_for_update()).first()
    if row is None:
        raise Missing(f"There is no task run {run_id}.")
    proposed = state_of(proposal.state, policy.new_id(), tx)
    move = _transition(tx, row, proposed, force=proposal.force)
    decision = decide_task(move)
    state = decided_state(decision, proposed)
    if state is None:
        return answer(decision, move.current)
    entry = TaskRunMoved(task_run_id=run_id, state=state, run_count=row.run_count)
    record_task_states(tx, [entry], {row.flow_run_id})
    note_forced(tx, "task-run", row, move.current, state, policy, by=by)
    _deliver(tx, run_id, row.task_key, state)
    return answer(decision, state)


def _deliver(tx: Transaction, task_run_id: UUID, task_key: str, state: State) -> None:
    """A background task waits for a process that carries it out."""
    if state.type is StateType.SCHEDULED and state.state_details.deferred:
        defer(tx, task_run_id, task_key, state.state_details.scheduled_time or tx.now)


def _made_before(tx: Transaction, body: TaskRunCreate) -> UUID | None:
    if body.id is not None:
        return tx.execute(select(_c.id).where(_c.id == body.id)).scalar()
    is_deferred = body.state is not None and body.state.state_details.deferred
    if body.flow_run_id is None and not is_deferred:
        return None
    # A background task's key is one of the call: a client that repeats its request sends it again.
    same = select(_c.id).where(
        _c.flow_run_id.is_(None)
        if body.flow_run_id is None
        else _c.flow_run_id == body.flow_run_id,
        _c.task_key == body.task_key,
        _c.dynamic_key == body.dynamic_key,
    )
    return tx.execute(same).scalar()


def _transition(tx: Transaction, row: Any, proposed: State, *, force: bool) -> Transition:
    current = present_state(row)
    transition_id = proposed.state_details.transition_id
    repeated = current is not None and current.state_details.transition_id == transition_id
    policy = row.empirical_policy or {}
    delay = policy.get("retry_delay")
    enclosing = None
    if row.flow_run_id is not None:
        enclosing = tx.execute(
            select(flow_run.c.state_type).where(flow_run.c.id == row.flow_run_id)
        ).scalar()
    facts = RunFacts(
        retries=policy.get("retries") or 0,
        retries_used=max(0, row.run_count - 1),
        retry_delay=timedelta(seconds=delay) if isinstance(delay, int | float) else None,
        last_transition_id=transition_id if repeated else None,
        next_scheduled_start_time=row.next_scheduled_start_time,
        enclosing_state=StateType(enclosing) if enclosing else None,
    )
    return Transition(current=current, proposed=proposed, now=tx.now, run=facts, force=force)
