"""Decides about proposed states where no control plane can be asked."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from runwright.api.journal import FlowRunProposed, FlowRunStarted
from runwright.api.states import (
    AbortDetails,
    AcceptDetails,
    OrchestrationResult,
    RejectDetails,
    WaitDetails,
)
from runwright.core.states import State
from runwright.core.transitions import (
    Abort,
    Accept,
    Decision,
    Reject,
    Replace,
    RunFacts,
    Transition,
)


class _Record(msgspec.Struct):
    state: State | None
    facts: RunFacts


class Ledger:
    """What one execution knows of its own flow runs, and the same rules the server has."""

    def __init__(self) -> None:
        self._records: dict[UUID, _Record] = {}

    def begin(self, run: FlowRunStarted) -> None:
        """Take note of a run that starts here."""
        delay = run.retry_delay_seconds
        facts = RunFacts(
            retries=run.retries,
            retry_delay=None if delay is None else timedelta(seconds=delay),
            has_lease=True,
        )
        self._records.setdefault(run.flow_run_id, _Record(None, facts))

    def allow_retries(self, flow_run_id: UUID, facts: RunFacts) -> None:
        """Take note of the retries of a run that began elsewhere."""
        self._record(flow_run_id).facts = facts

    def retries_spent(self, flow_run_id: UUID) -> int:
        """How many retries were granted here so far."""
        record = self._records.get(flow_run_id)
        return 0 if record is None else record.facts.retries_used

    def state_of(self, flow_run_id: UUID) -> State | None:
        """The run's last recorded state."""
        record = self._records.get(flow_run_id)
        return None if record is None else record.state

    def learn(self, flow_run_id: UUID, result: OrchestrationResult) -> None:
        """Take over what the control plane has decided."""
        record = self._record(flow_run_id)
        if result.state is None or result.status == "WAIT":
            return
        if result.status == "REJECT" and result.state.name == "AwaitingRetry":
            _spend_retry(record)
        record.state = result.state

    def propose(self, entry: FlowRunProposed, now: datetime) -> tuple[State | None, Decision]:
        """The state to record (None: nothing), and the decision."""
        # Loaded with the first proposal, so that importing the SDK need not load the rules.
        from runwright.core.decide import decide

        record = self._record(entry.flow_run_id)
        decision = decide(
            Transition(current=record.state, proposed=entry.state, now=now, run=record.facts)
        )
        recorded: State | None = None
        if isinstance(decision, Accept):
            recorded = decision.state or entry.state
        elif isinstance(decision, Replace):
            recorded = decision.state
            if decision.spends_retry:
                _spend_retry(record)
        if recorded is not None:
            record.state = recorded
        return recorded, decision

    def _record(self, flow_run_id: UUID) -> _Record:
        record = self._records.get(flow_run_id)
        if record is None:
            record = self._records[flow_run_id] = _Record(None, RunFacts(has_lease=True))
        return record


def _spend_retry(record: _Record) -> None:
    used = record.facts.retries_used + 1
    record.facts = msgspec.structs.replace(record.facts, retries_used=used)


def told(recorded: State | None, current: State | None, decision: Decision) -> OrchestrationResult:
    """A decision as the wire puts it. `current` is the state that stands when none is recorded."""
    if isinstance(decision, Accept):
        return OrchestrationResult(state=recorded, status="ACCEPT", details=AcceptDetails())
    if isinstance(decision, Replace | Reject):
        state = recorded if recorded is not None else current
        details = RejectDetails(reason=decision.reason)
        return OrchestrationResult(state=state, status="REJECT", details=details)
    if isinstance(decision, Abort):
        details_ = AbortDetails(reason=decision.reason)
        return OrchestrationResult(state=current, status="ABORT", details=details_)
    seconds = -(-decision.delay // timedelta(seconds=1))
    waiting = WaitDetails(delay_seconds=seconds, reason=decision.reason)
    return OrchestrationResult(state=current, status="WAIT", details=waiting)
