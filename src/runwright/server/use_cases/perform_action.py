"""What the actions of automations do to the control plane's own things: one function for each type.

Each runs in one transaction with the record that it is done, so that it is done once.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select

from runwright.api.automations import (
    Action,
    CancelFlowRun,
    ChangeFlowRunState,
    DeleteFlowRun,
    DoNothing,
    PauseAutomation,
    PauseDeployment,
    PauseWorkPool,
    PauseWorkQueue,
    ResumeAutomation,
    ResumeDeployment,
    ResumeFlowRun,
    ResumeWorkPool,
    ResumeWorkQueue,
    RunDeployment,
    SuspendFlowRun,
)
from runwright.api.deployments import DeploymentRunCreate
from runwright.api.events import ReceivedEvent
from runwright.api.states import OrchestrationResult, ProposedDetails, SetState, StateCreate
from runwright.api.work_pools import WorkPoolUpdate
from runwright.api.work_queues import WorkQueueUpdate
from runwright.core.automations.matching import DEPTH, resource_ids
from runwright.core.states import StateName, StateType
from runwright.server.policy import Policy
from runwright.server.problems import Missing, Problem
from runwright.server.use_cases.cancel_run import cancel_run
from runwright.server.use_cases.change_run import label_run
from runwright.server.use_cases.create_deployment_run import RunMaker
from runwright.server.use_cases.enable_automation import enable_automation
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.resume_run import resume_run
from runwright.server.use_cases.save_deployment import pause_deployment, resume_deployment
from runwright.server.use_cases.save_pool import change_pool, change_queue
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one
from runwright.storage.tables import flow_run, work_pool
from runwright.storage.work_pools import WORK_QUEUES

Result = dict[str, Any]

_CANCELLED = (StateType.CANCELLING, StateType.CANCELLED)
_GOES_ON = (StateType.SCHEDULED, StateType.RUNNING)


class CannotAct(Problem):
    """An action that cannot be done, however often it is tried."""

    code = "cannot_act"


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Why and for whom an action is performed. `key`: the same however often it is tried."""

    key: UUID
    automation_id: UUID
    automation_name: str
    depth: int
    event: ReceivedEvent | None
    policy: Policy

    def about(self, kind: str) -> UUID:
        """The thing of a kind that the event is about.

        Raises:
            CannotAct: it is about none.
        """
        for found in [] if self.event is None else resource_ids(self.event, kind):
            try:
                return UUID(found)
            except ValueError:
                continue
        raise CannotAct(f"The event names no {kind}, so there is none to act on.")


def perform(tx: Transaction, action: Action, occasion: Occasion) -> Result:
    """Do it; what there is to say of it.

    Raises:
        Problem: it cannot be done; says why.
    """
    return _DEEDS[type(action)](tx, action, occasion)


def _do_nothing(_tx: Transaction, _action: Any, _occasion: Occasion) -> Result:
    return {}


def _run_deployment(tx: Transaction, action: RunDeployment, occasion: Occasion) -> Result:
    deployment_id = action.deployment_id or occasion.about("deployment")
    after = action.schedule_after
    delay = after if isinstance(after, timedelta) else timedelta(seconds=after)
    details = ProposedDetails(scheduled_time=tx.now + delay)
    policy = occasion.policy
    maker = RunMaker(
        new_id=policy.new_id,
        random=policy.random,
        creator=_creator(occasion),
        may_override=True,  # it was checked when the automation was saved
    )
    wanted = DeploymentRunCreate(
        state=StateCreate(type=StateType.SCHEDULED, state_details=details),
        parameters=action.parameters or {},
        job_variables=action.job_variables,
        idempotency_key=f"automation action {occasion.key}",
        labels={DEPTH: occasion.depth},
    )
    run, _ = maker.create(tx, deployment_id, wanted)
    return {"flow_run_id": str(run.id)}


def _creator(occasion: Occasion) -> dict[str, Any]:
    return {
        "id": str(occasion.automation_id),
        "type": "AUTOMATION",
        "display_value": occasion.automation_name,
    }


def _cancel(tx: Transaction, _: CancelFlowRun, occasion: Occasion) -> Result:
    run_id = occasion.about("flow-run")
    reason = f"Cancelled by the automation {occasion.automation_name!r}."
    return _moved(run_id, cancel_run(tx, run_id, occasion.policy, reason), *_CANCELLED)


def _delete(tx: Transaction, _: DeleteFlowRun, occasion: Occasion) -> Result:
    run_id = occasion.about("flow-run")
    if not tx.execute(delete(flow_run).where(flow_run.c.id == run_id)).rowcount:
        raise Missing(f"There is no flow run {run_id}.")
    return {"flow_run_id": str(run_id)}


def _suspend(tx: Transaction, _: SuspendFlowRun, occasion: Occasion) -> Result:
    run_id = occasion.about("flow-run")
    state = StateCreate(
        type=StateType.PAUSED,
        name=StateName.SUSPENDED,
        message=f"Suspended by the automation {occasion.automation_name!r}.",
        state_details=ProposedDetails(pause_reschedule=True),
    )
    result = move_run(tx, run_id, SetState(state=state), occasion.policy)
    return _moved(run_id, result, StateType.PAUSED)


def _resume(tx: Transaction, _: ResumeFlowRun, occasion: Occasion) -> Result:
    run_id = occasion.about("flow-run")
    _note_depth(tx, run_id, occasion)
    return _moved(run_id, resume_run(tx, run_id, None, occasion.policy), *_GOES_ON)


def _change_state(tx: Transaction, action: ChangeFlowRunState, occasion: Occasion) -> Result:
    run_id = occasion.about("flow-run")
    message = action.message or f"Set by the automation {occasion.automation_name!r}."
    state = StateCreate(type=action.state, name=action.name, message=message)
    # Before the move: the state that it leads to is further down the chain.
    _note_depth(tx, run_id, occasion)
    proposal = SetState(state=state, force=action.force)
    result = move_run(tx, run_id, proposal, occasion.policy, by=_creator(occasion))
    return _moved(run_id, result, action.state)


def _note_depth(tx: Transaction, run_id: UUID, occasion: Occasion) -> None:
    label_run(tx, run_id, {DEPTH: occasion.depth})


def _moved(run_id: UUID, result: OrchestrationResult, *kinds: StateType) -> Result:
    """It moved, or is in a state of one of these types anyway."""
    if result.status != "ACCEPT" and (result.state is None or result.state.type not in kinds):
        reason = getattr(result.details, "reason", None) or "the move was not accepted"
        raise CannotAct(f"Flow run {run_id} stays as it is: {reason}")
    return {"flow_run_id": str(run_id), "state": result.state.name if result.state else None}


def _pause_deployment(tx: Transaction, action: PauseDeployment, occasion: Occasion) -> Result:
    id_ = action.deployment_id or occasion.about("deployment")
    pause_deployment(tx, id_)
    return {"deployment_id": str(id_)}


def _resume_deployment(tx: Transaction, action: ResumeDeployment, occasion: Occasion) -> Result:
    id_ = action.deployment_id or occasion.about("deployment")
    resume_deployment(tx, id_)
    return {"deployment_id": str(id_)}


def _set_queue(
    tx: Transaction, action: PauseWorkQueue | ResumeWorkQueue, occasion: Occasion
) -> Result:
    id_ = action.work_queue_id or occasion.about("work-queue")
    queue = read_one(tx, WORK_QUEUES, id_)
    if queue is None:
        raise Missing(f"There is no work queue {id_}.")
    change_queue(tx, queue, WorkQueueUpdate(is_paused=isinstance(action, PauseWorkQueue)))
    return {"work_queue_id": str(id_)}


def _set_pool(
    tx: Transaction, action: PauseWorkPool | ResumeWorkPool, occasion: Occasion
) -> Result:
    id_ = action.work_pool_id or occasion.about("work-pool")
    name = tx.execute(select(work_pool.c.name).where(work_pool.c.id == id_)).scalar()
    if name is None:
        raise Missing(f"There is no work pool {id_}.")
    change_pool(tx, name, WorkPoolUpdate(is_paused=isinstance(action, PauseWorkPool)))
    return {"work_pool_id": str(id_)}


def _set_automation(
    tx: Transaction, action: PauseAutomation | ResumeAutomation, occasion: Occasion
) -> Result:
    id_ = action.automation_id or occasion.about("automation")
    if not enable_automation(tx, id_, enabled=isinstance(action, ResumeAutomation)):
        raise Missing(f"There is no automation {id_}.")
    return {"automation_id": str(id_)}


_DEEDS: dict[type, Callable[[Transaction, Any, Occasion], Result]] = {
    DoNothing: _do_nothing,
    RunDeployment: _run_deployment,
    CancelFlowRun: _cancel,
    DeleteFlowRun: _delete,
    SuspendFlowRun: _suspend,
    ResumeFlowRun: _resume,
    ChangeFlowRunState: _change_state,
    PauseDeployment: _pause_deployment,
    ResumeDeployment: _resume_deployment,
    PauseWorkQueue: _set_queue,
    ResumeWorkQueue: _set_queue,
    PauseWorkPool: _set_pool,
    ResumeWorkPool: _set_pool,
    PauseAutomation: _set_automation,
    ResumeAutomation: _set_automation,
}
