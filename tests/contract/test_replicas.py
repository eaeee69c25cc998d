"""Two control planes on one Postgres: what one commits wakes those who wait at the other."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.contract.pools import POLICY, ask, make_pool, schedule
from tests.postgres import create_database

from runwright.api.executions import SyncRequest
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import migrations
from runwright.storage.engine import open_storage

_LISTENERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
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
