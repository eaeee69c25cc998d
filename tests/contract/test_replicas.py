"""Two control planes on one Postgres: what one commits wakes those who wait at the other."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.contract.pools import POLICY, ask, make_pool, schedule
from tests.postgres import create_database

from runwright.api.executions import SyncRequest
from runwright.api.work_pools import WorkPoolUpdate
from runwright.api.work_queues import WorkQueueUpdate
from runwright.core.states import StateType
from runwright.server.use_cases import claim_runs as claiming
from runwright.server.use_cases.save_deployment import pause_deployment
from runwright.server.use_cases.save_pool import change_pool, change_queue
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import migrations
from runwright.storage.engine import open_storage
from runwright.storage.runs import read_run
from runwright.storage.work_pools import find_pool, find_queue

_LISTENERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
)
_SOMEBODY_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def on_replicas(postgres):
    """Runs a test body with two storages on one database."""
    database_url = create_database(postgres)
    migrations.upgrade(database_url)

    def run(body):
        async def go():
            replicas = open_storage(database_url), open_storage(database_url)
            for each in replicas:
                await each.start()
            try:
                async with asyncio.timeout(30):
                    await body(*replicas)
            finally:
                for each in replicas:
                    await each.stop()

        asyncio.run(go())

    return run


async def told(here, there):
    """Until a wake-up of one replica arrives at the other: the listener takes a moment."""
    topic = uuid4().hex
    with there.waker.watch([topic]) as watch:
        woken = False
        while not woken:
            await here.write(lambda tx: tx.wake(topic))
            woken = await watch.wait(0.2)


def test_a_poll_at_one_replica_is_woken_by_a_run_made_at_the_other(on_replicas):
    async def body(one, other):
        await told(one, other)
        flow, deployment = await one.write(make_pool)
        patient = SyncRequest(worker_name="w", free=1, wait_ms=10_000)
        parked = asyncio.create_task(WorkDesk(other, POLICY).sync("p", uuid4(), patient))
        await told(one, other)  # meanwhile it is parked
        (run_id,) = await schedule(one, flow, deployment)
        answer = await asyncio.wait_for(parked, 5)
        assert [each.spec.flow_run_id for each in answer.claimed] == [run_id]

    on_replicas(body)


def test_a_listener_that_was_cut_off_listens_again(on_replicas):
    async def body(one, other):
        await told(one, other)
        await one.write(lambda tx: tx.execute(_LISTENERS))
        await told(one, other)
        await told(other, one)

    on_replicas(body)


def test_two_replicas_hand_out_each_run_once(on_replicas):
    async def body(one, other):
        flow, deployment = await one.write(lambda tx: make_pool(tx, limit=6))
        await schedule(one, flow, deployment, 12)
        desks = [WorkDesk(each, POLICY) for each in (one, other) * 3]  # at one they take turns
        answers = await asyncio.gather(*(desk.sync("p", uuid4(), ask(free=4)) for desk in desks))
        claimed = [each.spec.flow_run_id for answer in answers for each in answer.claimed]
        assert len(claimed) == len(set(claimed)) == 6

    on_replicas(body)


def _pause_pool(tx, _deployment):
    change_pool(tx, "p", WorkPoolUpdate(is_paused=True))


def _pause_queue(tx, _deployment):
    change_queue(tx, find_queue(tx, "p", "default"), WorkQueueUpdate(is_paused=True))


class HeldClaim:
    """A worker's claim whose transaction stays open at a place until it is let go."""

    def __init__(self, storage):
        self.is_there = asyncio.Event()
        self._may_go_on = False
        self._storage = storage

    async def run(self, place):
        def use_case(tx):
            offered = claiming.offer

            def offer(*args):
                found = offered(*args)
                self._wait(tx)
                return found

            pool_id = find_pool(tx, "p").id
            with pytest.MonkeyPatch.context() as patch:
                if place == "after the offer":
                    patch.setattr(claiming, "offer", offer)
                claimed = claiming.claim_runs(tx, pool_id, uuid4(), ask(free=2), POLICY)
            if place == "before the commit":
                self._wait(tx)
            return claimed

        return await self._storage.write(use_case)

    def let_go(self):
        self._may_go_on = True

    def _wait(self, tx):
        self.is_there.set()
        while not self._may_go_on:
            tx.execute(text("SELECT pg_sleep(0.01)"))


@pytest.mark.parametrize("pause", [_pause_pool, _pause_queue, pause_deployment])
@pytest.mark.parametrize("place", ["after the offer", "before the commit"])
def test_after_a_pause_was_answered_nothing_is_handed_out(on_replicas, place, pause):
    async def body(one, other):
        flow, deployment = await one.write(make_pool)
        (run_id,) = await schedule(one, flow, deployment)
        claim = HeldClaim(one)
        claiming_ = asyncio.create_task(claim.run(place))
        await claim.is_there.wait()
        pausing = asyncio.create_task(other.write(lambda tx: pause(tx, deployment)))
        while not pausing.done() and not await other.read(  # noqa: ASYNC110
            lambda tx: tx.execute(_SOMEBODY_WAITS).scalar()
        ):
            await asyncio.sleep(0.01)
        is_answered = pausing.done()
        claim.let_go()
        claimed = [each.spec.flow_run_id for each in await claiming_]
        await pausing
        assert claimed == ([] if is_answered else [run_id])
        left = (await one.read(lambda tx: read_run(tx, run_id))).state_type
        assert left == (StateType.SCHEDULED if is_answered else StateType.PENDING)
        assert (await WorkDesk(one, POLICY).sync("p", uuid4(), ask())).claimed == []

    on_replicas(body)


def test_claims_do_not_wait_for_each_other(on_replicas):
    async def body(one, other):
        flow, deployment = await one.write(make_pool)
        await schedule(one, flow, deployment, 60)
        first = HeldClaim(one)
        claiming_ = asyncio.create_task(first.run("before the commit"))
        await first.is_there.wait()
        second = await WorkDesk(other, POLICY).sync("p", uuid4(), ask(free=2))
        assert len(second.claimed) == 2
        first.let_go()
        assert len(await claiming_) == 2

    on_replicas(body)
