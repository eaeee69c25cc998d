"""Flows on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from runwright.api import limits
from runwright.api.filters import FlowFilter


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow is known by its name; its code stays with its users."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    tags: list[str] = []
    labels: dict[str, Any] = {}


#: It stands in addresses, and before the slash of `flow/deployment`.
FlowName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=limits.MAX_NAME, pattern=r"^[^/%&><]+$")
]


class FlowCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flows/`: 201, or 200 with the flow of that name."""

    name: FlowName
    tags: limits.Tags = []
    labels: limits.Labels | None = None


class FlowUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /flows/{id}`."""

    tags: limits.Tags | msgspec.UnsetType = msgspec.UNSET


class FlowsToDelete(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flows/bulk_delete`."""

    flows: FlowFilter | None = None
    limit: int | None = None


class FlowPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of flows; pages count from 1."""

    results: list[Flow]
    count: int
    limit: int
    pages: int
    page: int
