"""New runs of deployments: everything a run is made of, and its first state."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from runwright.core.states import State
from runwright.storage.moves import begin_in

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that begins a lineage. It is due at its state's scheduled time."""

    id: UUID
    name: str
    flow_id: UUID
    state: State
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_pool_id: UUID | None = None
    work_queue_id: UUID | None = None
    parameters: dict[str, Any] = {}
    shown_parameters: dict[str, Any] | None = None
    context: dict[str, Any] = {}
    empirical_policy: dict[str, Any] = {}
    tags: list[str] = []
    labels: dict[str, Any] = {}
    job_variables: dict[str, Any] | None = None
    created_by: dict[str, Any] | None = None
    idempotency_key: str | None = None
    parent_task_run_id: UUID | None = None
    parent_flow_run_id: UUID | None = None
    retries: int = 0
    retry_delay_seconds: float | None = None
    #: Of a run that a schedule made.
    schedule_id: UUID | None = None
    fire_key: str | None = None


def begin_run(tx: "Transaction", run: NewRun) -> bool:
    """Store a run in its first state, unless its idempotency key or its fire has one already."""
    values: dict[str, Any] = {
        name: getattr(run, name) for name in run.__struct_fields__ if name != "state"
    }
    values["auto_scheduled"] = run.schedule_id is not None
    return begin_in(tx, values, run.state)
