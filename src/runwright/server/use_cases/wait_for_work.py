"""The long poll of workers. Parked polls of a pool are served by one dispatcher, one after another:
a run that becomes due causes one claim, not one for every worker that waits.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from runwright.api.executions import ClaimedRun, ExecutionRef, SyncAnswer, SyncRequest
from runwright.server.keys import LOCAL_ADMIN, Principal
from runwright.server.policy import Policy
from runwright.server.use_cases.claim_runs import claim_runs
from runwright.server.use_cases.sync_worker import Greeting, greet_worker, orders
from runwright.storage.claims import has_due_run, seconds_to_next_due
from runwright.storage.engine import Storage, Transaction
from runwright.storage.host_readings import keep_reading


class Asker(Protocol):
    """Who asks for work. A key may be revoked while its worker waits."""

    @property
    def principal(self) -> Principal:
        """Whose pools these are."""
        ...

    @property
    def topics(self) -> list[str]:
        """What is woken when it may be."""
        ...

    async def check(self, *, at_most_s: float) -> None:
        """Raises the refusal where it is not good any more, as far as known so long ago."""
        ...


class Unrevoked:
    """Whom nobody revokes, as the user of this machine."""

    topics: list[str] = []  # noqa: RUF012  # of nobody, and never changed

    def __init__(self, principal: Principal = LOCAL_ADMIN) -> None:
        self.principal = principal

    async def check(self, *, at_most_s: float) -> None:
        """Says nothing."""
        del at_most_s


_THIS_MACHINE = Unrevoked()
_MOST_WAIT_S = 10.0
#: How often a poll looks without having been woken: notices between replicas may be lost.
_LOOK_AGAIN_S = 1.0
#: How old may be what is known of a waiting worker's key: with the look above less than 5 s.
_BELIEVED_S = 3.5
#: How often it is kept how a worker's machine does. Seconds.
_READ_EVERY_S = 9.0
#: Claims that take less than a millisecond or two together.
_FEW = 4
#: Workers of which it is remembered what they were told.
_MOST_REMEMBERED = 10_000
#: Executions that are looked at in about a millisecond.
_FEW_HELD = 40


class _Parked(NamedTuple):
    """A poll that waits. `gone` is set when nobody needs its answer any more."""

    gone: asyncio.Event
    key_id: UUID | None
    pool_name: str


class WorkDesk:
    """Where workers wait for work. One for each replica."""

    def __init__(self, storage: Storage, policy: Policy) -> None:
        self._storage = storage
        self._policy = policy
        self._turns: dict[UUID, asyncio.Lock] = {}
        self._waiting: dict[UUID, _Parked] = {}
        self._told: dict[UUID, set[UUID]] = {}
        #: Worker -> when a reading of its machine was last kept.
        self._read_at: dict[UUID, float] = {}

    async def sync(
        self,
        pool_name: str,
        instance_id: UUID,
        request: SyncRequest,
        hung_up: asyncio.Event | None = None,
        *,
        asker: Asker = _THIS_MACHINE,
    ) -> SyncAnswer:
        """Answer when there is work or an order, else after the wait that was asked for.

        `hung_up` is set by `hang_up` when nobody listens any more: what is claimed then would
        wait for a worker that is dead. `asker` is checked before every look for work.

        Raises:
            Missing: there is no such pool.
            Denied: the instance is that of another key or pool, and nothing of it has changed; or
                the key is not good any more.
            TooManyWorkers: the key has no room for another instance.
            StorageError: the database does not answer.
        """
        superseded = hung_up or asyncio.Event()
        principal = asker.principal
        parked = _Parked(superseded, principal.key_id, pool_name)
        self._supersede(instance_id, parked)
        is_small = len(request.executions) <= _FEW_HELD
        greet = self._storage.jot if is_small else self._storage.write
        is_due = self._is_reading_due(instance_id)

        def use_case(tx: Transaction) -> Greeting:
            told = greet_worker(tx, pool_name, instance_id, request, self._policy, asker=principal)
            if is_due and request.host is not None:
                id_ = self._policy.new_id()
                keep_reading(tx, id_, instance_id, request.host, request.usage)
            return told

        greeting = await greet(use_case)
        # From here on it is known that the asker is this worker.
        self._note_reading(instance_id, is_due=is_due)
        self._supersede(instance_id, parked)
        self._waiting[instance_id] = parked
        try:
            claimed = list(greeting.claimed)
            if not claimed and not self._is_news(instance_id, greeting.cancel, greeting.lost):
                return await self._wait(greeting, instance_id, request, superseded, asker)
            claimed += await self._claim(greeting, instance_id, request, len(claimed))
            return _answer(greeting, claimed, greeting.cancel, greeting.lost)
        finally:
            if self._waiting.get(instance_id) is parked:
                del self._waiting[instance_id]

    def hang_up(self, instance_id: UUID, hung_up: asyncio.Event) -> None:
        """End a poll whose connection is gone, before it claims anything more."""
        hung_up.set()
        self._storage.waker.wake([f"worker:{instance_id}"])

    async def _wait(
        self,
        greeting: Greeting,
        instance_id: UUID,
        request: SyncRequest,
        superseded: asyncio.Event,
        asker: Asker,
    ) -> SyncAnswer:
        loop = asyncio.get_running_loop()
        until = loop.time() + min(request.wait_ms / 1000, _MOST_WAIT_S)
        topics = [f"worker:{instance_id}", *asker.topics]
        if request.free > 0:  # who can take nothing is not woken by what the pool has
            topics.append(f"pool:{greeting.pool_id}")
        cancel, lost = greeting.cancel, greeting.lost
        is_small = len(request.executions) <= _FEW_HELD
        with self._storage.waker.watch(topics) as watch:
            while True:
                claimed = await self._claim(greeting, instance_id, request, 0)
                left = until - loop.time()
                stopping = self._storage.waker.is_closed or superseded.is_set()
                if claimed or left <= 0 or stopping or request.stopping:
                    return _answer(greeting, claimed, cancel, lost)
                await watch.wait(min(left, await self._patience(greeting.pool_id, request)))
                if self._storage.waker.is_closed or superseded.is_set():
                    return _answer(greeting, [], cancel, lost)
                await asker.check(at_most_s=_BELIEVED_S)
                if request.executions:
                    look = self._storage.glance if is_small else self._storage.read
                    cancel, lost = await look(lambda tx: orders(tx, request.executions))
                    if self._is_news(instance_id, cancel, lost):
                        return _answer(greeting, [], cancel, lost)

    async def _claim(
        self, greeting: Greeting, instance_id: UUID, request: SyncRequest, taken: int
    ) -> list[ClaimedRun]:
        if request.stopping or request.free - taken <= 0:
            return []
        turn = self._turns.setdefault(greeting.pool_id, asyncio.Lock())
        async with turn:
            if not await self._storage.glance(lambda tx: has_due_run(tx, greeting.pool_id)):
                return []
            claim = self._storage.jot if request.free - taken <= _FEW else self._storage.write
            return await claim(
                lambda tx: claim_runs(tx, greeting.pool_id, instance_id, request, self._policy)
            )

    async def _patience(self, pool_id: UUID, request: SyncRequest) -> float:
        if request.free <= 0:
            return _LOOK_AGAIN_S
        due = await self._storage.glance(lambda tx: seconds_to_next_due(tx, pool_id))
        return _LOOK_AGAIN_S if due is None else min(_LOOK_AGAIN_S, max(due, 0.001))

    def _is_reading_due(self, instance_id: UUID) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self._read_at.get(instance_id, float("-inf")) >= _READ_EVERY_S

    def _note_reading(self, instance_id: UUID, *, is_due: bool) -> None:
        if not is_due:
            return
        now = asyncio.get_running_loop().time()
        if instance_id not in self._read_at:  # those that have gone need not be remembered
            self._read_at = {
                worker: at for worker, at in self._read_at.items() if now - at < _READ_EVERY_S
            }
        self._read_at[instance_id] = now

    def _supersede(self, instance_id: UUID, newer: _Parked) -> None:
        """End the poll of the same worker that still waits: its connection is dead."""
        older = self._waiting.get(instance_id)
        if older is not None and older[1:] == newer[1:]:
            older.gone.set()
            self._storage.waker.wake([f"worker:{instance_id}"])

    def _is_news(
        self, instance_id: UUID, cancel: Sequence[ExecutionRef], lost: Sequence[ExecutionRef]
    ) -> bool:
        """Whether the worker has not been told this yet: the rest can wait for its next beat."""
        now = {each.execution_id for each in (*cancel, *lost)}
        news = now - self._told.get(instance_id, set())
        if now:
            if len(self._told) >= _MOST_REMEMBERED:
                self._told.clear()  # whoever holds something is told again
            self._told[instance_id] = now
        else:
            self._told.pop(instance_id, None)
        return bool(news)


def _answer(
    greeting: Greeting,
    claimed: list[ClaimedRun],
    cancel: list[ExecutionRef],
    lost: list[ExecutionRef],
) -> SyncAnswer:
    return SyncAnswer(
        claimed=claimed,
        cancel=cancel,
        lost=lost,
        pool_is_paused=greeting.is_paused,
        unknown_queues=greeting.unknown_queues,
    )
