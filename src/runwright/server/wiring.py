"""What the application is made of, put together once in `main`."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from runwright.core.clock import Clock
from runwright.core.ids import NewId
from runwright.server.policy import Policy
from runwright.server.use_cases.wait_for_work import WorkDesk

if TYPE_CHECKING:
    from runwright.settings import Settings
    from runwright.storage.engine import Storage


class Service(Protocol):
    """A background duty: runs until it is cancelled."""

    name: str

    async def run(self) -> None: ...


class SignInTokens:
    """One-time tokens that sign a browser in. They live in memory and die with the process."""

    LIFETIME = timedelta(minutes=15)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expiry: dict[str, datetime] = {}

    def issue(self) -> tuple[str, datetime]:
        """A new token and when it expires."""
        token = secrets.token_urlsafe(32)
        expires_at = self._clock.now() + self.LIFETIME
        self._expiry[token] = expires_at
        return token, expires_at

    def redeem(self, token: str) -> bool:
        """Whether the token was good. It never is again."""
        expires_at = self._expiry.pop(token, None)
        return expires_at is not None and expires_at > self._clock.now()


@dataclass(frozen=True)
class Wiring:
    """Everything an endpoint may need: `wiring: Wiring` in a handler's signature."""

    storage: "Storage"
    clock: Clock
    new_id: NewId
    settings: "Settings"
    services: Sequence[Service] = ()
    #: Set when the server stops: parked polls answer at once.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    sign_in: SignInTokens = field(init=False)
    #: The terms of leases.
    policy: Policy = field(init=False)
    #: Where workers wait for work.
    desk: WorkDesk = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sign_in", SignInTokens(self.clock))
        policy = Policy(
            running_lease=timedelta(seconds=self.settings.lease_seconds),
            pending_lease=timedelta(seconds=self.settings.pending_lease_seconds),
            new_id=self.new_id,
        )
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "desk", WorkDesk(self.storage, policy))
