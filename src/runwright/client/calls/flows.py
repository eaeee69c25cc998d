"""Calls about flows."""

from uuid import UUID

from runwright.api.filters import FlowFilter, IdIs, Query
from runwright.api.flows import Flow
from runwright.client.call import Call, get, join, query


def find(*, ids: list[UUID] | None = None, limit: int = 200, offset: int = 0) -> Call[list[Flow]]:
    """Flows, by name; only those of `ids` where given."""
    where = FlowFilter(id=IdIs(any_=ids)) if ids is not None else None
    body = Query(flows=where, sort="NAME_ASC", limit=limit, offset=offset)
    return query("/flows/filter", list[Flow], body)


def read(flow_id: UUID) -> Call[Flow]:
    """One flow."""
    return get(join("flows", flow_id), Flow)
