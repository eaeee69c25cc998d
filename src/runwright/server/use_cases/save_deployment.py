"""Deployments made, changed, paused, resumed and deleted."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from runwright.api.deployments import Deployment, DeploymentCreate, DeploymentUpdate
from runwright.api.states import SetState, StateCreate
from runwright.core import job_template
from runwright.core.ids import NewId
from runwright.core.states import StateType
from runwright.server.policy import Policy
from runwright.server.problems import Missing, Unprocessable
from runwright.server.schema_checks import check_job_variables, check_parameters, check_schema
from runwright.server.use_cases.deployment_versions import note_version
from runwright.server.use_cases.edit_schedules import (
    replace_schedules,
    start_all,
    stop_all,
)
from runwright.server.use_cases.find_pool import pool_row_of_name, queue_id_of
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.update_schedules import update_schedules
from runwright.storage.automations import remove_owned
from runwright.storage.deployments import (
    delete_deployment,
    deployment_with_pool,
    find_deployment,
    insert_deployment,
    locked_deployment,
    locked_deployment_by_name,
    update_deployment,
)
from runwright.storage.engine import Transaction
from runwright.storage.schedules import delete_waiting_runs_of
from runwright.storage.tables import flow, flow_run

Creator = dict[str, Any] | None
_PLAIN = """
    version description concurrency_limit enforce_parameter_schema parameter_openapi_schema
    parameters pull_steps tags path entrypoint retries retry_delay_seconds
""".split()  # noqa: SIM905  # easier to read as words

_OTHERS = ("version_info", "concurrency_options", "job_variables", "overridable_job_variables")


def save_deployment(
    tx: Transaction, wanted: DeploymentCreate, new_id: NewId, creator: Creator
) -> tuple[Deployment, bool]:
    """Make the deployment, or let the one of that flow and name become it; and whether it is new.

    Raises:
        Missing: code `flow_not_found`, `work_pool_not_found` or `work_queue_not_found`.
        Unprocessable: a schedule, the parameters or the job variables cannot be used.
        Conflict: two schedules share a slug.
    """
    if tx.execute(select(flow.c.id).where(flow.c.id == wanted.flow_id)).first() is None:
        raise Missing(
            f"There is no flow {wanted.flow_id}. Create it first: POST /api/flows/.",
            code="flow_not_found",
        )
    values = _values_of(tx, wanted)
    _check(wanted)
    deployment_id = new_id()
    now = tx.now
    fresh = {
        "id": deployment_id,
        "created": now,
        "updated": now,
        "flow_id": wanted.flow_id,
        "name": wanted.name,
        "paused": wanted.paused,
        "labels": wanted.labels or {},
        "created_by": creator,
        "updated_by": creator,
    }
    is_new = insert_deployment(tx, fresh | values)
    if not is_new:
        there = locked_deployment_by_name(tx, wanted.flow_id, wanted.name)
        deployment_id = there.id
        labels = {} if wanted.labels is None else {"labels": {**there.labels, **wanted.labels}}
        update_deployment(
            tx, deployment_id, values | labels | {"updated": now, "updated_by": creator}
        )
        _pause_or_resume(tx, there, paused=wanted.paused)
    if wanted.schedules is not msgspec.UNSET:
        row = locked_deployment(tx, deployment_id)
        if wanted.keep_named_schedules is True:
            update_schedules(tx, row, wanted.schedules, new_id)
        else:
            replace_schedules(tx, row, wanted.schedules, new_id)
    note_version(tx, deployment_id, new_id, creator)
    return read_deployment(tx, deployment_id), is_new


def change_deployment(
    tx: Transaction, deployment_id: UUID, wanted: DeploymentUpdate, new_id: NewId, creator: Creator
) -> None:
    """Change what the request names.

    Raises:
        Missing: code `deployment_not_found`, `work_pool_not_found` or `work_queue_not_found`.
        Unprocessable: a schedule, the parameters or the job variables cannot be used.
    """
    there = locked(tx, deployment_id)
    changes = _changes_of(tx, there, wanted)
    update_deployment(tx, deployment_id, changes | {"updated": tx.now, "updated_by": creator})
    note_version(tx, deployment_id, new_id, creator)
    after = locked_deployment(tx, deployment_id)
    if "job_variables" in changes or "work_queue_id" in changes:
        _check_variables(tx, deployment_id)
    if changes.get("parameters") is not None or changes.get("parameter_openapi_schema"):
        _check_defaults(after.enforce_parameter_schema, after.parameter_openapi_schema, after)
    if wanted.paused is not msgspec.UNSET:
        _pause_or_resume(tx, there, paused=wanted.paused)
    if wanted.schedules is not msgspec.UNSET:
        update_schedules(tx, locked_deployment(tx, deployment_id), wanted.schedules, new_id)


def pause_deployment(tx: Transaction, deployment_id: UUID) -> None:
    """Let nothing of a deployment fire or start until it is resumed.

    Raises:
        Missing: code `deployment_not_found`.
    """
    _pause_or_resume(tx, locked(tx, deployment_id), paused=True)


def resume_deployment(tx: Transaction, deployment_id: UUID) -> None:
    """Let a deployment fire and start again, from now on.

    Raises:
        Missing: code `deployment_not_found`.
    """
    _pause_or_resume(tx, locked(tx, deployment_id), paused=False)


def remove_deployment(tx: Transaction, deployment_id: UUID, policy: Policy) -> None:
    """Delete a deployment. Runs that never started go with it: nobody could start them.

    Those that wait for another attempt, or to go on, are Cancelled; all others stay.

    Raises:
        Missing: code `deployment_not_found`.
    """
    deployment = locked(tx, deployment_id)
    delete_waiting_runs_of(tx, deployment_id)
    for run_id in _left_waiting(tx, deployment_id):
        why = f"Its deployment {deployment.name!r} was deleted."
        cancelled = StateCreate(type=StateType.CANCELLED, message=why)
        move_run(tx, run_id, SetState(state=cancelled, force=True), policy)
    delete_deployment(tx, deployment_id)
    remove_owned(tx, f"prefect.deployment.{deployment_id}")


def _left_waiting(tx: Transaction, deployment_id: UUID) -> list[UUID]:
    waits = (
        flow_run.c.deployment_id == deployment_id,
        flow_run.c.state_type == str(StateType.SCHEDULED),
        flow_run.c.lease_expires_at.is_(None),
    )
    return list(tx.execute(select(flow_run.c.id).where(*waits)).scalars())


def read_deployment(tx: Transaction, deployment_id: UUID) -> Deployment:
    """One deployment.

    Raises:
        Missing: code `deployment_not_found`.
    """
    found = find_deployment(tx, deployment_id)
    if found is None:
        raise no_deployment(deployment_id)
    return found


def locked(tx: Transaction, deployment_id: UUID) -> Any:
    """The row, which nobody else changes until the commit.

    Raises:
        Missing: code `deployment_not_found`.
    """
    row = locked_deployment(tx, deployment_id)
    if row is None:
        raise no_deployment(deployment_id)
    return row


def no_deployment(deployment_id: UUID) -> Missing:
    """What to say of a deployment that is not there."""
    return Missing(
        f"There is no deployment {deployment_id}. To see which there are: runwright deployment ls",
        code="deployment_not_found",
    )


def _check_variables(tx: Transaction, deployment_id: UUID) -> None:
    there = deployment_with_pool(tx, deployment_id)
    if there is not None and there.work_pool_name is not None:
        pool = pool_row_of_name(tx, there.work_pool_name)
        check_job_variables_of(pool, there.job_variables)


def check_job_variables_of(pool: Any, variables: dict[str, Any]) -> None:
    """Refuse job variables that the template of the pool does not have, or not with such values.

    Those that are required may come with the run.

    Raises:
        UnknownJobVariable: there is no variable of that name.
        Unprocessable: code `invalid_job_variables`.
    """
    job_template.refuse_unknown(pool.base_job_template, variables)
    schema = job_template.variables_schema(pool.base_job_template)
    optional = {name: rule for name, rule in schema.items() if name != "required"}
    check_job_variables(optional, variables, pool.name)


def _values_of(tx: Transaction, wanted: DeploymentCreate) -> dict[str, Any]:
    values = {name: getattr(wanted, name) for name in _PLAIN}
    options = wanted.concurrency_options
    values["version_info"] = msgspec.to_builtins(wanted.version_info)
    values["concurrency_options"] = msgspec.to_builtins(options)
    values["job_variables"] = wanted.job_variables or {}
    if wanted.overridable_job_variables is not msgspec.UNSET:
        values["overridable_job_variables"] = wanted.overridable_job_variables
    values["work_queue_id"] = None
    if wanted.work_pool_name is not None:
        pool = pool_row_of_name(tx, wanted.work_pool_name)
        check_job_variables_of(pool, values["job_variables"])
        queue_name = wanted.work_queue_name
        values["work_queue_id"] = queue_id_of(tx, wanted.work_pool_name, queue_name)
    return values


def _changes_of(tx: Transaction, there: Any, wanted: DeploymentUpdate) -> dict[str, Any]:
    changes = {
        name: getattr(wanted, name)
        for name in (*_PLAIN, *_OTHERS)
        if getattr(wanted, name) is not msgspec.UNSET
    }
    for name in ("parameters", "job_variables", "enforce_parameter_schema", "tags"):
        if changes.get(name, 0) is None:
            del changes[name]
    for name in ("version_info", "concurrency_options"):
        if name in changes:
            changes[name] = msgspec.to_builtins(changes[name])
    changes |= _place_of(tx, there, wanted)
    return changes


def _place_of(tx: Transaction, there: Any, wanted: DeploymentUpdate) -> dict[str, Any]:
    """The queue that a change moves the deployment to."""
    pool_name, queue_name = wanted.work_pool_name, wanted.work_queue_name
    if pool_name is None:
        return {"work_queue_id": None}
    if pool_name is msgspec.UNSET and queue_name is msgspec.UNSET:
        return {}
    if pool_name is msgspec.UNSET:
        pool_name = deployment_with_pool(tx, there.id).work_pool_name
        if pool_name is None:
            raise Unprocessable(
                f"Deployment {there.name!r} has no work pool, so it cannot have a queue. "
                "Give work_pool_name too.",
                field="work_queue_name",
            )
    queue = None if queue_name is msgspec.UNSET else queue_name
    return {"work_queue_id": queue_id_of(tx, pool_name, queue)}


def _check(wanted: DeploymentCreate) -> None:
    schema = wanted.parameter_openapi_schema
    if schema and wanted.enforce_parameter_schema:
        check_schema(schema, "`parameter_openapi_schema`")
    _check_defaults(wanted.enforce_parameter_schema, schema, wanted)


def _check_defaults(enforce: bool, schema: dict[str, Any] | None, holder: Any) -> None:
    """A deployment may leave required parameters to its runs, but not give wrong ones."""
    if enforce and schema:
        lenient = {name: part for name, part in schema.items() if name != "required"}
        check_parameters(lenient, holder.parameters)


def _pause_or_resume(tx: Transaction, there: Any, *, paused: bool) -> None:
    if there.paused == paused:
        return
    update_deployment(tx, there.id, {"paused": paused, "updated": tx.now})
    if paused:
        stop_all(tx, there.id)
        return
    start_all(tx, there.id)
    found = deployment_with_pool(tx, there.id)
    if found.work_pool_id is not None:
        tx.wake(f"pool:{found.work_pool_id}")
