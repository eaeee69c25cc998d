"""What ran in a flow run and what depended on what, on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from runwright.core.states import State, StateType


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """The node at the other end."""

    id: UUID


class GraphArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was published. `data` only where it changes while it is looked at."""

    id: UUID
    created: datetime
    key: str | None
    type: str | None
    is_latest: bool
    data: Any = None


class GraphState(msgspec.Struct, frozen=True, kw_only=True):
    """A state that the flow run was in from `timestamp`."""

    id: UUID
    timestamp: datetime
    type: StateType
    name: str


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """From one instant to another; without an end it lasts."""

    start_time: datetime
    end_time: datetime | None


class Node(msgspec.Struct, kw_only=True):
    """A task run, or a subflow in the place of the task run that stands for it."""

    kind: Literal["flow-run", "task-run"]
    id: UUID
    label: str
    state_type: StateType
    start_time: datetime
    end_time: datetime | None
    parents: list[Edge] = []
    children: list[Edge] = []
    #: The task runs in which it was called.
    encapsulating: list[Edge] = []
    #: When it ran, where that was more than once: between them it waited. Ours alone.
    tries: list[Stretch] = []
    artifacts: list[GraphArtifact] = []


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """A flow run; its nodes by when they started."""

    start_time: datetime | None
    end_time: datetime | None
    root_node_ids: list[UUID]
    nodes: list[tuple[UUID, Node]]
    artifacts: list[GraphArtifact]
    states: list[GraphState]


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """A task run and what it took as inputs. Durations are seconds."""

    id: UUID
    name: str
    upstream_dependencies: list[dict[str, Any]]
    state: State | None
    expected_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    total_run_time: float | None
    estimated_run_time: float | None
    untrackable_result: bool
