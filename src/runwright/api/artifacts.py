"""Artifacts on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """Something a run published for people to read."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
