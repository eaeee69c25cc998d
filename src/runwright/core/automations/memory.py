"""What a trigger remembers between two events, one bucket for each key of `for_each`."""

from collections.abc import MutableMapping
from datetime import datetime
from uuid import UUID

import msgspec


class Memory(msgspec.Struct, omit_defaults=True):
    """One bucket. A fresh one has seen nothing."""

    #: Reactive triggers, sequences: the latest start of a chain that has come so far; compound
    #: ones: when each of the triggers fired last.
    starts: list[datetime | None] = []
    #: Proactive: when it will be too late.
    deadline: datetime | None = None
    #: Proactive: how many have come since it began to wait.
    count: int = 0
    #: Proactive: it was too late, and what was expected has not come since.
    is_overdue: bool = False

    @property
    def is_fresh(self) -> bool:
        return self == Memory()


#: Trigger and key.
Bucket = tuple[UUID, str]
Memories = MutableMapping[Bucket, Memory]
