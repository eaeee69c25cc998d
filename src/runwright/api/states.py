"""States on the wire, and the answer to a proposed state."""

from typing import Literal

import msgspec

from runwright.api import limits
from runwright.core.states import State, StateDetails, StateType

__all__ = [
    "AbortDetails",
    "AcceptDetails",
    "OrchestrationResult",
    "ProposedDetails",
    "RejectDetails",
    "SetState",
    "State",
    "StateCreate",
    "StateDetails",
    "StateType",
    "WaitDetails",
]


class ProposedDetails(StateDetails, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same as a client proposes them: what is not known is refused."""


class StateCreate(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A state as a client proposes it. The server gives it an id and a timestamp."""

    type: StateType
    name: limits.Name | None = None
    message: str | None = None
    data: limits.ArtifactData = None
    state_details: ProposedDetails = ProposedDetails()


class SetState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /{flow,task}_runs/{id}/set_state`."""

    state: StateCreate
    force: bool = False


class AcceptDetails(msgspec.Struct, frozen=True, tag="accept_details", tag_field="type"):
    """The proposed state is now the run's state."""


class RejectDetails(msgspec.Struct, frozen=True, tag="reject_details", tag_field="type"):
    """Another state stands; the client goes on from that one."""

    reason: str | None = None


class AbortDetails(msgspec.Struct, frozen=True, tag="abort_details", tag_field="type"):
    """The client must stop working on the run."""

    reason: str | None = None


class WaitDetails(msgspec.Struct, frozen=True, kw_only=True, tag="wait_details", tag_field="type"):
    """The client proposes again after `delay_seconds`."""

    delay_seconds: int
    reason: str | None = None


class OrchestrationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a proposed state."""

    state: State | None
    status: Literal["ACCEPT", "REJECT", "ABORT", "WAIT"]
    details: AcceptDetails | RejectDetails | AbortDetails | WaitDetails
