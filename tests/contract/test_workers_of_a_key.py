"""A key has so many rows of workers and no more, on both databases."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from tests.contract.pools import POLICY, ask, make_pool

from runwright.api.workers import WorkerHeartbeat
from runwright.server.keys import Principal
from runwright.server.use_cases.hear_of_worker import hear_of_named_worker
from runwright.server.use_cases.wait_for_work import Unrevoked, WorkDesk
from runwright.storage import tables, workers
from runwright.storage.workers import TooManyWorkers

_w = tables.worker.c


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(workers, "MOST_OF_A_KEY", 10)


def test_the_oldest_offline_workers_of_a_key_make_room_and_living_ones_do_not(on_storage):
    async def body(storage):
        await storage.write(make_pool)
        desk = WorkDesk(storage, POLICY)
        key = Principal(name="k", kind="user", scopes=frozenset(), key_id=uuid4())
        other = Principal(name="o", kind="user", scopes=frozenset(), key_id=uuid4())
        await desk.sync("p", uuid4(), ask(free=0), asker=Unrevoked(other))
        ids = [uuid4() for _ in range(10)]
        for each in ids:
            await desk.sync("p", each, ask(free=0), asker=Unrevoked(key))
        with pytest.raises(TooManyWorkers, match="another key"):
            await desk.sync("p", uuid4(), ask(free=0), asker=Unrevoked(key))
        assert await _count(storage) == 11
        # Those that are there go on.
        await desk.sync("p", ids[9], ask(free=0), asker=Unrevoked(key))

        long_ago = timedelta(hours=1)
        await storage.write(
            lambda tx: tx.execute(
                update(tables.worker)
                .where(_w.id.in_(ids[:3]))
                .values(last_heartbeat_time=tx.now - long_ago)
            )
        )
        await desk.sync("p", uuid4(), ask(free=0), asker=Unrevoked(key))
        left = await storage.read(lambda tx: set(tx.execute(select(_w.id)).scalars()))
        assert len(left & set(ids[:3])) == 2
        assert left >= set(ids[3:])

    on_storage(body)


def test_names_that_send_heartbeats_count_as_well(on_storage):
    async def body(storage):
        await storage.write(make_pool)
        pool = await storage.read(lambda tx: tx.execute(select(tables.work_pool.c.id)).scalar())
        key_id = uuid4()

        async def beat(name):
            heard = WorkerHeartbeat(name=name)
            await storage.write(
                lambda tx: hear_of_named_worker(tx, pool, heard, POLICY, key_id=key_id)
            )

        for number in range(10):
            await beat(f"w-{number}")
        await beat("w-0")
        with pytest.raises(TooManyWorkers):
            await beat("one more")
        assert await _count(storage) == 10

    on_storage(body)


async def _count(storage):
    return await storage.read(
        lambda tx: tx.execute(select(func.count()).select_from(tables.worker)).scalar()
    )
