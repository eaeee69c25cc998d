"""Automations look at what has happened, in its order, and fire: each once for each match.

Judging, what is remembered, what fires and what is to be done are one transaction with the removal
from the queue. Whoever dies in it has done nothing.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from runwright.api.automations import Trigger
from runwright.api.events import Event, ReceivedEvent
from runwright.core.automations import matching
from runwright.core.automations.judging import Outcome, Verdict, judge_deadline, judge_event
from runwright.core.ids import NewId
from runwright.storage.automation_buckets import Memories, forget, passed_deadlines
from runwright.storage.automations import change_automation
from runwright.storage.engine import Transaction
from runwright.storage.event_queue import oldest_events, remove_events, take_turn
from runwright.storage.events import insert_events
from runwright.storage.firings import add_actions, add_firing
from runwright.storage.moves import EVENTS
from runwright.storage.tables import automation

#: So many automations may lead to one another. The next one is disabled: it would never end.
DEEPEST = 10
_MOST_DEADLINES = 500
#: An event is kept whole with a firing up to this size.
_LARGEST_PAYLOAD = 64 * 1024
_c = automation.c
log = logging.getLogger("runwright.server")


class Watcher:
    """An enabled automation, ready to be asked."""

    def __init__(self, row: Any) -> None:
        self.id: UUID = row.id
        self.updated: datetime = row.updated
        self.name: str = row.name
        self.trigger: Trigger = msgspec.convert(row.trigger, Trigger)
        self.actions: dict[str, list[dict[str, Any]]] = {
            Outcome.TRIGGERED: [*row.actions, *row.actions_on_trigger],
            Outcome.RESOLVED: row.actions_on_resolve,
        }
        self._names = matching.names_of(self.trigger)
        self._asks = matching.asks_for_automations(self._names)

    def may_care(self, event: ReceivedEvent) -> bool:
        """Whether its trigger has to be asked at all.

        What automations do themselves is seen only by triggers that name it.
        """
        if event.event.startswith(matching.OWN) and not self._asks:
            return False
        return self._names is None or matching.is_named(event.event, self._names)


class Watchers:
    """The enabled automations; read again when they have changed."""

    def __init__(self) -> None:
        self._known: dict[UUID, Watcher] = {}

    def current(self, tx: Transaction) -> list[Watcher]:
        """Those that are enabled now."""
        rows = tx.execute(select(_c.id, _c.updated).where(_c.enabled)).all()
        known = self._known
        stale = [r.id for r in rows if r.id not in known or known[r.id].updated != r.updated]
        if stale:
            for row in tx.execute(select(automation).where(_c.id.in_(stale))):
                try:
                    known[row.id] = Watcher(row)
                except msgspec.ValidationError:
                    known.pop(row.id, None)
                    log.exception("the automation %s (%s) cannot be read", row.name, row.id)
        self._known = {row.id: known[row.id] for row in rows if row.id in known}
        return list(self._known.values())


def judge_some(
    tx: Transaction, watchers: Watchers, new_id: NewId, most: int, *, position: int | None = None
) -> int:
    """Judge the oldest events, or that at one position; how many there were."""
    if not take_turn(tx):
        return 0
    queued = oldest_events(tx, most, position)
    judging = _Judging(tx, watchers.current(tx), new_id)
    for each in queued:
        if each.event is not None and each.at is not None:
            judging.judge(each.event, min(each.at, tx.now))
    remove_events(tx, queued)
    if len(queued) < most and position is None:
        # Only when all has been looked at that came before: it may have come in time.
        judging.judge_deadlines()
    judging.save()
    return len(queued)


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """An automation that acts: how far down a chain of them, and about which event."""

    id: UUID
    name: str
    depth: int
    about: dict[str, Any] | None


class _Judging:
    """One transaction's work."""

    def __init__(self, tx: Transaction, watchers: Iterable[Watcher], new_id: NewId) -> None:
        self._tx, self._new_id = tx, new_id
        self._watchers = {each.id: each for each in watchers}
        self._memories: dict[UUID, Memories] = {}
        self._actions: list[dict[str, Any]] = []
        self._events: list[Event] = []

    def judge(self, event: ReceivedEvent, at: datetime) -> None:
        """Hold every automation against an event."""
        for watcher in list(self._watchers.values()):
            if not watcher.may_care(event):
                continue
            memories = self._of(watcher)
            verdicts = judge_event(watcher.trigger, event, at, memories)
            for each in verdicts:
                about = memories.event_of(each.bucket) if each.is_late else kept_event(event)
                self._fire(watcher, each, about)
            memories.note_event(kept_event(event))

    def judge_deadlines(self) -> None:
        """Whatever did not come in time."""
        for row in passed_deadlines(self._tx, self._tx.now, _MOST_DEADLINES):
            watcher = self._watchers.get(row.automation_id)
            if watcher is None:
                continue
            memories, bucket = self._of(watcher), (row.trigger_id, row.key)
            for each in judge_deadline(watcher.trigger, bucket, self._tx.now, memories):
                self._fire(watcher, each, memories.event_of(bucket))

    def save(self) -> None:
        """Write everything that came of it."""
        for memories in self._memories.values():
            memories.save()
        add_actions(self._tx, self._actions)
        if self._events:
            insert_events(self._tx, self._events)
            self._tx.wake(EVENTS)

    def _of(self, watcher: Watcher) -> Memories:
        if watcher.id not in self._memories:
            self._memories[watcher.id] = Memories(self._tx, watcher.id)
        return self._memories[watcher.id]

    def _fire(self, watcher: Watcher, verdict: Verdict, about: dict[str, Any] | None) -> None:
        firing, depth = self._new_id(), 1 + _depth(about)
        is_loop = depth > DEEPEST
        outcome = "stopped" if is_loop else str(verdict.outcome)
        values = {
            "id": firing,
            "automation_id": watcher.id,
            "created": self._tx.now,
            "outcome": outcome,
            "match_key": verdict.key,
            "event": about,
            "depth": depth,
        }
        if not add_firing(self._tx, values):
            return
        acting = Acting(id=watcher.id, name=watcher.name, depth=depth, about=about)
        self._tell(outcome, acting, {"firing_id": str(firing)})
        if is_loop:
            self._stop(watcher)
            return
        for number, action in enumerate(watcher.actions[verdict.outcome]):
            row = _action_row(self._tx, firing, number, action, self._new_id())
            self._actions.append(row)
            payload = {
                "firing_id": str(firing),
                "action_id": str(row["id"]),
                "action_index": number,
                "action_type": action["type"],
            }
            self._tell("action.triggered", acting, payload)

    def _tell(self, what: str, acting: Acting, payload: dict[str, Any]) -> None:
        told = automation_event(self._tx, self._new_id(), what, acting, payload)
        self._events.append(told)

    def _stop(self, watcher: Watcher) -> None:
        change_automation(self._tx, watcher.id, {"enabled": False})
        forget(self._tx, watcher.id)
        self._memories.pop(watcher.id, None)
        self._watchers.pop(watcher.id, None)


def automation_event(
    tx: Transaction, event_id: UUID, what: str, acting: Acting, payload: dict[str, Any]
) -> Event:
    """What an automation did, as an event."""
    cause = UUID(acting.about["id"]) if acting.about else None
    related = [] if cause is None else [
        {"prefect.resource.id": f"prefect.event.{cause}",
         "prefect.resource.role": "triggering-event"}
    ]  # fmt: skip
    return Event(
        id=event_id,
        occurred=tx.now,
        event=f"{matching.OWN}{what}",
        resource={
            "prefect.resource.id": f"{matching.OWN}{acting.id}",
            "prefect.resource.name": acting.name,
            matching.DEPTH: str(acting.depth),
        },
        related=related,
        payload=payload,
        follows=cause,
    )


def kept_event(event: ReceivedEvent) -> dict[str, Any]:
    """An event as it is kept with what it led to; one too large goes without its payload."""
    kept: dict[str, Any] = msgspec.to_builtins(event)
    if len(msgspec.json.encode(kept["payload"])) > _LARGEST_PAYLOAD:
        kept["payload"] = {}
    return kept


def _depth(about: dict[str, Any] | None) -> int:
    return 0 if about is None else matching.depth_of(msgspec.convert(about, ReceivedEvent))


def _action_row(
    tx: Transaction, firing: UUID, number: int, action: dict[str, Any], id_: UUID
) -> dict[str, Any]:
    target = action.get("block_document_id")
    return {
        "id": id_,
        "firing_id": firing,
        "number": number,
        "action": action,
        "status": "pending",
        "due_at": tx.now,
        "tries": 0,
        "target": None if target is None else UUID(target),
        "updated": tx.now,
    }
