"""Task runs of other processes that have begun: those processes may be killed before their end."""

from uuid import UUID

from runwright.api.journal import AnyEntry, TaskRunMoved
from runwright.clock import SystemClock, new_id
from runwright.core.states import TERMINAL, State, StateName, StateType


class UnfinishedTasks:
    """Learns of task runs by the entries that are passed on."""

    def __init__(self) -> None:
        #: Their flow runs.
        self._flows: dict[UUID, UUID | None] = {}
        self._clock = SystemClock()

    def note(self, entry: AnyEntry) -> None:
        """Take note of the state of a task run."""
        if not isinstance(entry, TaskRunMoved):
            return
        state = entry.state
        if state.type in TERMINAL or state.name == StateName.NOT_READY:
            self._flows.pop(entry.task_run_id, None)
        elif entry.run is not None:
            self._flows[entry.task_run_id] = entry.run.flow_run_id

    def ends(self, flow_run_id: UUID) -> list[TaskRunMoved]:
        """The ends of those of a flow run that are left when it ends itself."""
        left = [task for task, flow in list(self._flows.items()) if flow == flow_run_id]
        for task_run_id in left:
            self._flows.pop(task_run_id, None)
        return [TaskRunMoved(task_run_id=each, state=self._crashed(), run_count=0) for each in left]

    def _crashed(self) -> State:
        return State(
            id=new_id(),
            type=StateType.CRASHED,
            name=StateName.CRASHED,
            timestamp=self._clock.now(),
            message="Its process ended, or its flow did, before the task.",
        )
