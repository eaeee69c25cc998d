"""What automations have done and have yet to do, each action with its own row and key."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, exists, insert, select, update

from runwright.api.automations import ActionOutcome, Firing
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import automation, automation_action, automation_firing

#: Woken when there is an action to perform.
ACTIONS = "actions"

_f, _a = automation_firing.c, automation_action.c
_HAS_DUE = Prepared(
    select(exists().where(_a.due_at <= bindparam("now", type_=_a.due_at.type)).label("has_due"))
)
_INSERT_FIRING = Prepared(
    lambda dialect: dialect.insert_or_skip(automation_firing), columns=[c.key for c in _f]
)
_INSERT_ACTION = Prepared(insert(automation_action), columns=[c.key for c in _a])
_TAKE = Prepared(
    update(automation_action)
    .where(_a.id == bindparam("action_id"))
    .values(tries=_a.tries + 1, due_at=bindparam("again_at"), updated=bindparam("now"))
)
_RENEW = Prepared(
    update(automation_action)
    .where(
        _a.id == bindparam("action_id"),
        _a.status == "pending",
        _a.due_at == bindparam("was_due_at", type_=_a.due_at.type),
    )
    .values(due_at=bindparam("again_at"))
)
_WHOLE = (
    select(
        _a.id, _a.number, _a.action, _a.tries, _a.status, _a.firing_id,
        _f.automation_id, _f.outcome, _f.event, _f.depth, _f.created,
        automation.c.name.label("automation_name"), automation.c.tags.label("automation_tags"),
        automation.c.description.label("automation_description"),
    )
    .join(automation_firing, _f.id == _a.firing_id)
    .join(automation, automation.c.id == _f.automation_id)
)  # fmt: skip


def has_due(tx: Transaction) -> bool:
    """Whether an action is to be performed now."""
    return bool(tx.execute(_HAS_DUE, {"now": tx.now}).scalar())


def add_firing(tx: Transaction, values: Mapping[str, Any]) -> bool:
    """Record that an automation fires; False where it has for the same reason."""
    return tx.execute(_INSERT_FIRING, values).rowcount > 0


def add_actions(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record what is to be done."""
    if rows:
        tx.execute(_INSERT_ACTION, rows)
        tx.wake(ACTIONS)


def take_actions(
    tx: Transaction, most: int, again_at: datetime, busy: Collection[UUID]
) -> list[Any]:
    """Actions that are due, for whoever asks first; to others they are due again at `again_at`.

    None of those that go by way of the `busy` targets.
    """
    due = select(_a.id, _a.target).where(_a.due_at <= tx.now)
    if busy:
        due = due.where((_a.target.is_(None)) | _a.target.not_in(busy))
    due = due.order_by(_a.due_at, _a.id).limit(most).with_for_update(skip_locked=True)
    taken = [row.id for row in tx.execute(due)]
    for id_ in taken:
        tx.execute(_TAKE, {"action_id": id_, "again_at": again_at, "now": tx.now})
    if not taken:
        return []
    return list(tx.execute(_WHOLE.where(_a.id.in_(taken)).order_by(_a.due_at, _a.id)).all())


def renew_action(
    tx: Transaction, action_id: UUID, was_due_at: datetime, again_at: datetime
) -> None:
    """Hold an action for longer, if it is still held as it was."""
    tx.execute(_RENEW, {"action_id": action_id, "was_due_at": was_due_at, "again_at": again_at})


def lock_action(tx: Transaction, action_id: UUID, tries: int) -> bool:
    """Hold an action that is pending and that nobody has taken since; False where it is not."""
    held = (
        select(_a.id)
        .where(_a.id == action_id, _a.status == "pending", _a.tries == tries)
        .with_for_update()
    )
    return tx.execute(held).first() is not None


def change_action(tx: Transaction, action_id: UUID, values: Mapping[str, Any]) -> None:
    """Record what came of an action."""
    changed = update(automation_action).where(_a.id == action_id)
    tx.execute(changed.values(updated=tx.now, **values))


def firings_of(tx: Transaction, automation_id: UUID, most: int, skip: int) -> list[Firing]:
    """What an automation has done, the latest first."""
    found = (
        select(automation_firing)
        .where(_f.automation_id == automation_id)
        .order_by(_f.created.desc(), _f.id.desc())
        .limit(most)
        .offset(skip)
    )
    rows = tx.execute(found).all()
    actions = _outcomes(tx, [row.id for row in rows])
    return [
        Firing(
            id=row.id,
            automation_id=row.automation_id,
            created=row.created,
            outcome=row.outcome,
            event=row.event,
            depth=row.depth,
            actions=actions.get(row.id, []),
        )
        for row in rows
    ]


def _outcomes(tx: Transaction, firings: Iterable[UUID]) -> dict[UUID, list[ActionOutcome]]:
    found: dict[UUID, list[ActionOutcome]] = {}
    wanted = select(automation_action).where(_a.firing_id.in_(list(firings)))
    for row in tx.execute(wanted.order_by(_a.number)):
        shown = ActionOutcome(
            id=row.id,
            action=row.action,
            status=row.status,
            tries=row.tries,
            due_at=row.due_at,
            updated=row.updated,
            error=row.error,
            result=row.result,
        )
        found.setdefault(row.firing_id, []).append(shown)
    return found
