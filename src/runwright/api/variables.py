"""Variables on the wire: named JSON values that runs and people share."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from runwright.api import limits

#: The peer's clients refuse other names before they ask.
VariableName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[a-z0-9_-]*$")]


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A named JSON value."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    value: Any
    tags: list[str] = []


class VariableCreate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /variables/`: 201, or 409 when the name is taken."""

    name: VariableName
    value: limits.Json
    tags: limits.Tags = []


class VariableUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /variables/{id}`: what is left out stays. A value may become null."""

    name: VariableName | None = None
    value: limits.Json = msgspec.UNSET
    tags: limits.Tags | None = None
