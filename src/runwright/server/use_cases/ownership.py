"""Which rows an execution may write: the one check for every kind of journal entry.

A flow process is code of users and may send anything, so each entry is checked against the run that
was claimed. A flow run is the execution's own if it is that run, or a subflow whose
`execution_root_id` names that run and whose token is that of this claim. A task run is its own if
its flow run is. An entry that names anything else stores nothing; the entries around it are kept.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import select

from runwright.api.journal import (
    AnyEntry,
    ArtifactMade,
    FlowRunStarted,
    LogWritten,
    TaskRunMoved,
)
from runwright.storage.engine import Transaction
from runwright.storage.runs import lock_run
from runwright.storage.tables import flow_run
from runwright.storage.task_states import KnownTaskRuns, known_task_runs

log = logging.getLogger("runwright.server")

_c = flow_run.c
_FACTS = (_c.id, _c.execution_root_id, _c.claim_token)
_AT_ONCE = 500
#: Executions whose foreign entries have been logged; each is logged once.
_MOST_NOTICED = 10_000
_noticed: set[UUID] = set()
_Told = TypeVar("_Told", LogWritten, ArtifactMade)


class Sifted(NamedTuple):
    """The entries of a batch that are the execution's own, and what was read to find out."""

    moves: list[TaskRunMoved]
    logs: list[LogWritten]
    artifacts: list[ArtifactMade]
    task_runs: KnownTaskRuns
    flow_run_ids: Collection[UUID]


class Ownership:
    """What belongs to the execution that holds `root`, a locked row, as its batch begins."""

    def __init__(self, tx: Transaction, root: Any) -> None:
        self._tx = tx
        self._root_id: UUID = root.id
        self._execution_id: UUID = root.execution_id
        self._token: int = root.claim_token
        #: Own runs that are locked, as they are now.
        self._rows: dict[UUID, Any] = {root.id: root}
        self._own: set[UUID] = {root.id}
        self._foreign: list[AnyEntry] = []

    @property
    def root(self) -> Any:
        """The run that was claimed, as it is now."""
        return self._rows[self._root_id]

    def locked(self, run_id: UUID) -> Any:
        """The run, locked; None where it is not the execution's own or does not exist."""
        if run_id not in self._rows:
            row = lock_run(self._tx, run_id)
            if row is None or not _is_own(row, self._root_id, self._token):
                return None
            self.keep(row)
        return self._rows[run_id]

    def keep(self, row: Any) -> None:
        """Remember a locked row of an own run, which has changed."""
        self._rows[row.id] = row
        self._own.add(row.id)

    def allows(self, started: FlowRunStarted) -> bool:
        """Whether a subflow may name these parents.

        The task run that stands for it may be unknown: it is told of after the subflow.
        """
        parent_id, task_id = started.parent_flow_run_id, started.parent_task_run_id
        named = set() if parent_id is None else {parent_id}
        tasks = {} if task_id is None else known_task_runs(self._tx, {task_id})
        self._look_up({*named, *_flow_runs_of(tasks)})
        return named <= self._own and self._owns_task(tasks, task_id)

    def sift(
        self,
        moves: Sequence[TaskRunMoved],
        logs: Sequence[LogWritten],
        artifacts: Sequence[ArtifactMade],
    ) -> Sifted:
        """Part the execution's own entries from the foreign ones, which are noted."""
        tasks = known_task_runs(
            self._tx,
            {
                each.task_run_id
                for each in (*moves, *logs, *artifacts)
                if each.task_run_id is not None
            },
        )
        named = {each.flow_run_id for each in (*logs, *artifacts)}
        made = {each.run.flow_run_id for each in moves if each.run is not None}
        self._look_up({*named, *made, *_flow_runs_of(tasks)})
        return Sifted(
            moves=[each for each in moves if self._owns_move(tasks, each)],
            logs=self._owned(tasks, logs),
            artifacts=self._owned(tasks, artifacts),
            task_runs=tasks,
            flow_run_ids=self._own,
        )

    def refuse(self, entry: AnyEntry) -> None:
        """Note a foreign entry."""
        self._foreign.append(entry)

    def tell(self) -> None:
        """Log, once for an execution, that there were foreign entries."""
        if not self._foreign or self._execution_id in _noticed:
            return
        if len(_noticed) >= _MOST_NOTICED:
            _noticed.clear()
        _noticed.add(self._execution_id)
        first = self._foreign[0]
        log.warning(
            "Execution %s of flow run %s sent %d journal entries about runs that are not its own; "
            "nothing of them was stored. The first is of the kind %r and names %s. Further ones "
            "of this execution are not logged.",
            self._execution_id,
            self._root_id,
            len(self._foreign),
            first.__struct_config__.tag,
            _named_in(first),
        )

    def _owns_move(self, tasks: KnownTaskRuns, move: TaskRunMoved) -> bool:
        known = tasks.get(move.task_run_id)
        if known is not None:
            is_own = known["flow_run_id"] in self._own
        else:  # without `run` it says nothing of whose it is, and is dropped as unknown
            is_own = move.run is None or move.run.flow_run_id in self._own
        if not is_own:
            self.refuse(move)
        return is_own

    def _owned(self, tasks: KnownTaskRuns, entries: Sequence[_Told]) -> list[_Told]:
        own: list[_Told] = []
        for each in entries:
            if each.flow_run_id in self._own and self._owns_task(tasks, each.task_run_id):
                own.append(each)
            else:
                self.refuse(each)
        return own

    def _owns_task(self, tasks: KnownTaskRuns, task_id: UUID | None) -> bool:
        """A task run that nobody has told of yet is nobody else's."""
        known = None if task_id is None else tasks.get(task_id)
        return known is None or known["flow_run_id"] in self._own

    def _look_up(self, run_ids: Iterable[UUID | None]) -> None:
        unknown = [each for each in run_ids if each is not None and each not in self._own]
        for start in range(0, len(unknown), _AT_ONCE):
            some = unknown[start : start + _AT_ONCE]
            for row in self._tx.execute(select(*_FACTS).where(_c.id.in_(some))):
                if _is_own(row, self._root_id, self._token):
                    self._own.add(row.id)


def _is_own(run: Any, root_id: UUID, token: int) -> bool:
    """Whether a flow run belongs to the claim `token` of the run `root_id`."""
    return run.id == root_id or (run.execution_root_id == root_id and run.claim_token == token)


def _flow_runs_of(tasks: KnownTaskRuns) -> set[UUID | None]:
    return {row["flow_run_id"] for row in tasks.values()}


def _named_in(entry: AnyEntry) -> str:
    names = ("flow_run_id", "task_run_id", "parent_flow_run_id", "parent_task_run_id")
    named = {name: getattr(entry, name, None) for name in names}
    if isinstance(entry, TaskRunMoved) and entry.run is not None:
        named["flow_run_id"] = entry.run.flow_run_id
    return ", ".join(f"{name} {id_}" for name, id_ in named.items() if id_ is not None)
