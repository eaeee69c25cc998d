"""Scheduler: makes the runs of schedules, some time ahead.

Every schedule says itself when it is to be planned again, so that a pass costs nothing for those
that are not due. No leader is needed: replicas take different rows, and each fire has one run.

After an outage (no pass for more than a minute) the fires that were missed are dropped or made up
for as each schedule's `catchup` says.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from runwright.core.backoff import Random
from runwright.core.ids import NewId
from runwright.core.schedules.planning import HORIZON, Horizon
from runwright.server.use_cases.fire_schedules import Firing, drop_missed
from runwright.storage.engine import Storage, Transaction
from runwright.storage.tables import service_pass

_last_pass = select(service_pass.c.last_pass_at).where(service_pass.c.name == "scheduler")


class Scheduler:
    """Makes the runs of every schedule that is to be planned."""

    name = "scheduler"

    def __init__(
        self, storage: Storage, new_id: NewId, random: Random, horizon: Horizon = HORIZON
    ) -> None:
        self._storage = storage
        self._firing = Firing(new_id=new_id, random=random, horizon=horizon)
        self._patience = horizon.patience

    async def one_pass(self) -> int:
        """Plan all that are due; how many schedules there were."""
        since, now = await self._storage.read(lambda tx: (tx.execute(_last_pass).scalar(), tx.now))
        if is_outage(since, now, self._patience):
            await self._settle(since, now - self._patience)
        planned = 0
        while True:
            some, is_more = await self._storage.write(self._firing.fire_some)
            planned += some
            if not is_more:
                break
        await self._storage.write(_note_pass)
        return planned

    async def _settle(self, since: datetime, until: datetime) -> None:
        after = None
        while True:
            last = after
            after = await self._storage.write(
                lambda tx, last=last: drop_missed(tx, since, until, last)
            )
            if after is None:
                return


def is_outage(last_pass: datetime | None, now: datetime, patience: timedelta) -> bool:
    """Nobody planned for so long that fires were missed."""
    return last_pass is not None and now - last_pass > patience


def _note_pass(tx: Transaction) -> None:
    note = tx.dialect.upsert(service_pass, ["name"], ["last_pass_at"])
    tx.execute(note, {"name": "scheduler", "last_pass_at": tx.now})
