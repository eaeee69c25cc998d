"""Inputs of flow runs on the wire: values that people and flows send to a run, by key."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from runwright.api import limits

#: A key stands in a path.
Key = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^/?#\x00-\x1f]+$")]
_Value = Annotated[str, Meta(max_length=1_000_000)]


class RunInput(msgspec.Struct, frozen=True, kw_only=True):
    """One value; the server does not look into it."""

    id: UUID
    created: datetime
    updated: datetime
    flow_run_id: UUID
    key: str
    value: str
    #: As in `prefect.flow-run.<id>`.
    sender: str | None = None


class RunInputCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/{id}/input`."""

    key: Key
    value: _Value
    sender: limits.Name | None = None


class RunInputQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/{id}/input/filter`: whose keys begin so, the oldest first."""

    prefix: limits.Name
    limit: Annotated[int, Meta(ge=0, le=200)] | None = 1
    exclude_keys: limits.Names = []
