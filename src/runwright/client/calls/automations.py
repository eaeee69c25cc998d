"""Calls about automations."""

from typing import Any
from uuid import UUID

from runwright.api.automations import Automation, AutomationEnabled, Firing, FiringQuery
from runwright.api.blocks import BlockDocument
from runwright.api.filters import AutomationFilter, AutomationQuery, TextIs
from runwright.client.call import Call, delete, get, join, patch, post, put, query


def create(body: dict[str, Any]) -> Call[Automation]:
    """A new automation."""
    return post("/automations/", Automation, body)


def find(*, name: str | None = None, limit: int = 200) -> Call[list[Automation]]:
    """Automations, by name."""
    where = AutomationFilter(name=TextIs(any_=[name])) if name is not None else None
    body = AutomationQuery(automations=where, sort="NAME_ASC", limit=limit)
    return query("/automations/filter", list[Automation], body)


def read(automation_id: UUID) -> Call[Automation]:
    """One automation."""
    return get(join("automations", automation_id), Automation)


def replace(automation_id: UUID, body: dict[str, Any]) -> Call[None]:
    """Another automation in the place of one."""
    return put(join("automations", automation_id), body)


def enable(automation_id: UUID, *, enabled: bool) -> Call[None]:
    """Enable or disable one."""
    return patch(join("automations", automation_id), AutomationEnabled(enabled=enabled))


def remove(automation_id: UUID) -> Call[None]:
    """Delete one, with what is known of its firings."""
    return delete(join("automations", automation_id))


def firings(automation_id: UUID, *, limit: int) -> Call[list[Firing]]:
    """What it has done, the latest first."""
    path = f"{join('automations', automation_id)}/firings/filter"
    return query(path, list[Firing], FiringQuery(limit=limit))


def block_named(slug: str, name: str) -> Call[BlockDocument]:
    """The block of a type and name."""
    path = join("block_types", "slug", slug, "block_documents", "name", name)
    return get(path, BlockDocument)
