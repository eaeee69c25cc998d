"""What about a run may be changed beside its state."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select, update

from runwright.api.flow_runs import FlowRunPolicy, FlowRunUpdate
from runwright.core.masks import shown_of
from runwright.server.use_cases.job_overrides import refuse_overrides
from runwright.storage.engine import Transaction
from runwright.storage.runs import lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment, flow_run

_c = flow_run.c
_LABELS = Prepared(select(_c.labels).where(_c.id == bindparam("run_id")))
_OVERRIDES = Prepared(
    select(_c.job_variables, deployment.c.overridable_job_variables)
    .select_from(flow_run.outerjoin(deployment, deployment.c.id == _c.deployment_id))
    .where(_c.id == bindparam("run_id"))
)
_SCHEMA = Prepared(
    select(deployment.c.parameter_openapi_schema)
    .select_from(flow_run.join(deployment, deployment.c.id == _c.deployment_id))
    .where(_c.id == bindparam("run_id"))
)
#: By this label the peer's workers say whose run it is.
_WORKER = "prefect.worker.name"


def change_run(
    tx: Transaction, run_id: UUID, wanted: FlowRunUpdate, *, may_override: bool = False
) -> bool:
    """Change the fields that were given; False when there is no such run.

    `may_override`: it may set any job variable.

    Raises:
        Denied: code `job_variables_not_allowed`.
    """
    run = lock_run(tx, run_id)
    if run is None:
        return False
    if wanted.job_variables is not msgspec.UNSET and not may_override:
        _refuse_overrides(tx, run_id, wanted.job_variables)
    given = {
        name: value
        for name in wanted.__struct_fields__
        if (value := getattr(wanted, name)) is not msgspec.UNSET
    }
    if given.get("name", "") is None:
        del given["name"]
    if "parameters" in given:
        schema = tx.execute(_SCHEMA, {"run_id": run_id}).scalar()
        given["shown_parameters"] = shown_of(given["parameters"], schema)
    if isinstance(wanted.empirical_policy, FlowRunPolicy):
        given |= _policy(run, wanted.empirical_policy)
    tx.execute(update(flow_run).where(_c.id == run_id).values(updated=tx.now, **given))
    return True


def _refuse_overrides(tx: Transaction, run_id: UUID, given: Mapping[str, Any] | None) -> None:
    """Refuse to set, and to take away, what the run's deployment does not let its runs set."""
    found = tx.execute(_OVERRIDES, {"run_id": run_id}).first()
    allowed = found.overridable_job_variables or ()
    refuse_overrides(given, allowed)
    refuse_overrides(found.job_variables, allowed)


def label_run(
    tx: Transaction, run_id: UUID, labels: Mapping[str, str | int | float | bool]
) -> bool:
    """Add labels, or change those there are; False when there is no such run."""
    run = lock_run(tx, run_id)
    if run is None:
        return False
    kept = tx.execute(_LABELS, {"run_id": run_id}).scalar() or {}
    values: dict[str, Any] = {"labels": {**kept, **labels}, "updated": tx.now}
    worker = labels.get(_WORKER)
    if isinstance(worker, str) and run.worker_id is None:
        values["worker_name"] = worker
    tx.execute(update(flow_run).where(_c.id == run_id).values(values))
    return True


def _policy(run: Any, wanted: FlowRunPolicy) -> dict[str, Any]:
    """A client learns how often the flow is retried when it has loaded the flow."""
    kept = run.empirical_policy or {}
    given = msgspec.to_builtins(wanted)
    for name in ("pause_keys", "resuming"):
        if given[name] is None and name in kept:
            given[name] = kept[name]
    values: dict[str, Any] = {"empirical_policy": kept | given}
    if wanted.retries is not None:
        values["retries"] = max(0, wanted.retries)
    if wanted.retry_delay is not None:
        values["retry_delay_seconds"] = wanted.retry_delay
    return values
