"""A flow process that writes of what is not its own, between honest entries and in any order."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select
from tests.simulation.actors import Execution

from runwright.api.journal import (
    AnyEntry,
    ArtifactMade,
    FlowRunPatched,
    FlowRunProposed,
    FlowRunStarted,
    LogWritten,
    TaskRunInfo,
    TaskRunMoved,
)
from runwright.core.states import TERMINAL, State, StateType
from runwright.storage.tables import artifact, flow_run, task_run

#: What every foreign entry says of itself: it must be stored nowhere.
EVIL = "evil"
_MOST = 6
_KINDS = (StateType.RUNNING, StateType.FAILED, StateType.COMPLETED, StateType.SCHEDULED)


class _Foreign(NamedTuple):
    """Ids of what belongs to others."""

    run: UUID
    task: UUID
    artifact: UUID


class HostileExecution(Execution):
    """It knows every id there is. Besides, it does what any flow does, and has a subflow."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._runs: set[UUID] = set()

    def _start(self, result: Any) -> None:
        if result.state is not None and result.state.type is StateType.RUNNING:
            self._have_things()
        super()._start(result)

    def _have_things(self) -> None:
        """A subflow, a task run in it, and an artifact: what others try to reach."""
        new_id = self._simulation.world.new_id
        self._subflow, task = new_id(), new_id()
        self._runs |= {self.spec.flow_run_id, self._subflow}
        self._entries += [
            FlowRunStarted(flow_run_id=self._subflow, flow_name="inner", timestamp=self._now()),
            FlowRunProposed(flow_run_id=self._subflow, state=self._state(StateType.RUNNING)),
            TaskRunMoved(
                task_run_id=task,
                state=self._state(StateType.RUNNING),
                run=_info(self._subflow),
            ),
            _artifact(self._now(), new_id(), self._subflow, "own", task),
        ]

    def _propose(self, kind: StateType, on_result: Callable[[Any], object]) -> None:
        if kind in TERMINAL:
            done = self._state(StateType.COMPLETED)
            self._entries.append(FlowRunProposed(flow_run_id=self._subflow, state=done))
        super()._propose(kind, on_result)

    def _write_line(self) -> None:
        self._attack()
        super()._write_line()
        self._attack()
        self._send()

    def _attack(self) -> None:
        simulation = self._simulation
        for _ in range(int(simulation.between(0, _MOST))):
            foreign = self._pick()
            if foreign is None:
                return
            entries = self._foreign_entries(foreign)
            entry = entries[int(simulation.world.random() * len(entries))]
            if isinstance(entry, FlowRunProposed):
                self._on_result[len(self._entries)] = self._refused
            self._entries.append(entry)

    def _refused(self, result: Any) -> None:
        if result.status != "ABORT":
            raise self._simulation.violated(f"{self.what} moved a run of others: {result}")

    def _pick(self) -> _Foreign | None:
        def read(tx: Any) -> list[Any]:
            runs = select(flow_run.c.id).where(flow_run.c.id.not_in(self._runs))
            tasks = select(task_run.c.id).where(task_run.c.flow_run_id.not_in(self._runs))
            artifacts = select(artifact.c.id).where(artifact.c.flow_run_id.not_in(self._runs))
            return [sorted(tx.execute(each).scalars()) for each in (runs, tasks, artifacts)]

        found = self._simulation.database.run(read)
        if not all(found):
            return None
        random = self._simulation.world.random
        return _Foreign(*(ids[int(random() * len(ids))] for ids in found))

    def _foreign_entries(self, foreign: _Foreign) -> list[AnyEntry]:
        """Every kind of entry, with a foreign id in each place that takes one."""
        own, now, new_id = self.spec.flow_run_id, self._now(), self._simulation.world.new_id
        kind = _KINDS[int(self._simulation.world.random() * len(_KINDS))]
        return [
            *(
                FlowRunStarted(flow_name="inner", name=EVIL, timestamp=now, **ids)
                for ids in (
                    {"flow_run_id": foreign.run},
                    {"flow_run_id": new_id(), "parent_flow_run_id": foreign.run},
                    {"flow_run_id": new_id(), "parent_task_run_id": foreign.task},
                )
            ),
            FlowRunPatched(flow_run_id=foreign.run, name=EVIL),
            FlowRunProposed(flow_run_id=foreign.run, state=self._state(kind, EVIL)),
            TaskRunMoved(task_run_id=foreign.task, state=self._state(kind, EVIL)),
            TaskRunMoved(task_run_id=foreign.task, state=self._state(kind, EVIL), run=_info(own)),
            TaskRunMoved(
                task_run_id=new_id(), state=self._state(kind, EVIL), run=_info(foreign.run)
            ),
            _line(now, foreign.run),
            _line(now, own, foreign.task),
            _artifact(now, new_id(), foreign.run, EVIL),
            _artifact(now, new_id(), own, EVIL, foreign.task),
            _artifact(now, foreign.artifact, own, EVIL),
        ]

    def _now(self) -> Any:
        return self._simulation.world.clock.now()

    def _state(self, kind: StateType, message: str | None = None) -> State:
        return replace(self._simulation.world.state(kind), message=message)


def _info(run: UUID) -> TaskRunInfo:
    return TaskRunInfo(flow_run_id=run, name="t", task_key="t", dynamic_key="0")


def _line(now: Any, run: UUID, task: UUID | None = None) -> LogWritten:
    return LogWritten(
        flow_run_id=run, timestamp=now, level=20, name="flow", message=EVIL, task_run_id=task
    )


def _artifact(now: Any, id_: UUID, run: UUID, key: str, task: UUID | None = None) -> ArtifactMade:
    return ArtifactMade(
        id=id_, flow_run_id=run, timestamp=now, type="progress", description=key, task_run_id=task
    )
