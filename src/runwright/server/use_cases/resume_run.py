"""A paused run goes on, with the input that it waits for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.run_inputs import RunInputCreate
from runwright.api.states import (
    AbortDetails,
    OrchestrationResult,
    ProposedDetails,
    RejectDetails,
    SetState,
    StateCreate,
)
from runwright.core.states import State, StateName, StateType
from runwright.server.policy import Policy
from runwright.server.problems import Missing
from runwright.server.schema_checks import first_problem
from runwright.server.use_cases.move_run import move_run
from runwright.storage.engine import Transaction
from runwright.storage.moves import present_state
from runwright.storage.run_inputs import add_run_input, remove_run_input, run_input_value
from runwright.storage.runs import lock_run


def resume_run(
    tx: Transaction, run_id: UUID, run_input: Mapping[str, Any] | None, policy: Policy
) -> OrchestrationResult:
    """Let a paused run go on: its process, or, where it was suspended, a worker.

    Input that does not fit what the run waits for is refused, and the run stays paused.

    Raises:
        Missing: there is no such run.
    """
    run = lock_run(tx, run_id)
    if run is None:
        raise Missing(f"There is no flow run {run_id}.")
    paused = present_state(run)
    if paused is None or paused.type is not StateType.PAUSED:
        name = "without a state" if paused is None else paused.name
        reason = f"Only a paused run can be resumed; this one is {name}."
        return OrchestrationResult(
            state=paused, status="ABORT", details=AbortDetails(reason=reason)
        )
    keys = paused.state_details.run_input_keyset
    given = dict(run_input or {})
    if keys:
        problem = _problem(run_input_value(tx, run_id, keys["schema"]), given)
        if problem is not None:
            details = RejectDetails(reason=problem)
            return OrchestrationResult(state=paused, status="REJECT", details=details)
    result = move_run(tx, run_id, SetState(state=_next(tx, paused)), policy)
    if keys and result.status == "ACCEPT":
        remove_run_input(tx, run_id, keys["response"])
        answer = RunInputCreate(key=keys["response"], value=msgspec.json.encode(given).decode())
        add_run_input(tx, run_id, answer, policy.new_id())
    return result


def _next(tx: Transaction, paused: State) -> StateCreate:
    if not paused.state_details.pause_reschedule:
        return StateCreate(type=StateType.RUNNING)
    return StateCreate(
        type=StateType.SCHEDULED,
        name=StateName.RESUMING,
        state_details=ProposedDetails(scheduled_time=tx.now),
    )


def _problem(schema: str | None, given: Mapping[str, Any]) -> str | None:
    if schema is None:
        return "The run waits for input and has not said of what shape: try again in a moment."
    try:
        shape = msgspec.json.decode(schema, type=dict[str, Any])
    except msgspec.MsgspecError:
        return "The run waits for input whose schema is not a JSON object."
    found = first_problem(shape, given)
    if found is None:
        return None
    name, why = found
    return f"The input cannot be used: {f'{name!r}: ' if name else ''}{why}."
