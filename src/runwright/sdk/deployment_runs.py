"""Runs of deployments: created, and waited for over all their attempts."""

from collections.abc import Generator, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec

from runwright.api.deployments import Deployment, DeploymentRunCreate
from runwright.api.flow_runs import FlowRun
from runwright.api.journal import TaskRunInfo, TaskRunMoved
from runwright.api.states import ProposedDetails, StateCreate
from runwright.core.states import State, StateDetails, StateName, StateType
from runwright.errors import FlowError
from runwright.sdk.asking import answered
from runwright.sdk.channel import Told
from runwright.sdk.context import FlowRunContext, current_flow_run, current_tags
from runwright.sdk.parameter_values import given
from runwright.sdk.procedures import Pause, Procedure, Request, called


def run_deployment(  # noqa: PLR0913  # the options of a run, by name
    name: str | UUID,
    *,
    parameters: dict[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 1.0,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,
    job_variables: dict[str, Any] | None = None,
) -> Any:
    """Run the deployment "flow/deployment" and give its flow run (`FlowRun`).

    Waits until the run has ended: for ever, for `timeout` seconds, or with `timeout=0` not at
    all. When the run crashes and is attempted anew, the new attempt is waited for and given. In an
    async function the call has to be awaited. Called in a flow, the run shows as a part of it
    unless `as_subflow` is False.

    `job_variables`: in a flow that a worker runs, those alone that the deployment names in its
    `overridable_job_variables`; else with a key that has the scope `runs:infrastructure`.

    Raises:
        NotFound: there is no such deployment.
        ParameterError: a parameter has no form in JSON.
        Unprocessable: the parameters do not fit.
        ServerUnreachable: there is no control plane.
    """
    context = current_flow_run()
    options = DeploymentRunCreate(
        state=StateCreate(
            type=StateType.SCHEDULED,
            name=StateName.SCHEDULED,
            state_details=ProposedDetails(scheduled_time=scheduled_time),
        ),
        name=flow_run_name,
        parameters=given(parameters or {}),
        tags=sorted({*(tags or ()), *current_tags()}),
        idempotency_key=idempotency_key,
        work_queue_name=work_queue_name,
        job_variables=job_variables,
    )
    waiting = _Waiting(timeout, poll_interval, context if as_subflow else None)
    return called(_run(name, options, waiting))


class _Waiting(NamedTuple):
    timeout: float | None
    poll_interval: float
    parent: FlowRunContext | None


def _run(name: str | UUID, options: DeploymentRunCreate, waiting: _Waiting) -> Procedure[FlowRun]:
    deployment = yield from _find(name)
    stand_in = None
    if waiting.parent is not None:
        stand_in = _StandIn(waiting.parent, deployment.name)
        options = msgspec.structs.replace(options, parent_task_run_id=stand_in.id)
    created: Told = yield Request("POST", f"/deployments/{deployment.id}/create_flow_run", options)
    run = answered(created, FlowRun, f"a run of the deployment {name!r}")
    run = yield from _wait_for(run, waiting)
    if not run.parameters:  # an execution is not shown those of other runs, but knows what it gave
        run = msgspec.structs.replace(run, parameters=options.parameters)
    if stand_in is not None and run.state is not None:
        stand_in.follow(run)
    return run


def _find(name: str | UUID) -> Generator[Request, Told, Deployment]:
    if isinstance(name, UUID):
        path = f"/deployments/{name}"
    else:
        flow, slash, deployment = name.partition("/")
        if not slash or not flow or not deployment:
            raise FlowError(f"{name!r} names no deployment: write 'flow name/deployment name'.")
        path = f"/deployments/name/{quote(flow, safe='')}/{quote(deployment, safe='')}"
    told = yield Request("GET", path)
    return answered(told, Deployment, f"the deployment {str(name)!r}")


def _wait_for(run: FlowRun, waiting: _Waiting) -> Procedure[FlowRun]:
    left = float("inf") if waiting.timeout is None else waiting.timeout
    while left > 0:
        told: Told = yield Request("GET", f"/flow_runs/{run.id}")
        run = answered(told, FlowRun, f"flow run {run.id}")
        if run.state is not None and run.state.is_terminal:
            following = yield from _next_attempt(run)
            if following is None:
                return run
            run = following
            continue
        yield Pause(min(waiting.poll_interval, left))
        left -= waiting.poll_interval
    return run


def _next_attempt(run: FlowRun) -> Generator[Request, Told, FlowRun | None]:
    """The attempt after a crashed one; the server makes both in one transaction."""
    if run.state_type is not StateType.CRASHED:
        return None
    told = yield Request(
        "POST",
        "/flow_runs/filter",
        {"flow_runs": {"root_run_id": {"any_": [str(run.root_run_id or run.id)]}}},
    )
    attempts = answered(told, list[FlowRun], f"the attempts of flow run {run.id}")
    later = [each for each in attempts if each.attempt > run.attempt]
    return min(later, key=lambda each: each.attempt) if later else None


class _StandIn:
    """The task run that stands for the deployment's run in the flow that asked for it."""

    def __init__(self, parent: FlowRunContext, deployment: str) -> None:
        self._parent = parent
        self.id: UUID = parent.environment.new_id()
        now = parent.environment.clock.now()
        key = f"run_deployment:{deployment}"
        number = str(parent.next_number(key))
        info = TaskRunInfo(
            flow_run_id=parent.flow_run_id,
            name=f"{deployment}-{number}",
            task_key=key,
            dynamic_key=number,
            tags=sorted(parent.tags),
            expected_start_time=now,
        )
        self._move(StateType.PENDING, StateName.PENDING, None, info)
        # The run to be created refers to it.
        parent.channel.flush()

    def follow(self, run: FlowRun) -> None:
        """Take over the state that the run has come to."""
        assert run.state is not None  # noqa: S101  # its caller has looked
        self._move(run.state.type, run.state.name, run.id)

    def _move(
        self, kind: StateType, name: str, child: UUID | None, info: TaskRunInfo | None = None
    ) -> None:
        environment = self._parent.environment
        state = State(
            id=environment.new_id(),
            type=kind,
            name=name,
            timestamp=environment.clock.now(),
            state_details=StateDetails(
                flow_run_id=self._parent.flow_run_id,
                task_run_id=self.id,
                child_flow_run_id=child,
            ),
        )
        self._parent.channel.emit(TaskRunMoved(task_run_id=self.id, state=state, run=info))
