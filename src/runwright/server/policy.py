"""How long leases live, and the sources of what must not be guessed."""

import random
import secrets
from datetime import timedelta

import msgspec

from runwright import clock
from runwright.core.backoff import Random
from runwright.core.ids import NewId


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The terms under which runs are leased. One for the whole process."""

    running_lease: timedelta = timedelta(seconds=30)
    pending_lease: timedelta = timedelta(seconds=60)
    #: Of a run by hand: there is no supervisor to renew it, only the process itself.
    by_hand_lease: timedelta = timedelta(seconds=120)
    #: A client that knows no tokens has this long between its claim and its start.
    unsupervised_pending_lease: timedelta = timedelta(minutes=10)
    #: Until such a client, or its worker, has told that it lives, only its end frees its slot.
    unsupervised_lease: timedelta = timedelta(days=3650)
    #: Of a run of such a client from when its worker, or the run itself, has told that it lives:
    #: three times as long as the peer's flows wait between two such messages.
    client_lease: timedelta = timedelta(seconds=540)
    #: A run that its workers could not start so often is given up.
    most_launches: int = 5
    new_id: NewId = clock.new_id
    random: Random = random.random

    def new_credential(self, run_hex: str) -> str:
        """A bearer credential for one execution of one run: 256 random bits."""
        return f"rwx_{run_hex}_{secrets.token_urlsafe(32)}"
