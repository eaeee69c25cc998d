"""What the application is made of, put together once in `main`."""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runwright.core.clock import Clock
from runwright.core.ids import NewId
from runwright.server.event_feed import EventFeed
from runwright.server.keys import ALL_SCOPES
from runwright.server.policy import Policy
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.server.vault import Vault, key_file_of

if TYPE_CHECKING:
    from runwright.settings import Settings
    from runwright.storage.engine import Storage


class SignInTokens:
    """One-time tokens that sign a browser in. They live in memory and die with the process."""

    LIFETIME = timedelta(minutes=15)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[datetime, frozenset[str]]] = {}

    def issue(self, scopes: frozenset[str] = ALL_SCOPES) -> tuple[str, datetime]:
        """A new token, good for a session of these scopes, and when it expires."""
        token = secrets.token_urlsafe(32)
        expires_at = self._clock.now() + self.LIFETIME
        self._issued[token] = expires_at, scopes
        return token, expires_at

    def redeem(self, token: str) -> frozenset[str] | None:
        """The scopes of the session, where the token was good. It never is again."""
        expires_at, scopes = self._issued.pop(token, (None, None))
        return scopes if expires_at is not None and expires_at > self._clock.now() else None


@dataclass(frozen=True)
class Wiring:
    """Everything an endpoint may need: `wiring: Wiring` in a handler's signature."""

    storage: "Storage"
    clock: Clock
    new_id: NewId
    settings: "Settings"
    #: Set when the server stops: parked polls answer at once.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    sign_in: SignInTokens = field(init=False)
    #: The terms of leases.
    policy: Policy = field(init=False)
    #: Where workers wait for work.
    desk: WorkDesk = field(init=False)
    #: Seals what must not be read in the database.
    vault: Vault = field(init=False)
    #: New events for who listens.
    events: EventFeed = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sign_in", SignInTokens(self.clock))
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
