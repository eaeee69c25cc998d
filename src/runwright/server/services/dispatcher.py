"""Dispatcher: does what automations have recorded that is to be done.

An action is taken under a lease: whoever takes it counts one more try first, so that one that ends
the process is not tried for ever. What is done to our own things is one transaction with the record
of it; what is sent elsewhere carries the action's id, the same at each try.
"""

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from runwright.api.automations import Action
from runwright.api.events import ReceivedEvent
from runwright.core.backoff import exponential
from runwright.server.filling_in import put_back, templates_of, variables_named
from runwright.server.notifiers import NoSender, identified, notification, webhook
from runwright.server.outbound import Refused, Request, Undelivered
from runwright.server.policy import Policy
from runwright.server.problems import Problem, problem_of
from runwright.server.renderer import CannotRender, Renderer
from runwright.server.use_cases.block_documents import what_is_sent
from runwright.server.use_cases.judge_events import Acting, automation_event
from runwright.server.use_cases.message_context import message_context, variables_of
from runwright.server.use_cases.perform_action import Occasion, perform
from runwright.server.vault import CannotOpen, Vault
from runwright.storage.engine import Storage, Transaction
from runwright.storage.errors import StorageError
from runwright.storage.events import insert_events
from runwright.storage.firings import (
    ACTIONS,
    change_action,
    has_due,
    lock_action,
    renew_action,
    take_actions,
)
from runwright.storage.moves import EVENTS
from runwright.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from runwright.server.egress import Egress

#: So often an action is tried. Then it is dead, for people to look at.
MOST_TRIES = 5
#: The same where those who tried it died: it need not have been its fault.
MOST_HOLDERS = 10
#: So many at once, and so many by one block: one that does not answer leaves room for the others.
_AT_ONCE, _BY_ONE_BLOCK = 16, 4
_LONGEST_BACKOFF = timedelta(minutes=10)
_SENDING = {"send-notification", "call-webhook"}
_AGENT = f"runwright/{__version__}"
log = logging.getLogger("runwright.server")

#: Reasons that another try would meet as well.
_FINAL = (CannotRender, Refused, NoSender, Problem)


class _Held:
    """An action that is being tried; to others it is due at `again_at`."""

    def __init__(self, row: Any, again_at: datetime, since: float) -> None:
        self.row, self.again_at, self.since = row, again_at, since
        target = row.action.get("block_document_id")
        self.target = None if target is None else UUID(target)


class Dispatcher:
    """Performs the actions that are due."""

    name = "dispatcher"

    def __init__(
        self,
        storage: Storage,
        policy: Policy,
        vault: Vault,
        open_egress: "Callable[[], Egress]",
        *,
        lease: timedelta,
        backoff: timedelta,
    ) -> None:
        self._storage, self._policy, self._vault = storage, policy, vault
        self._open_egress = open_egress
        self._egress: Egress | None = None
        self._lease, self._backoff = lease, backoff
        self._look_again = min(1.0, lease.total_seconds() / 6)
        self._renderer = Renderer()

    async def one_pass(self) -> int:
        """Perform all that are due, and those that become so meanwhile; how many tries."""
        if not await self._storage.glance(has_due):
            return 0
        running: dict[asyncio.Task[None], _Held] = {}
        tries = 0
        try:
            with self._storage.waker.watch([ACTIONS]) as watch:
                while True:
                    taken = await self._take(running)
                    tries += len(taken)
                    for held in taken:
                        task = asyncio.create_task(self._try(held.row))
                        running[task] = held
                    if len(taken) == _BY_ONE_BLOCK and len(running) < _AT_ONCE:
                        continue  # there may be more
                    if not running:
                        return tries
                    woken = asyncio.create_task(watch.wait(self._look_again))
                    await asyncio.wait({*running, woken}, return_when=asyncio.FIRST_COMPLETED)
                    woken.cancel()
                    for task in [task for task in running if task.done()]:
                        del running[task]
                        task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def close(self) -> None:
        """Let go of connections and processes."""
        await self._renderer.close()
        if self._egress is not None:
            await self._egress.close()

    async def _take(self, running: dict[asyncio.Task[None], _Held]) -> list[_Held]:
        """Take some that are due, and hold on to those that take long."""
        # A few at a time: many may be due that go by one block.
        most = min(_AT_ONCE - len(running), _BY_ONE_BLOCK)
        now, third = asyncio.get_running_loop().time(), self._lease.total_seconds() / 3
        long = [held for held in running.values() if now - held.since > third]
        if most <= 0 and not long:
            return []
        by_block = Counter(h.target for h in running.values() if h.target is not None)
        busy = [target for target, number in by_block.items() if number >= _BY_ONE_BLOCK]

        def use_case(tx: Transaction) -> tuple[datetime, list[Any]]:
            again_at = tx.now + self._lease
            for held in long:
                renew_action(tx, held.row.id, held.again_at, again_at)
            return again_at, take_actions(tx, most, again_at, busy) if most > 0 else []

        again_at, rows = await self._storage.write(use_case)
        for held in long:
            held.again_at, held.since = again_at, now
        return [_Held(row, again_at, now) for row in rows]

    async def _try(self, row: Any) -> None:
        """One try, whatever comes of it."""
        if row.tries > MOST_HOLDERS:
            await self._give_up(row, "dead", "Whoever tried it did not live to say how it ended.")
            return
        try:
            if row.action["type"] in _SENDING:
                await self._send(row)
            else:
                await self._perform(row)
        except StorageError:
            raise  # the lease lapses, and it is tried again
        except _FINAL as error:
            await self._give_up(row, "failed", str(error))
        except Exception as error:  # noqa: BLE001  # whatever it was, it is that action's
            await self._put_off(row, error)

    async def _perform(self, row: Any) -> None:
        names = variables_named(row.action)
        action, variables = row.action, {}
        if names or templates_of(row.action):
            context, variables = await self._storage.read(
                lambda tx: (message_context(tx, row), variables_of(tx, names))
            )
            texts = await self._renderer.render(templates_of(row.action), context)
            action = put_back(row.action, texts, variables)
        wanted = msgspec.convert(action, Action)
        occasion = Occasion(
            key=row.id,
            automation_id=row.automation_id,
            automation_name=row.automation_name,
            depth=row.depth,
            event=None if row.event is None else msgspec.convert(row.event, ReceivedEvent),
            policy=self._policy,
        )

        def use_case(tx: Transaction) -> None:
            if lock_action(tx, row.id, row.tries):
                self._record(tx, row, "executed", result=perform(tx, wanted, occasion))

        try:
            await self._storage.write(use_case)
        except Problem:
            raise
        except Exception as error:
            problem = problem_of(error)
            if problem is None or problem.status >= 500:  # noqa: PLR2004
                raise
            raise problem from error

    async def _send(self, row: Any) -> None:
        request = await self._request(row)
        self._egress = self._egress or self._open_egress()
        status = await self._egress.send(identified(request, str(row.id), _AGENT))

        def use_case(tx: Transaction) -> None:
            if lock_action(tx, row.id, row.tries):
                self._record(tx, row, "executed", result={"status": status})

        await self._storage.write(use_case)

    async def _request(self, row: Any) -> Request:
        target = UUID(row.action["block_document_id"])

        def query(tx: Transaction) -> tuple[dict[str, Any], str, dict[str, Any]]:
            slug, data = what_is_sent(tx, target, self._vault)
            return message_context(tx, row), slug, data

        try:
            context, slug, data = await self._storage.read(query)
        except CannotOpen as error:
            # Not for good: the key may be put back.
            raise Undelivered(str(error)) from None
        texts = await self._renderer.render(templates_of(row.action), context)
        action = put_back(row.action, texts, {})
        if action["type"] == "send-notification":
            return notification(slug, data, action["subject"], action["body"])
        payload = action.get("payload", "")
        text = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
        return webhook(slug, data, text)

    async def _put_off(self, row: Any, error: Exception) -> None:
        """Try again later, or not any more."""
        said = str(error) if isinstance(error, Undelivered) else f"{type(error).__name__}: {error}"
        if not isinstance(error, Undelivered):
            log.warning("the action %s of %r: %s", row.id, row.automation_name, said)
        if row.tries >= MOST_TRIES:
            await self._give_up(row, "dead", said)
            return
        delay = exponential(row.tries, first=self._backoff, most=_LONGEST_BACKOFF)

        def use_case(tx: Transaction) -> None:
            if lock_action(tx, row.id, row.tries):
                change_action(tx, row.id, {"due_at": tx.now + delay, "error": said[:2_000]})

        await self._storage.write(use_case)

    async def _give_up(self, row: Any, status: str, why: str) -> None:
        def use_case(tx: Transaction) -> None:
            if lock_action(tx, row.id, row.tries):
                self._record(tx, row, status, error=why[:2_000])

        await self._storage.write(use_case)

    def _record(self, tx: Transaction, row: Any, status: str, **more: Any) -> None:
        change_action(tx, row.id, {"status": status, "due_at": None, "error": None, **more})
        what = "action.executed" if status == "executed" else "action.failed"
        payload = {
            "firing_id": str(row.firing_id),
            "action_id": str(row.id),
            "action_index": row.number,
            "action_type": row.action["type"],
            "status": status,
            "tries": row.tries,
            **more,
        }
        acting = Acting(
            id=row.automation_id, name=row.automation_name, depth=row.depth, about=row.event
        )
        told = automation_event(tx, self._policy.new_id(), what, acting, payload)
        insert_events(tx, [told])
        tx.wake(EVENTS)
