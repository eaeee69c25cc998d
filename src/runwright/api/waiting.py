"""Why a run is not running, on the wire."""

from datetime import datetime
from uuid import UUID

import msgspec

from runwright.core.waiting import Reason


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /flow_runs/{id}/waiting`."""

    flow_run_id: UUID
    #: When it may start; null where it does not wait for a worker.
    due_at: datetime | None = None
    #: The most telling first. There is always one.
    reasons: list[Reason]
