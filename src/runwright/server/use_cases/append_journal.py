"""Stores what an execution has written: `POST /flow_runs/{id}/journal`.

The way of a batch: fence (is this the present holder?), number (which entries are new?), entries in
their order, then the lease. All in one transaction, so a batch is stored whole or not at all; only
entries about what is not the execution's own store nothing (`ownership.py`).
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from runwright.api.journal import (
    Answer,
    AnyEntry,
    ArtifactMade,
    FlowRunPatched,
    FlowRunProposed,
    FlowRunStarted,
    JournalAnswer,
    JournalBatch,
    LogWritten,
    TaskRunMoved,
)
from runwright.api.states import AbortDetails, OrchestrationResult
from runwright.core.states import TERMINAL
from runwright.server.policy import Policy
from runwright.server.problems import Conflict, Problem
from runwright.server.use_cases.begin_by_hand import begin_by_hand, begin_subflow
from runwright.server.use_cases.end_execution import lease_lost
from runwright.server.use_cases.ownership import Ownership
from runwright.server.use_cases.propose_state import propose_state, repeat_answer
from runwright.storage.engine import Storage, Transaction
from runwright.storage.records import insert_artifacts, insert_logs
from runwright.storage.runs import lock_run, renew
from runwright.storage.tables import flow_run
from runwright.storage.task_states import record_task_states

_c = flow_run.c


async def receive_journal(
    storage: Storage, run_id: UUID, batch: JournalBatch, policy: Policy
) -> JournalAnswer:
    """Store a batch; of a holder that has lost its run, only what it logged.

    Raises:
        Missing: there is no such run.
        Conflict: `lease_lost`, or `journal_gap` when entries before these are missing.
    """
    stored = await storage.write(lambda tx: append_journal(tx, run_id, batch, policy))
    if isinstance(stored, Problem):
        raise stored
    return stored


def append_journal(
    tx: Transaction, run_id: UUID, batch: JournalBatch, policy: Policy,
    *, decided: bool = False, may_begin: bool = True,
) -> JournalAnswer | Problem:  # fmt: skip
    """Store a batch. A refusal is returned, not raised: late logs are kept with it.

    `decided`: the states were judged where they were written, in a run without a server.
    `may_begin`: who sends it may make flow runs, and so begin one by hand.
    """
    run = lock_run(tx, run_id)
    if run is None:
        run = begin_by_hand(tx, run_id, batch, policy, may_begin=may_begin)
    if not _holds(run, batch):
        _keep_late_logs(tx, run, batch, policy)
        return lease_lost(run_id)
    if batch.first > run.journal_next:
        return Conflict(
            f"Entry {run.journal_next} of flow run {run_id} has not arrived; these begin at "
            f"{batch.first}. Send from {run.journal_next} on.",
            code="journal_gap",
        )
    appending = _Appending(tx, run, policy, decided=decided)
    for number, entry in enumerate(batch.entries, batch.first):
        appending.take(number, entry, is_new=number >= run.journal_next)
    return appending.finish(max(run.journal_next, batch.first + len(batch.entries)))


def _holds(run: Any, batch: JournalBatch) -> bool:
    """Token and execution are the present ones; one begun by hand may not know its token yet."""
    if run.execution_id != batch.execution_id:
        return False
    return batch.token == run.claim_token or (batch.token == 0 and run.claim_token == 1)


def _keep_late_logs(tx: Transaction, run: Any, batch: JournalBatch, policy: Policy) -> None:
    """Keep what the latest execution of the run logged after its claim had ended."""
    if run.execution_id != batch.execution_id:
        return
    logs = [each for each in batch.entries if isinstance(each, LogWritten)]
    late = [each for each in logs if each.flow_run_id == run.id]
    own = Ownership(tx, run).sift([], late, []).logs
    insert_logs(tx, own, policy.new_id, late_token=batch.token)


class _Appending:
    """One batch on its way in. What can be stored in bulk is collected and stored at the end."""

    def __init__(self, tx: Transaction, root: Any, policy: Policy, *, decided: bool) -> None:
        self._tx = tx
        self._policy = policy
        self._decided = decided
        self._ownership = Ownership(tx, root)
        self._root_id: UUID = root.id
        self._answers: list[Answer] = []
        self._logs: list[LogWritten] = []
        self._task_states: list[TaskRunMoved] = []
        self._artifacts: list[ArtifactMade] = []

    def take(self, number: int, entry: AnyEntry, *, is_new: bool) -> None:
        """Store one entry, or answer it again."""
        if isinstance(entry, FlowRunProposed):
            self._propose(number, entry, is_new=is_new)
        elif is_new:
            self._store(entry)

    def finish(self, journal_next: int) -> JournalAnswer:
        """Store what was collected, renew the lease, and say what the server has."""
        tx = self._tx
        own = self._ownership.sift(self._task_states, self._logs, self._artifacts)
        record_task_states(tx, own.moves, own.flow_run_ids, own.task_runs)
        insert_logs(tx, own.logs, self._policy.new_id)
        insert_artifacts(tx, own.artifacts)
        self._ownership.tell()
        root = self._ownership.root
        ttl = timedelta(seconds=root.lease_seconds or self._policy.running_lease.total_seconds())
        lease = root.lease_expires_at and tx.now + ttl
        if (root.lease_expires_at, root.journal_next) != (lease, journal_next):
            renew(tx, root, lease, journal_next)
        milliseconds = int(ttl.total_seconds() * 1000)
        return JournalAnswer(
            token=root.claim_token,
            next=journal_next,
            lease_ttl_ms=milliseconds,
            renew_in_ms=milliseconds // 3,
            answers=self._answers,
            cancel=root.cancel_requested_at is not None and root.state_type not in TERMINAL,
        )

    def _store(self, entry: AnyEntry) -> None:
        match entry:
            case TaskRunMoved():
                self._task_states.append(entry)
            case LogWritten():
                self._logs.append(entry)
            case FlowRunStarted() if entry.flow_run_id != self._root_id:
                self._begin(entry)
            case FlowRunPatched():
                self._patch(entry)
            case ArtifactMade():
                self._artifacts.append(entry)
            case _:  # the first entry of a run by hand: it has been made already
                pass

    def _begin(self, entry: FlowRunStarted) -> None:
        if self._ownership.allows(entry):
            begin_subflow(self._tx, self._ownership.root, entry, self._policy)
        # Where a run had this id already, it may be anybody's.
        if self._ownership.locked(entry.flow_run_id) is None:
            self._ownership.refuse(entry)

    def _propose(self, number: int, entry: FlowRunProposed, *, is_new: bool) -> None:
        run = self._ownership.locked(entry.flow_run_id)
        if run is None:
            self._ownership.refuse(entry)
            self._answers.append(Answer(number=number, result=_not_own(entry.flow_run_id)))
            return
        result = None if is_new else repeat_answer(self._tx, run, entry.state)
        if result is None:
            # A batch often ends with the state of its run: then the row is written once.
            changes = {"journal_next": number + 1} if run.id == self._root_id and is_new else {}
            run, result = propose_state(
                self._tx, run, entry.state, self._policy, decided=self._decided, **changes
            )
            self._ownership.keep(run)
        self._answers.append(Answer(number=number, result=result))

    def _patch(self, entry: FlowRunPatched) -> None:
        if self._ownership.locked(entry.flow_run_id) is None:
            self._ownership.refuse(entry)
            return
        values: dict[str, Any] = {
            "name": entry.name,
            "flow_version": entry.flow_version,
            "shown_parameters": entry.shown_parameters or entry.parameters,
            "tags": entry.tags,
        }
        values = {name: value for name, value in values.items() if value is not None}
        if values:
            values["updated"] = self._tx.now
            self._tx.execute(update(flow_run).where(_c.id == entry.flow_run_id).values(values))


def _not_own(run_id: UUID) -> OrchestrationResult:
    """The answer to a proposal for a run that is not the execution's own, or is gone."""
    details = AbortDetails(reason=f"Flow run {run_id} does not belong to this execution.")
    return OrchestrationResult(state=None, status="ABORT", details=details)
