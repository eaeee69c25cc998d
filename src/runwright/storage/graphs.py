"""How the graph of a flow run is put together from its task runs, subflows and artifacts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from runwright.api.graphs import (
    Dependency,
    Edge,
    Graph,
    GraphArtifact,
    GraphState,
    Node,
    Stretch,
)
from runwright.core.states import StateType
from runwright.storage.moves import present_state
from runwright.storage.tables import artifact, flow_run, flow_run_state, task_run, task_run_state
from runwright.storage.task_runs import AROUND

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

#: More cannot be drawn.
MOST_NODES = 10_000
_t, _f, _a = task_run.c, flow_run.c, artifact.c


class GraphTooLarge(Exception):
    """A flow run has more nodes than anybody could look at."""


def read_graph(tx: "Transaction", run_id: UUID, since: datetime) -> Graph | None:
    """The graph of a run; of its nodes, those that had not ended by `since`.

    Parents are named though they had ended.

    Raises:
        GraphTooLarge: there are more than `MOST_NODES`.
    """
    run = tx.execute(select(_f.start_time, _f.end_time).where(_f.id == run_id)).first()
    if run is None:
        return None
    rows = _task_runs(tx, run_id, since)
    #: Whoever names a task run that stands for a subflow means the subflow.
    shown = {row.id: row.child_id or row.id for row in rows}
    nodes = {shown[row.id]: _node(row) for row in rows}
    shown |= _ended_before(tx, run_id, rows, shown)
    for row in rows:
        _connect(nodes, shown, row)
    for id_, tries in _tries(tx, run_id, since).items():
        if id_ in nodes:
            nodes[id_].tries = tries
    published = _artifacts(tx, run_id)
    for row in rows:
        nodes[shown[row.id]].artifacts = published.get(row.id, [])
    roots = [id_ for id_, node in nodes.items() if not node.parents and not node.encapsulating]
    return Graph(
        start_time=run.start_time,
        end_time=run.end_time,
        root_node_ids=roots,
        nodes=list(nodes.items()),
        artifacts=published.get(None, []),
        states=_states(tx, run_id),
    )


def dependencies(tx: "Transaction", run_id: UUID) -> list[Dependency]:
    """Every task run of a run, and the task runs whose results it took."""
    rows = tx.execute(
        select(task_run)
        .where(_t.flow_run_id == run_id)
        .order_by(_t.expected_start_time, _t.id)
        .limit(MOST_NODES)
    )
    return [_dependency(row) for row in rows]


def _task_runs(tx: "Transaction", run_id: UUID, since: datetime) -> list[Any]:
    child = flow_run.alias("child")
    statement = (
        select(
            _t.id,
            _t.name,
            _t.state_type,
            _t.start_time,
            _t.expected_start_time,
            _t.end_time,
            _t.task_inputs,
            child.c.id.label("child_id"),
            child.c.name.label("child_name"),
            child.c.state_type.label("child_state_type"),
            child.c.start_time.label("child_start_time"),
            child.c.end_time.label("child_end_time"),
        )
        .select_from(task_run.outerjoin(child, child.c.parent_task_run_id == _t.id))
        .where(_t.flow_run_id == run_id, _lasts(since))
        .order_by(_t.start_time.nulls_last(), _t.id, child.c.attempt)
        .limit(MOST_NODES + 1)
    )
    rows = list(tx.execute(statement))
    if len(rows) > MOST_NODES:
        raise GraphTooLarge
    return [row for row in rows if (row.child_start_time or row.start_time) is not None]


def _ended_before(
    tx: "Transaction", run_id: UUID, rows: list[Any], shown: dict[UUID, UUID]
) -> dict[UUID, UUID]:
    """Parents of the rows that had ended before them and are left out, as they are shown."""
    named = {id_ for row in rows for inputs in row.task_inputs.values() for id_ in _ids(inputs)}
    absent = list(named.difference(shown))[:MOST_NODES]
    if not absent:
        return {}
    child = flow_run.alias("child")
    found = tx.execute(
        select(_t.id, child.c.id.label("child_id"))
        .select_from(task_run.outerjoin(child, child.c.parent_task_run_id == _t.id))
        .where(_t.id.in_(absent), _t.flow_run_id == run_id, _t.end_time.is_not(None))
        .where(or_(_t.start_time.is_not(None), child.c.start_time.is_not(None)))
        .order_by(child.c.attempt)
    )
    return {row.id: row.child_id or row.id for row in found}


def _tries(tx: "Transaction", run_id: UUID, since: datetime) -> dict[UUID, list[Stretch]]:
    """When those task runs ran that ran more than once."""
    s = task_run_state.c
    rows = tx.execute(
        select(s.task_run_id, s.type, s.timestamp)
        .select_from(task_run_state.join(task_run, _t.id == s.task_run_id))
        .where(_t.flow_run_id == run_id, _t.run_count > 1, _lasts(since))
        .order_by(s.task_run_id, s.timestamp)
    )
    found: defaultdict[UUID, list[Stretch]] = defaultdict(list)
    began: tuple[UUID, datetime] | None = None
    for row in rows:
        if began is not None:
            end = row.timestamp if row.task_run_id == began[0] else None
            found[began[0]].append(Stretch(start_time=began[1], end_time=end))
        began = (row.task_run_id, row.timestamp) if row.type == StateType.RUNNING else None
    if began is not None:
        found[began[0]].append(Stretch(start_time=began[1], end_time=None))
    return found


def _lasts(since: datetime) -> ColumnElement[bool]:
    return or_(_t.end_time.is_(None), _t.end_time >= since)


def _node(row: Any) -> Node:
    if row.child_id is None:
        return Node(
            kind="task-run",
            id=row.id,
            label=row.name,
            state_type=StateType(row.state_type),
            start_time=row.start_time,
            end_time=row.end_time,
        )
    return Node(
        kind="flow-run",
        id=row.child_id,
        label=row.child_name,
        state_type=StateType(row.child_state_type),
        start_time=row.child_start_time or row.start_time,
        end_time=row.child_end_time,
    )


def _connect(nodes: dict[UUID, Node], shown: dict[UUID, UUID], row: Any) -> None:
    me = nodes[shown[row.id]]
    around = {shown[id_] for id_ in _ids(row.task_inputs.get(AROUND, ())) if id_ in shown}
    upstream = dict.fromkeys(
        shown[id_]
        for name, inputs in row.task_inputs.items()
        if name != AROUND
        for id_ in _ids(inputs)
        if id_ in shown
    )
    me.encapsulating = [Edge(id=id_) for id_ in sorted(around)]
    # What a task run was called in is around it, and not before it.
    me.parents = [Edge(id=id_) for id_ in upstream if id_ not in around and id_ != me.id]
    for edge in me.parents:
        if edge.id in nodes:
            nodes[edge.id].children.append(Edge(id=me.id))


def _ids(inputs: Iterable[Any]) -> Iterator[UUID]:
    for each in inputs:
        if each.get("input_type") == "task_run":
            yield UUID(str(each["id"]))


def _artifacts(tx: "Transaction", run_id: UUID) -> dict[UUID | None, list[GraphArtifact]]:
    newer = artifact.alias("newer")
    is_latest = ~(
        select(newer.c.id)
        .where(
            newer.c.key == _a.key,
            or_(
                newer.c.created > _a.created,
                (newer.c.created == _a.created) & (newer.c.id > _a.id),
            ),
        )
        .exists()
    )
    rows = tx.execute(
        select(_a.id, _a.created, _a.key, _a.type, _a.data, _a.task_run_id, is_latest.label("last"))
        .where(_a.flow_run_id == run_id, or_(_a.type.is_(None), _a.type != "result"))
        .order_by(_a.created, _a.id)
        .limit(MOST_NODES)
    )
    found: defaultdict[UUID | None, list[GraphArtifact]] = defaultdict(list)
    for row in rows:
        found[row.task_run_id].append(
            GraphArtifact(
                id=row.id,
                created=row.created,
                key=row.key,
                type=row.type,
                is_latest=bool(row.last),
                data=row.data if row.type == "progress" else None,
            )
        )
    return found


def _states(tx: "Transaction", run_id: UUID) -> list[GraphState]:
    s = flow_run_state.c
    rows = tx.execute(
        select(s.id, s.timestamp, s.type, s.name)
        .where(s.flow_run_id == run_id)
        .order_by(s.seq)
        .limit(MOST_NODES)
    )
    return [
        GraphState(id=row.id, timestamp=row.timestamp, type=StateType(row.type), name=row.name)
        for row in rows
    ]


def _dependency(row: Any) -> Dependency:
    state = present_state(row)
    return Dependency(
        id=row.id,
        name=row.name,
        upstream_dependencies=[
            each
            for inputs in row.task_inputs.values()
            for each in inputs
            if each.get("input_type") == "task_run"
        ],
        state=state,
        expected_start_time=row.expected_start_time,
        start_time=row.start_time,
        end_time=row.end_time,
        total_run_time=row.total_run_time,
        estimated_run_time=row.total_run_time,
        untrackable_result=bool(state and state.state_details.untrackable_result),
    )
