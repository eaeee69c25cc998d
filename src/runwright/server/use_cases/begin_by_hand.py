"""Runs that their own process makes: those started by hand, and subflows."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from runwright.api.journal import FlowRunStarted, JournalBatch
from runwright.core.run_names import run_name
from runwright.server.policy import Policy
from runwright.server.problems import Denied, Missing, Unprocessable
from runwright.storage.engine import Transaction
from runwright.storage.runs import flow_named, insert_run, lock_run

#: A lease shorter than a request would end every run; one of days would hide every crash.
_LEAST_LEASE_S = 1.0
_MOST_LEASE_S = 3600.0


def begin_by_hand(
    tx: Transaction, run_id: UUID, batch: JournalBatch, policy: Policy, *, may_begin: bool = True
) -> Any:
    """Make the run of an execution that begins with its own journal; it holds token 1.

    Raises:
        Missing: there is no such run, and the batch does not begin one.
        Denied: 403, who sends the journal may not make runs.
        Unprocessable: the first entry is about another run.
    """
    if batch.token != 0 or batch.first != 0 or not batch.entries:
        raise Missing(f"There is no flow run {run_id}.")
    started = batch.entries[0]
    if not isinstance(started, FlowRunStarted) or started.flow_run_id != run_id:
        raise Unprocessable(
            f"A journal that begins flow run {run_id} must say so in its first entry."
        )
    if not may_begin:
        raise Denied(
            f"This key may not begin flow run {run_id}: a run started by hand needs the scope "
            "runs:create beside runs:report.",
            status=403,
        )
    asked = batch.lease_seconds or policy.by_hand_lease.total_seconds()
    seconds = min(max(asked, _LEAST_LEASE_S), _MOST_LEASE_S)
    insert_run(
        tx,
        _values(tx, started, policy)
        | {
            # Its process is the outermost: nothing that is stored called it.
            "parent_flow_run_id": None,
            "parent_task_run_id": None,
            "claim_token": 1,
            "execution_id": batch.execution_id,
            "claimed_at": tx.now,
            "lease_seconds": seconds,
            "lease_expires_at": tx.now + timedelta(seconds=seconds),
            "launch_count": 1,
        },
    )
    return lock_run(tx, run_id)


def begin_subflow(tx: Transaction, root: Any, started: FlowRunStarted, policy: Policy) -> None:
    """Make the run of a flow that was called inside the execution of `root`.

    Where there is a run of that id already, nothing is changed.
    """
    insert_run(
        tx,
        _values(tx, started, policy)
        | {
            "claim_token": root.claim_token,
            "execution_id": root.execution_id,
            "execution_root_id": root.id,
            "parent_flow_run_id": started.parent_flow_run_id or root.id,
            "worker_id": root.worker_id,
            "worker_name": root.worker_name,
            "claimed_at": root.claimed_at,
        },
    )


def _values(tx: Transaction, started: FlowRunStarted, policy: Policy) -> dict[str, Any]:
    return {
        "id": started.flow_run_id,
        "name": started.name or run_name(policy.random),
        "flow_id": flow_named(tx, started.flow_name, policy.new_id()),
        "flow_version": started.flow_version,
        "parameters": started.parameters,
        "tags": started.tags,
        "labels": started.labels,
        "retries": max(0, started.retries),
        "retry_delay_seconds": started.retry_delay_seconds,
        "parent_flow_run_id": started.parent_flow_run_id,
        "parent_task_run_id": started.parent_task_run_id,
        "expected_start_time": started.timestamp,
    }
