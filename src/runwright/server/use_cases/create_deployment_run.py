"""A run of a deployment, asked for by somebody."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select

from runwright.api.deployments import CreatedRun, DeploymentRunCreate
from runwright.api.flow_runs import FlowRun
from runwright.core import job_template
from runwright.core.backoff import Random
from runwright.core.ids import NewId
from runwright.core.masks import shown_of
from runwright.core.run_names import run_name
from runwright.core.states import State, StateDetails, StateName, StateType
from runwright.server.problems import Problem, Unprocessable
from runwright.server.schema_checks import check_job_variables, check_parameters
from runwright.server.use_cases.find_pool import queue_id_of
from runwright.server.use_cases.job_overrides import refuse_overrides
from runwright.server.use_cases.save_deployment import Creator, no_deployment
from runwright.storage.deployments import deployment_with_pool
from runwright.storage.engine import Transaction
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.new_runs import NewRun, begin_run
from runwright.storage.queries import read_one
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, task_run

_by_key = Prepared(
    select(flow_run.c.id).where(
        flow_run.c.flow_id == bindparam("wanted_flow"),
        flow_run.c.idempotency_key == bindparam("wanted_key"),
    )
)
_parent = Prepared(select(task_run.c.flow_run_id).where(task_run.c.id == bindparam("wanted_id")))


class RunMaker(msgspec.Struct, frozen=True, kw_only=True):
    """Makes runs of deployments for one asker."""

    new_id: NewId
    random: Random
    creator: Creator = None
    #: Whether the asker may set any job variable; else those that the deployment names.
    may_override: bool = False

    def create(
        self, tx: Transaction, deployment_id: UUID, wanted: DeploymentRunCreate
    ) -> tuple[FlowRun, bool]:
        """The run, due at once unless its state says when; and whether it is new.

        A repeated idempotency key gives the run that is there.

        Raises:
            Missing: code `deployment_not_found` or `work_queue_not_found`.
            Unprocessable: code `invalid_parameters`, `invalid_job_variables` or `invalid_state`.
            UnknownJobVariable: the pool's template has no such variable.
            Denied: code `job_variables_not_allowed`.
        """
        deployment = deployment_with_pool(tx, deployment_id)
        if deployment is None:
            raise no_deployment(deployment_id)
        known = self._of_key(tx, deployment.flow_id, wanted.idempotency_key)
        if known is not None:
            return known, False
        run = self._new_run(tx, deployment, wanted)
        if not begin_run(tx, run):  # somebody else has used the key just now
            known = self._of_key(tx, deployment.flow_id, wanted.idempotency_key)
            if known is not None:
                return known, False
        made = read_one(tx, FLOW_RUNS, run.id)
        if made is None:
            raise Unprocessable("The run could not be made.")
        return made, True

    def create_many(
        self, tx: Transaction, deployment_id: UUID, wanted: Sequence[DeploymentRunCreate]
    ) -> list[CreatedRun]:
        """All of them, each for itself: one that cannot be made does not hinder the others.

        Raises:
            Missing: code `deployment_not_found`.
        """
        if deployment_with_pool(tx, deployment_id) is None:
            raise no_deployment(deployment_id)
        results: list[CreatedRun] = []
        for each in wanted:
            try:
                run, _ = self.create(tx, deployment_id, each)
            except (Problem, job_template.UnknownJobVariable) as error:
                results.append(CreatedRun(status="FAILED", error=str(error)))
            else:
                results.append(CreatedRun(status="CREATED", flow_run_id=run.id))
        return results

    def _new_run(self, tx: Transaction, deployment: Any, wanted: DeploymentRunCreate) -> NewRun:
        parameters = {**deployment.parameters, **wanted.parameters}
        _check_parameters(deployment, wanted, parameters)
        if not self.may_override:
            refuse_overrides(wanted.job_variables, deployment.overridable_job_variables or ())
        _check_job_variables(deployment, wanted)
        state = _first_state(tx, wanted, self.new_id())
        policy = wanted.empirical_policy
        retries = deployment.retries
        delay = deployment.retry_delay_seconds
        if policy is not None and policy.retries is not None:
            retries, delay = policy.retries, policy.retry_delay
        return NewRun(
            id=self.new_id(),
            name=wanted.name or run_name(self.random),
            flow_id=deployment.flow_id,
            state=state,
            deployment_id=deployment.id,
            deployment_version=deployment.version,
            work_pool_id=deployment.work_pool_id,
            work_queue_id=_queue_of(tx, deployment, wanted.work_queue_name),
            parameters=parameters,
            shown_parameters=shown_of(parameters, deployment.parameter_openapi_schema),
            context=wanted.context,
            empirical_policy=msgspec.to_builtins(policy) if policy else {},
            tags=list(dict.fromkeys([*deployment.tags, *wanted.tags])),
            labels={**deployment.labels, **(wanted.labels or {})},
            job_variables=wanted.job_variables,
            created_by=self.creator,
            idempotency_key=wanted.idempotency_key,
            parent_task_run_id=wanted.parent_task_run_id,
            parent_flow_run_id=_parent_flow_run(tx, wanted.parent_task_run_id),
            retries=retries,
            retry_delay_seconds=delay,
        )

    def _of_key(self, tx: Transaction, flow_id: UUID, key: str | None) -> FlowRun | None:
        if key is None:
            return None
        found = tx.execute(_by_key, {"wanted_flow": flow_id, "wanted_key": key}).scalar()
        return None if found is None else read_one(tx, FLOW_RUNS, found)


def _first_state(tx: Transaction, wanted: DeploymentRunCreate, state_id: UUID) -> State:
    proposed, now = wanted.state, tx.now
    if proposed is None:
        details = StateDetails(scheduled_time=now)
        return State(
            id=state_id,
            type=StateType.SCHEDULED,
            name=StateName.SCHEDULED,
            timestamp=now,
            state_details=details,
        )
    if proposed.type is not StateType.SCHEDULED:
        raise Unprocessable(
            f"A run of a deployment begins as SCHEDULED, not as {proposed.type}: a worker starts "
            'it. Give {"type": "SCHEDULED"}, or no state.',
            field="state",
            code="invalid_state",
        )
    details = proposed.state_details
    return State(
        id=state_id,
        type=proposed.type,
        name=proposed.name or StateName.SCHEDULED,
        timestamp=now,
        message=proposed.message,
        state_details=msgspec.structs.replace(
            details, scheduled_time=details.scheduled_time or now
        ),
    )


def _check_parameters(
    deployment: Any, wanted: DeploymentRunCreate, parameters: dict[str, Any]
) -> None:
    enforce = wanted.enforce_parameter_schema
    if enforce is None:
        enforce = deployment.enforce_parameter_schema
    if enforce and deployment.parameter_openapi_schema:
        check_parameters(deployment.parameter_openapi_schema, parameters)


def _check_job_variables(deployment: Any, wanted: DeploymentRunCreate) -> None:
    template = deployment.base_job_template
    if not template:
        return
    given = job_template.merge(deployment.job_variables, wanted.job_variables)
    job_template.refuse_unknown(template, given)
    defaults = job_template.defaults(template)
    set_ = {name: value for name, value in defaults.items() if value is not None}
    schema = job_template.variables_schema(template)
    check_job_variables(schema, job_template.merge(set_, given), deployment.work_pool_name)


def _queue_of(tx: Transaction, deployment: Any, queue_name: str | None) -> UUID | None:
    if queue_name is None:
        return deployment.work_queue_id
    if deployment.work_pool_name is None:
        raise Unprocessable(
            f"Deployment {deployment.name!r} has no work pool, so its runs have no queues. "
            "Leave work_queue_name out, or deploy it to a pool.",
            field="work_queue_name",
        )
    return queue_id_of(tx, deployment.work_pool_name, queue_name)


def _parent_flow_run(tx: Transaction, task_run_id: UUID | None) -> UUID | None:
    if task_run_id is None:
        return None
    return tx.execute(_parent, {"wanted_id": task_run_id}).scalar()
