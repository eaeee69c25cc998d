"""Calls about task runs."""

from uuid import UUID

from runwright.api.filters import Query
from runwright.api.states import State
from runwright.api.task_runs import TaskRun
from runwright.client.call import Call, get, join, query, with_query


def read(run_id: UUID) -> Call[TaskRun]:
    """One task run."""
    return get(join("task_runs", run_id), TaskRun)


def find(where: Query) -> Call[list[TaskRun]]:
    """The task runs that a filter lets through."""
    return query("/task_runs/filter", list[TaskRun], where)


def states(run_id: UUID) -> Call[list[State]]:
    """The history of a task run, oldest first."""
    return get(with_query("/task_run_states/", {"task_run_id": run_id}), list[State])
