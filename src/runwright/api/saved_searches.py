"""Searches that people keep, on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from runwright.api import limits


class SearchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion; the server does not look into it."""

    object: limits.Name
    property: limits.Name
    type: limits.Name
    operation: limits.Name
    value: limits.Json


class SavedSearchCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PUT /saved_searches/`: a new one, or in the place of the one of that name."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    filters: limits.Few[SearchFilter] = []


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A search by name."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    filters: list[dict[str, Any]] = []
