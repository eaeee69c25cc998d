"""What the templates of an action may name: plain values about the event and what is around it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table, select

from runwright.api.events import ReceivedEvent
from runwright.core.automations.matching import resource_ids
from runwright.storage.engine import Transaction
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.queries import read_one
from runwright.storage.tables import deployment, flow, variable, work_pool, work_queue

_AROUND: dict[str, tuple[str, Table]] = {
    "flow": ("flow", flow),
    "deployment": ("deployment", deployment),
    "work_queue": ("work-queue", work_queue),
    "work_pool": ("work-pool", work_pool),
}
_SHOWN = ("id", "name", "tags", "description", "version", "priority", "type", "is_paused")
#: The page of a thing, where it has one of its own.
_PAGES = {"flow_run": "/runs/{}"}


def message_context(tx: Transaction, row: Any) -> dict[str, Any]:
    """The names and their values for an action that was taken."""
    event = None if row.event is None else msgspec.convert(row.event, ReceivedEvent)
    context: dict[str, Any] = {
        "automation": {
            "id": str(row.automation_id),
            "name": row.automation_name,
            "description": row.automation_description,
            "tags": row.automation_tags,
        },
        "firing": {
            "id": str(row.firing_id),
            "outcome": row.outcome,
            "created": row.created.isoformat(),
        },
        "event": row.event or {},
        "labels": {} if event is None else dict(event.resource),
    }
    if event is None:
        return context
    for name, (kind, table) in _AROUND.items():
        if (id_ := _first_id(event, kind)) is not None:
            found = tx.execute(select(table).where(table.c.id == id_)).first()
            context[name] = _shown(found)
    run_id = _first_id(event, "flow-run")
    run = None if run_id is None else read_one(tx, FLOW_RUNS, run_id)
    if run is not None:
        page = _PAGES["flow_run"].format(run.id)
        parameters = run.parameters if run.shown_parameters is None else run.shown_parameters
        context["flow_run"] = msgspec.to_builtins(run) | {
            "ui_url": page,
            "parameters": parameters,
        }
    return context


def variables_of(tx: Transaction, names: list[str]) -> dict[str, Any]:
    """The values of the variables there are of these names."""
    found = select(variable.c.name, variable.c.value).where(variable.c.name.in_(names))
    return {row.name: row.value for row in tx.execute(found)} if names else {}


def _first_id(event: ReceivedEvent, kind: str) -> UUID | None:
    for text in resource_ids(event, kind):
        try:
            return UUID(text)
        except ValueError:
            continue
    return None


def _shown(row: Any) -> Mapping[str, Any] | None:
    if row is None:
        return None
    there = {name: getattr(row, name) for name in _SHOWN if hasattr(row, name)}
    return msgspec.to_builtins(there)
