"""The end of an execution that did not end its run itself: a report, or the reaper's verdict.

In one transaction: the run ends, its token grows (whoever still writes is refused), the subflows
and task runs of its process end with it, the runs that it called are stopped, and the next attempt
is made where the budget allows one.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, func, select, update

from runwright.api.executions import ExitAnswer, ExitReport
from runwright.core.attempts import Lineage, next_attempt
from runwright.core.states import TERMINAL, StateName, StateType
from runwright.server.policy import Policy
from runwright.server.problems import Conflict, Missing
from runwright.server.use_cases.stop_children import stop_children
from runwright.storage.engine import Transaction
from runwright.storage.moves import new_state, present_state, record_move
from runwright.storage.runs import OVER, READ, insert_run, lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, task_run, task_run_state

_ENDED = [str(kind) for kind in TERMINAL]
_c = flow_run.c
_SUBFLOWS = Prepared(
    select(_c.id)
    .where(
        _c.execution_root_id == bindparam("root_id"), *(_c.state_type != kind for kind in _ENDED)
    )
    .order_by(_c.id)
)  # fmt: skip
_WHOLE = Prepared(select(flow_run).where(_c.id == bindparam("run_id")))
_NEXT = Prepared(
    select(_c.id).where(_c.root_run_id == bindparam("root_id"), _c.attempt == bindparam("attempt"))
)
_LAST_ATTEMPT = Prepared(select(func.max(_c.attempt)).where(_c.root_run_id == bindparam("root_id")))
_KEEP_REPORT = Prepared(
    update(flow_run)
    .where(_c.id == bindparam("run_id"))
    .values(
        exit_report=bindparam("report", type_=_c.exit_report.type),
        credential_hash=bindparam("credential"),
    )
)
_COPIED = (
    "name", "flow_id", "flow_version", "deployment_id", "deployment_version", "work_queue_id",
    "work_pool_id", "parameters", "shown_parameters", "context", "empirical_policy", "tags",
    "labels", "job_variables", "created_by", "parent_task_run_id", "parent_flow_run_id",
    "root_run_id", "retries", "retry_delay_seconds",
)  # fmt: skip


def lease_lost(run_id: UUID) -> Conflict:
    """The refusal that tells a holder to stop."""
    return Conflict(
        f"Flow run {run_id} belongs to another execution now, or has ended: stop working on it.",
        code="lease_lost",
    )


def end_execution(tx: Transaction, run_id: UUID, report: ExitReport, policy: Policy) -> ExitAnswer:
    """Take the report of a process that has ended. A repeated report is answered the same.

    Raises:
        Missing: there is no such run.
        Conflict: `lease_lost`, the run belongs to another execution.
    """
    run = lock_run(tx, run_id)
    if run is None:
        raise Missing(f"There is no flow run {run_id}.")
    if run.execution_id != report.execution_id:
        raise lease_lost(run_id)
    ended = run.state_type in TERMINAL
    if run.claim_token != report.token and not (ended and run.exit_report is not None):
        raise lease_lost(run_id)
    if ended or run.lease_expires_at is None:
        if run.exit_report is None:
            _keep_report(tx, run, report)
        return _answer(tx, run)
    if run.cancel_requested_at is not None:
        kind, message = StateType.CANCELLED, f"Cancelled; its process {how_it_ended(report)}."
    else:
        kind, message = StateType.CRASHED, f"The flow's process {how_it_ended(report)}."
    run = end_run(
        tx, run, kind, message, policy, was_reported=True, exit_report=msgspec.to_builtins(report)
    )
    return _answer(tx, run)


def end_run(  # noqa: PLR0913  # the two facts about the end are keywords
    tx: Transaction, run: Any, kind: StateType, message: str, policy: Policy,
    *, was_reported: bool, exit_report: Any = None,
) -> Any:  # fmt: skip
    """Crash or cancel a locked run from outside, with all that its process was doing."""
    state = new_state(tx, policy.new_id(), kind, _name(kind), message)
    ended = record_move(
        tx, run, state, claim_token=run.claim_token + 1, exit_report=exit_report or run.exit_report
    )
    end_what_ran_inside(tx, ended, kind, policy)
    if run.worker_id is not None:
        tx.wake(f"worker:{run.worker_id}")
    if kind is StateType.CRASHED:
        insert_next_attempt(tx, ended, policy, was_reported=was_reported)
    return ended


def copy_of(tx: Transaction, run: Any, **values: Any) -> dict[str, Any]:
    """The values of a brand-new run that does the same again."""
    whole = tx.execute(_WHOLE, {"run_id": run.id}).one()
    return {**{name: getattr(whole, name) for name in _COPIED}, **values}


def last_attempt(tx: Transaction, root_run_id: UUID) -> int:
    """The number of the newest attempt of a lineage."""
    return tx.execute(_LAST_ATTEMPT, {"root_id": root_run_id}).scalar() or 1


def how_it_ended(report: ExitReport) -> str:
    """The cause in words, as far as it is known."""
    if report.oom_killed:
        cause = f"was killed because its memory ran out{_memory_of(report)}"
    elif report.signal is not None:
        cause = f"was killed by signal {report.signal}"
    elif report.exit_code is not None:
        cause = f"ended with exit code {report.exit_code} and no final state"
    else:
        cause = "ended without a final state"
    return f"{cause} ({report.reason})" if report.reason else cause


def _memory_of(report: ExitReport) -> str:
    figures = {"limit": report.memory_limit_bytes, "peak": report.peak_memory_bytes}
    told = [f"{what} {size / 2**20:.0f} MiB" for what, size in figures.items() if size]
    return f": {', '.join(told)}" if told else ""


def insert_next_attempt(tx: Transaction, run: Any, policy: Policy, *, was_reported: bool) -> None:
    """Make the attempt after a crash, where the budget allows one."""
    delay = run.retry_delay_seconds
    following = next_attempt(
        Lineage(
            attempt=run.attempt,
            retries=run.retries,
            retries_used=run.retries_used,
            retry_delay=None if delay is None else timedelta(seconds=delay),
            has_deployment=run.deployment_id is not None,
            cancel_wanted=run.cancel_requested_at is not None,
            was_reported=was_reported,
        )
    )
    if following is None:
        return
    run_id = policy.new_id()
    values = copy_of(
        tx, run, id=run_id, attempt=following.attempt, retries_used=following.retries_used
    )
    if not insert_run(tx, values):  # UNIQUE(root_run_id, attempt): somebody made it already
        return
    schedule_new_run(
        tx, run_id, policy, following.delay, f"Attempt {following.attempt} after a crash."
    )


def schedule_new_run(
    tx: Transaction, run_id: UUID, policy: Policy, delay: timedelta, message: str
) -> None:
    """Give a run that was just inserted its first state."""
    waits = delay > timedelta()
    state = new_state(
        tx,
        policy.new_id(),
        StateType.SCHEDULED,
        StateName.AWAITING_RETRY if waits else StateName.SCHEDULED,
        message,
        due=tx.now + delay,
    )
    record_move(tx, lock_run(tx, run_id), state)


def end_what_ran_inside(tx: Transaction, run: Any, kind: StateType, policy: Policy) -> None:
    """Subflows and task runs lived in the same process. Runs that they called stop with them."""
    ended_ids = [run.id]
    for subflow_id in tx.execute(_SUBFLOWS, {"root_id": run.id}).scalars():
        subflow = lock_run(tx, subflow_id)
        if subflow.execution_id != run.execution_id:
            continue
        state = new_state(tx, policy.new_id(), kind, _name(kind), "Its parent's process ended.")
        record_move(tx, subflow, state, claim_token=run.claim_token)
        ended_ids.append(subflow_id)
    # First the children: they tell of their ends in the task runs that stand for them.
    stop_children(tx, ended_ids, policy)
    _end_task_runs(tx, ended_ids, kind, policy)


def _end_task_runs(
    tx: Transaction, flow_run_ids: list[UUID], kind: StateType, policy: Policy
) -> None:
    unfinished = tx.execute(
        select(task_run.c.id).where(
            task_run.c.flow_run_id.in_(flow_run_ids), task_run.c.state_type.not_in(_ENDED)
        )
    ).scalars()
    states = {
        task_id: new_state(tx, policy.new_id(), kind, _name(kind), "Its flow's process ended.")
        for task_id in unfinished
    }
    if not states:
        return
    tx.execute(
        _END_TASK_RUN,
        [
            {
                "task_id": task_id,
                "new_state_id": state.id,
                "new_type": str(kind),
                "new_name": state.name,
                "new_at": state.timestamp,
                "new_state": msgspec.to_builtins(state),
            }
            for task_id, state in states.items()
        ],
    )
    tx.execute(
        _INSERT_TASK_STATE,
        [
            {
                "id": state.id,
                "task_run_id": task_id,
                "type": str(kind),
                "name": state.name,
                "timestamp": state.timestamp,
                "message": state.message,
                "state_details": {},
            }
            for task_id, state in states.items()
        ],
    )


_t = task_run.c
_END_TASK_RUN = Prepared(
    update(task_run)
    .where(_t.id == bindparam("task_id"))
    .values(
        state_id=bindparam("new_state_id", type_=_t.state_id.type),
        state_type=bindparam("new_type"),
        state_name=bindparam("new_name"),
        state_timestamp=bindparam("new_at", type_=_t.state_timestamp.type),
        end_time=bindparam("new_at", type_=_t.end_time.type),
        updated=bindparam("new_at", type_=_t.updated.type),
        state=bindparam("new_state", type_=_t.state.type),
    )
)
_INSERT_TASK_STATE = Prepared(
    lambda dialect: dialect.insert_or_skip(task_run_state),
    columns=[column.key for column in task_run_state.c],
)


def _keep_report(tx: Transaction, run: Any, report: ExitReport) -> None:
    """With it the credential ends, by which the run's process and what it has left could ask."""
    kept = run.credential_hash
    credential = kept and OVER + kept.removeprefix(OVER)
    told = msgspec.to_builtins(report)
    tx.execute(_KEEP_REPORT, {"run_id": run.id, "report": told, "credential": credential})


def _answer(tx: Transaction, run: Any) -> ExitAnswer:
    parameters = {"root_id": run.root_run_id, "attempt": run.attempt + 1}
    state = present_state(tx.execute(READ, {"run_id": run.id}).one())
    assert state is not None  # noqa: S101  # it was claimed, so it has one
    return ExitAnswer(state=state, next_run_id=tx.execute(_NEXT, parameters).scalar())


def _name(kind: StateType) -> str:
    return StateName.CRASHED if kind is StateType.CRASHED else StateName.CANCELLED
