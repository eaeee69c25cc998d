"""What the triggers of one automation remember: read when asked for, written back at the end."""

from collections.abc import Iterator, MutableMapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, select

from runwright.core.automations.memory import Bucket, Memory
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import automation, automation_bucket

_c = automation_bucket.c
_READ = Prepared(
    select(_c.memory, _c.event).where(
        _c.automation_id == bindparam("automation"),
        _c.trigger_id == bindparam("trigger"),
        _c.key == bindparam("wanted"),
    )
)
_WRITE = Prepared(
    lambda dialect: dialect.upsert(
        automation_bucket,
        ["automation_id", "trigger_id", "key"],
        ["memory", "event", "updated", "deadline"],
    ),
    columns=[column.key for column in _c],
)
_REMOVE = Prepared(
    delete(automation_bucket).where(
        _c.automation_id == bindparam("automation"),
        _c.trigger_id == bindparam("trigger"),
        _c.key == bindparam("wanted"),
    )
)


class Memories(MutableMapping[Bucket, Memory]):
    """The buckets of one automation within a transaction."""

    def __init__(self, tx: Transaction, automation_id: UUID) -> None:
        self._tx, self._automation_id = tx, automation_id
        self._read: dict[Bucket, Memory | None] = {}
        self._before: dict[Bucket, Memory | None] = {}
        self._events: dict[Bucket, Any] = {}
        self._touched: set[Bucket] = set()

    def __getitem__(self, bucket: Bucket) -> Memory:
        self._touched.add(bucket)
        if bucket not in self._read:
            self._load(bucket)
        found = self._read[bucket]
        if found is None:
            raise KeyError(bucket)
        return found

    def __setitem__(self, bucket: Bucket, memory: Memory) -> None:
        self._touched.add(bucket)
        self._read[bucket] = memory

    def __delitem__(self, bucket: Bucket) -> None:
        self._read[bucket] = None

    def __iter__(self) -> Iterator[Bucket]:
        return (bucket for bucket, memory in self._read.items() if memory is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def event_of(self, bucket: Bucket) -> Any:
        """The last event that was counted there."""
        if bucket not in self._read:
            self._load(bucket)
        return self._events.get(bucket)

    def note_event(self, event: Any) -> None:
        """The buckets that were looked at since the last event were so for this one."""
        self._events |= dict.fromkeys(self._touched, event)
        self._touched.clear()

    def save(self) -> None:
        """Write what has changed."""
        for bucket, memory in self._read.items():
            if memory == self._before.get(bucket):
                continue
            where = {"automation": self._automation_id, "trigger": bucket[0], "wanted": bucket[1]}
            if memory is None or memory.is_fresh:
                self._tx.execute(_REMOVE, where)
                continue
            row = {
                "automation_id": self._automation_id,
                "trigger_id": bucket[0],
                "key": bucket[1],
                "memory": memory,
                "event": self._events.get(bucket),
                "updated": self._tx.now,
                "deadline": memory.deadline,
            }
            self._tx.execute(_WRITE, row)

    def _load(self, bucket: Bucket) -> None:
        where = {"automation": self._automation_id, "trigger": bucket[0], "wanted": bucket[1]}
        row = self._tx.execute(_READ, where).first()
        if row is None:
            self._read[bucket] = self._before[bucket] = None
            return
        self._read[bucket] = msgspec.convert(row.memory, Memory)
        self._before[bucket] = msgspec.convert(row.memory, Memory)
        self._events[bucket] = row.event


def forget(tx: Transaction, automation_id: UUID) -> None:
    """An automation begins anew."""
    tx.execute(delete(automation_bucket).where(_c.automation_id == automation_id))


def forget_old(tx: Transaction, before: datetime) -> None:
    """Into these nothing has come for so long, and nothing is waited for."""
    tx.execute(delete(automation_bucket).where(_c.updated < before, _c.deadline.is_(None)))


def passed_deadlines(tx: Transaction, now: datetime, most: int) -> Sequence[Any]:
    """The buckets of enabled automations whose time is over, the longest first."""
    passed = (
        select(_c.automation_id, _c.trigger_id, _c.key)
        .join(automation, automation.c.id == _c.automation_id)
        .where(_c.deadline <= now, automation.c.enabled)
        .order_by(_c.deadline)
        .limit(most)
    )
    return tx.execute(passed).all()
