"""Automations on the wire: what to wait for in the stream of events, and what to do then."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from runwright.api import limits
from runwright.core.automations.triggers import (
    CompoundTrigger,
    EventTrigger,
    SequenceTrigger,
    Trigger,
    Within,
)
from runwright.core.states import StateType

__all__ = ["CompoundTrigger", "EventTrigger", "SequenceTrigger", "Trigger"]


class _Action(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One thing to do. `source`: a thing that is named, or that which the event is about."""


class _OnSelected(_Action, frozen=True, kw_only=True):
    source: Literal["selected", "inferred"] = "selected"


class DoNothing(_Action, frozen=True, kw_only=True, tag="do-nothing"):
    """Only be seen to have acted."""


class CancelFlowRun(_Action, frozen=True, kw_only=True, tag="cancel-flow-run"):
    """Cancel the run of the event."""


class DeleteFlowRun(_Action, frozen=True, kw_only=True, tag="delete-flow-run"):
    """Delete the run of the event."""


class SuspendFlowRun(_Action, frozen=True, kw_only=True, tag="suspend-flow-run"):
    """Suspend the run of the event."""


class ResumeFlowRun(_Action, frozen=True, kw_only=True, tag="resume-flow-run"):
    """Resume the run of the event."""


class ChangeFlowRunState(_Action, frozen=True, kw_only=True, tag="change-flow-run-state"):
    """Propose a state for the run of the event."""

    state: StateType
    name: limits.Name | None = None
    message: limits.Description | None = None
    force: bool = False


class RunDeployment(_OnSelected, frozen=True, kw_only=True, tag="run-deployment"):
    """Ask for a run of a deployment."""

    deployment_id: UUID | None = None
    parameters: limits.Parameters | None = None
    job_variables: limits.JsonMap | None = None
    schedule_after: Within = 0.0


class PauseDeployment(_OnSelected, frozen=True, kw_only=True, tag="pause-deployment"):
    """Pause a deployment."""

    deployment_id: UUID | None = None


class ResumeDeployment(_OnSelected, frozen=True, kw_only=True, tag="resume-deployment"):
    """Resume a deployment."""

    deployment_id: UUID | None = None


class PauseWorkQueue(_OnSelected, frozen=True, kw_only=True, tag="pause-work-queue"):
    """Pause a queue."""

    work_queue_id: UUID | None = None


class ResumeWorkQueue(_OnSelected, frozen=True, kw_only=True, tag="resume-work-queue"):
    """Resume a queue."""

    work_queue_id: UUID | None = None


class PauseWorkPool(_OnSelected, frozen=True, kw_only=True, tag="pause-work-pool"):
    """Pause a pool."""

    work_pool_id: UUID | None = None


class ResumeWorkPool(_OnSelected, frozen=True, kw_only=True, tag="resume-work-pool"):
    """Resume a pool."""

    work_pool_id: UUID | None = None


class PauseAutomation(_OnSelected, frozen=True, kw_only=True, tag="pause-automation"):
    """Disable an automation."""

    automation_id: UUID | None = None


class ResumeAutomation(_OnSelected, frozen=True, kw_only=True, tag="resume-automation"):
    """Enable an automation."""

    automation_id: UUID | None = None


class SendNotification(_Action, frozen=True, kw_only=True, tag="send-notification"):
    """Tell somebody, by a block that can."""

    block_document_id: UUID
    subject: limits.Template = "Automated notification"
    body: limits.Template


class CallWebhook(_Action, frozen=True, kw_only=True, tag="call-webhook"):
    """Call an address, by a block that can."""

    block_document_id: UUID
    payload: limits.Template | limits.JsonMap = ""


Action = (
    DoNothing
    | CancelFlowRun
    | DeleteFlowRun
    | SuspendFlowRun
    | ResumeFlowRun
    | ChangeFlowRunState
    | RunDeployment
    | PauseDeployment
    | ResumeDeployment
    | PauseWorkQueue
    | ResumeWorkQueue
    | PauseWorkPool
    | ResumeWorkPool
    | PauseAutomation
    | ResumeAutomation
    | SendNotification
    | CallWebhook
)


class Automation(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger, and what to do when it fires, when it begins to hold, and when it ends."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    description: str
    enabled: bool
    tags: list[str]
    trigger: dict[str, Any]
    actions: list[dict[str, Any]]
    actions_on_trigger: list[dict[str, Any]]
    actions_on_resolve: list[dict[str, Any]]


class AutomationUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PUT /automations/{id}`."""

    name: Annotated[str, Meta(min_length=1, max_length=500)]
    description: limits.Description = ""
    enabled: bool = True
    tags: limits.Tags = []
    #: A `Trigger`; without a type, one on events.
    trigger: limits.JsonMap
    actions: limits.Few[Action]
    actions_on_trigger: limits.Few[Action] = []
    actions_on_resolve: limits.Few[Action] = []


class AutomationCreate(AutomationUpdate, frozen=True, kw_only=True):
    """Body of `POST /automations/`."""

    #: It goes when this goes, as in `prefect.deployment.<id>`.
    owner_resource: limits.Name | None = None


class AutomationEnabled(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /automations/{id}`."""

    enabled: bool = True


class ActionOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one action. Its id is the `Idempotency-Key` of its requests."""

    id: UUID
    action: dict[str, Any]
    #: `failed`: it cannot be done. `dead`: it was given up after so many tries.
    status: Literal["pending", "executed", "failed", "dead"]
    tries: int
    #: Pending: when it is tried next.
    due_at: datetime | None
    updated: datetime
    error: str | None
    result: dict[str, Any] | None


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """One time that an automation acted."""

    id: UUID
    automation_id: UUID
    created: datetime
    #: `stopped`: it was a link of too long a chain of automations, and was disabled.
    outcome: Literal["triggered", "resolved", "stopped"]
    #: What led to it; none where nothing has happened, and that was the reason.
    event: dict[str, Any] | None
    #: How many automations in a row have led to it.
    depth: int
    actions: list[ActionOutcome]


class FiringQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /automations/{id}/firings/filter`."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    offset: Annotated[int, Meta(ge=0)] = 0


class UnjudgedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that automations could not be held against, and why."""

    event_id: UUID
    error: str
