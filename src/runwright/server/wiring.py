"""What the application is made of, put together once in `main`."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from runwright.core.clock import Clock
from runwright.core.ids import NewId
from runwright.server.answer_room import AnswerRoom
from runwright.server.event_feed import EventFeed
from runwright.server.policy import Policy
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.server.vault import Vault, key_file_of

if TYPE_CHECKING:
    from runwright.settings import Settings
    from runwright.storage.engine import Storage


@dataclass(frozen=True)
class Wiring:
    """Everything an endpoint may need: `wiring: Wiring` in a handler's signature."""

    storage: "Storage"
    clock: Clock
    new_id: NewId
    settings: "Settings"
    #: The address that this server listens on; None where it does not.
    own_url: str | None = None
    #: Set when the server stops: parked polls answer at once.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    #: For large answers, all readers together.
    answers: AnswerRoom = field(default_factory=AnswerRoom)
    #: The terms of leases.
    policy: Policy = field(init=False)
    #: Where workers wait for work.
    desk: WorkDesk = field(init=False)
    #: Seals what must not be read in the database.
    vault: Vault = field(init=False)
    #: New events for who listens.
    events: EventFeed = field(init=False)

    def __post_init__(self) -> None:
        policy = Policy(
            running_lease=timedelta(seconds=self.settings.lease_seconds),
            pending_lease=timedelta(seconds=self.settings.pending_lease_seconds),
            client_lease=timedelta(seconds=self.settings.client_lease_seconds),
            new_id=self.new_id,
        )
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "desk", WorkDesk(self.storage, policy))
        object.__setattr__(self, "vault", Vault(key_file_of(self.settings)))
        object.__setattr__(self, "events", EventFeed(self.storage))
