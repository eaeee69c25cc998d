"""Calls about flow runs."""

from uuid import UUID

from runwright.api.filters import Query
from runwright.api.flow_runs import FlowRun, Rerun
from runwright.api.states import OrchestrationResult, SetState, State, StateCreate, StateType
from runwright.api.waiting import Waiting
from runwright.client.call import Call, delete, get, join, post, query, with_query


def read(run_id: UUID) -> Call[FlowRun]:
    """One run."""
    return get(join("flow_runs", run_id), FlowRun)


def waiting(run_id: UUID) -> Call[Waiting]:
    """Why it is not running."""
    return get(join("flow_runs", run_id, "waiting"), Waiting)


def find(where: Query) -> Call[list[FlowRun]]:
    """The runs that a filter lets through."""
    return query("/flow_runs/filter", list[FlowRun], where)


def states(run_id: UUID) -> Call[list[State]]:
    """The history of a run, oldest first."""
    return get(with_query("/flow_run_states/", {"flow_run_id": run_id}), list[State])


def propose(run_id: UUID, state: StateCreate, *, force: bool = False) -> Call[OrchestrationResult]:
    """Propose a state."""
    body = SetState(state=state, force=force)
    return post(join("flow_runs", run_id, "set_state"), OrchestrationResult, body)


def cancel(run_id: UUID) -> Call[OrchestrationResult]:
    """Ask for the cancellation of a run. One that has not started is cancelled at once."""
    return propose(run_id, StateCreate(type=StateType.CANCELLING, name="Cancelling"))


def rerun(run_id: UUID, *, fresh: bool = False) -> Call[FlowRun]:
    """A brand-new run from the beginning, of the same lineage unless it is to be fresh."""
    return post(join("flow_runs", run_id, "rerun"), FlowRun, Rerun(fresh=fresh))


def remove(run_id: UUID) -> Call[None]:
    """Delete a run and what belongs to it."""
    return delete(join("flow_runs", run_id))
