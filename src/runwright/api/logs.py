"""Log records on the wire."""

from datetime import datetime
from uuid import UUID

import msgspec

from runwright.core.instants import Instant


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """One log record. `level` is that of the standard library: 20 is INFO."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class LogCreate(msgspec.Struct, frozen=True, kw_only=True):
    """One of the array that `POST /logs/` takes."""

    name: str
    level: int
    message: str
    timestamp: Instant
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
