"""Who moved a run by force is told by an event, written in the transaction of the move.

The states of a run are events too, but they say nothing of who proposed them. This record is kept
as long as other events are, also when the run has been deleted.
"""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from runwright.api.events import Event
from runwright.core.automations.matching import DEPTH
from runwright.core.labels import ID, ROLE, Labels
from runwright.core.lifecycle import edge_between
from runwright.core.states import State
from runwright.server.policy import Policy
from runwright.storage.engine import Transaction
from runwright.storage.events import insert_events
from runwright.storage.tables import flow_run

Kind = Literal["flow-run", "task-run"]


def note_forced(  # noqa: PLR0913  # one fact each
    tx: Transaction, kind: Kind, run: Any, before: State | None, after: State, policy: Policy,
    *, by: dict[str, Any] | None,
) -> None:  # fmt: skip
    """Tell of a move along an edge that needs force; of others nothing.

    `by` is who forced it, as in `created_by`: `id`, `type`, `display_value`.
    """
    edge = None if before is None else edge_between(before.type, after.type)
    if before is None or edge is None or not edge.forced:
        return
    told = Event(
        id=policy.new_id(),
        occurred=tx.now,
        event=f"runwright.{kind}.forced",
        resource=_resource(tx, kind, run),
        related=[] if by is None else [_actor(by)],
        payload={
            "move": edge.name,
            "by": by,
            "from": {"id": str(before.id), "type": before.type, "name": before.name},
            "to": {"id": str(after.id), "type": after.type, "name": after.name},
        },
        follows=after.id,
    )
    insert_events(tx, [told])


def _resource(tx: Transaction, kind: Kind, run: Any) -> dict[str, str]:
    resource = {ID: f"prefect.{kind}.{run.id}", "prefect.resource.name": run.name}
    depth = _labels(tx, run.id).get(DEPTH) if kind == "flow-run" else None
    # How many automations led here: this event may set off another.
    return resource if depth is None else {**resource, DEPTH: str(depth)}


def _labels(tx: Transaction, run_id: UUID) -> Labels:
    return tx.execute(select(flow_run.c.labels).where(flow_run.c.id == run_id)).scalar() or {}


def _actor(by: dict[str, Any]) -> dict[str, str]:
    type_ = by["type"].lower()
    return {
        ID: f"runwright.{type_}.{by['id'] or by['display_value']}",
        ROLE: "actor",
        "prefect.resource.name": by["display_value"],
    }
