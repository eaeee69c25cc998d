"""Runs a flow run again: a brand-new run of the same lineage, asked for by a person."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from runwright.core.states import TERMINAL
from runwright.server.policy import Policy
from runwright.server.problems import Conflict, Missing
from runwright.server.use_cases.end_execution import copy_of, last_attempt, schedule_new_run
from runwright.storage.engine import Transaction
from runwright.storage.runs import insert_run, lock_run


def rerun(
    tx: Transaction, run_id: UUID, policy: Policy,
    *, asked_by: dict[str, Any] | None = None, fresh: bool = False,
) -> UUID:  # fmt: skip
    """The id of the new run. It has what is left of the lineage's budget of retries.

    `fresh` begins a lineage of its own: the whole budget, and no results of earlier attempts.

    Raises:
        Missing: there is no such run.
        Conflict: the run has not ended, or has no deployment to start it from.
    """
    run = lock_run(tx, run_id)
    if run is None:
        raise Missing(f"There is no flow run {run_id}.")
    if run.state_type not in TERMINAL:
        raise Conflict(
            f"Flow run {run.name!r} is {run.state_name}: only a run that has ended runs again. "
            f"Cancel it first: runwright flow-run cancel {run_id}",
            code="run_not_ended",
        )
    if run.deployment_id is None:
        raise Conflict(
            f"Flow run {run.name!r} was started by hand: no worker knows its code. Start it by "
            "hand again, or deploy its flow.",
            code="no_deployment",
        )
    new_id = policy.new_id()
    if fresh:
        place = {"root_run_id": new_id, "attempt": 1, "retries_used": 0}
    else:
        attempt = last_attempt(tx, run.root_run_id) + 1
        place = {"attempt": attempt, "retries_used": run.retries_used}
    values = copy_of(tx, run, id=new_id, **place)
    if asked_by is not None:
        values["created_by"] = asked_by
    if not insert_run(tx, values):
        raise Conflict(f"Flow run {run.name!r} is being run again already.", code="rerun_exists")
    schedule_new_run(tx, new_id, policy, timedelta(), f"Rerun of {run.name} ({run_id}).")
    return new_id
