"""Evaluator: holds automations against what has happened, and against what has not.

Any number may run: one at a time judges, in the order in which the control plane took the events.
An event that cannot be judged is tried alone, some times, and then left aside; the others go on.
"""

import logging

from runwright.core.ids import NewId
from runwright.server.use_cases.judge_events import Watchers, judge_some
from runwright.storage.engine import Storage, Transaction
from runwright.storage.errors import StorageError
from runwright.storage.event_queue import (
    MOST_FAILURES,
    has_work,
    make_turn,
    note_failure,
    positions,
)

_BATCH = 200
log = logging.getLogger("runwright.server")


class Evaluator:
    """Judges what is in the queue, and the deadlines that have passed."""

    name = "evaluator"

    def __init__(self, storage: Storage, new_id: NewId) -> None:
        self._storage = storage
        self._new_id = new_id
        self._watchers = Watchers()
        self._has_turn = False

    async def one_pass(self) -> int:
        """Judge all there is; how many events that were."""
        if not await self._storage.glance(has_work):
            return 0
        if not self._has_turn:
            await self._storage.write(make_turn)
            self._has_turn = True
        judged = 0
        while True:
            try:
                some = await self._storage.write(self._judge_some)
            except StorageError:
                raise
            except Exception:
                log.exception("some of the events cannot be judged together; now each alone")
                some = await self._judge_each()
            judged += some
            if some < _BATCH:
                return judged

    def _judge_some(self, tx: Transaction) -> int:
        return judge_some(tx, self._watchers, self._new_id, _BATCH)

    async def _judge_each(self) -> int:
        waiting = await self._storage.read(lambda tx: positions(tx, _BATCH))
        for position in waiting:
            try:
                await self._storage.write(
                    lambda tx, at=position: judge_some(
                        tx, self._watchers, self._new_id, 1, position=at
                    )
                )
            except StorageError:
                raise
            except Exception as error:  # whatever it was: it is that event's
                why = f"{type(error).__name__}: {error}"[:2_000]
                times = await self._storage.write(
                    lambda tx, at=position, why=why: note_failure(tx, at, why)
                )
                if times == MOST_FAILURES:
                    log.exception("the event at %d is given up after %d tries", position, times)
        return len(waiting)
