"""What becomes of connections that are shared by everybody: after errors, cuts and migrations."""

import asyncio
from collections import Counter
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, func, select, text
from tests.contract.pools import make_pool, schedule
from tests.postgres import create_database

from runwright.storage import migrations
from runwright.storage.engine import open_storage
from runwright.storage.errors import StorageLost, StorageUnavailable
from runwright.storage.runs import flow_named, lock_run
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow

_LEFT_OPEN = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
)
#: More than the pool has connections.
_MANY = 30


@pytest.fixture
def on_postgres(postgres):
    """Runs a test body with a storage on a database of its own."""
    database_url = create_database(postgres)
    migrations.upgrade(database_url)

    def run(body):
        async def go():
            storage = open_storage(database_url)
            await storage.start()
            try:
                async with asyncio.timeout(30):
                    await body(storage)
            finally:
                await storage.stop()

        asyncio.run(go())

    return run


def _one(tx):
    return tx.execute(select(1)).scalar()


async def all_connections_are_clean(storage):
    """Every one of them takes a write, and none is inside of somebody's transaction."""
    names = [uuid4().hex for _ in range(_MANY)]

    def keep(name):
        return storage.write(lambda tx: flow_named(tx, name, uuid4()))

    assert len(set(await asyncio.gather(*map(keep, names)))) == _MANY
    assert await storage.read(lambda tx: tx.execute(_LEFT_OPEN).scalar()) == 0


def test_after_a_wait_for_a_lock_it_is_as_late_as_it_is(on_postgres):
    async def body(storage):
        made = await storage.write(make_pool)
        (run_id,) = await schedule(storage, *made)
        locked = asyncio.Event()

        def hold(tx):
            lock_run(tx, run_id)
            locked.set()
            tx.execute(text("SELECT pg_sleep(0.3)"))
            return tx.execute(select(func.clock_timestamp())).scalar()

        def wait(tx):
            lock_run(tx, run_id)
            return tx.now

        holding = asyncio.create_task(storage.write(hold))
        await locked.wait()
        begun = await storage.write(wait)
        assert begun >= await holding

    on_postgres(body)


def test_a_deadlock_is_solved_without_anybody_hearing_of_it(on_postgres):
    async def body(storage):
        made = await storage.write(make_pool)
        runs = await schedule(storage, *made, 2)
        tries, holding = Counter(), set()

        def cross(name, first, second):
            def use_case(tx):
                tries[name] += 1
                tx.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
                lock_run(tx, first)
                holding.add(name)
                while len(holding) < 2:
                    tx.execute(text("SELECT pg_sleep(0.01)"))
                lock_run(tx, second)
                return flow_named(tx, name, uuid4())

            return storage.write(use_case)

        made = await asyncio.gather(cross("one way", *runs), cross("the other", *reversed(runs)))
        assert sorted(tries.values()) == [1, 2]
        kept = select(flow.c.id).where(flow.c.name.in_(list(tries)))
        assert set(await storage.read(lambda tx: tx.execute(kept).scalars())) == set(made)

    on_postgres(body)


def test_what_raises_leaves_nothing_and_a_clean_connection(on_postgres):
    async def body(storage):
        def fail(tx):
            flow_named(tx, "not kept", uuid4())
            raise ValueError("of the use case")

        for _ in range(_MANY):
            with pytest.raises(ValueError, match="of the use case"):
                await storage.write(fail)
        await all_connections_are_clean(storage)
        kept = select(func.count()).where(flow.c.name == "not kept")
        assert await storage.read(lambda tx: tx.execute(kept).scalar()) == 0

    on_postgres(body)


def test_connections_that_broke_are_not_given_out_again(on_postgres):
    async def body(storage):
        broken = text("SELECT pg_terminate_backend(pg_backend_pid())")
        ways = (storage.write, storage.read, storage.glance)
        for number in range(_MANY):
            with pytest.raises(StorageUnavailable):
                await ways[number % len(ways)](lambda tx: tx.execute(broken))
        await all_connections_are_clean(storage)

    on_postgres(body)


def test_who_gives_up_in_the_middle_leaves_a_clean_connection(on_postgres):
    async def body(storage):
        def dawdle(tx):
            flow_named(tx, "not kept", uuid4())
            tx.execute(text("SELECT pg_sleep(10)"))

        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await storage.write(dawdle)
        await all_connections_are_clean(storage)

    on_postgres(body)


def test_a_value_that_cannot_be_sent_leaves_a_clean_connection(on_postgres):
    async def body(storage):
        wanted = Prepared(select(flow.c.id).limit(bindparam("most", type_=Integer)))

        def ask(tx):
            return tx.execute(wanted, {"most": 2**31})

        for way in (storage.glance, storage.write, storage.read):
            for _ in range(_MANY):
                with pytest.raises(asyncpg.DataError):
                    await way(ask)
            await asyncio.gather(*(storage.read(_one) for _ in range(_MANY)))
        await all_connections_are_clean(storage)

    on_postgres(body)


def test_a_table_may_change_under_prepared_statements(on_postgres):
    async def body(storage):
        names = Prepared(select(flow.c.name))

        def everywhere(way):
            return asyncio.gather(
                *(way(lambda tx: len(tx.execute(names).all())) for _ in range(_MANY))
            )

        await everywhere(storage.write)
        change = text("ALTER TABLE flow ALTER COLUMN name TYPE varchar(200)")
        await storage.write(lambda tx: tx.execute(change))
        assert await everywhere(storage.write) == [0] * _MANY
        back = text("ALTER TABLE flow ALTER COLUMN name TYPE text")
        await storage.write(lambda tx: tx.execute(back))
        assert await everywhere(storage.read) == [0] * _MANY
        assert await everywhere(storage.glance) == [0] * _MANY

    on_postgres(body)


def test_a_database_that_is_made_anew_is_not_the_one_that_was(postgres, caplog):
    database_url = create_database(postgres)
    migrations.upgrade(database_url)
    name = database_url.partition("/t")[2].partition("?")[0]

    async def anew():
        connection = await asyncpg.connect(database_url.replace(f"/t{name}?", "/postgres?"))
        await connection.execute(f'DROP DATABASE "t{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "t{name}"')
        await connection.close()

    async def refused(storage):
        for way in (storage.write, storage.read, storage.glance):
            for _ in range(3):
                with pytest.raises((StorageLost, StorageUnavailable)):
                    await way(lambda tx: flow_named(tx, "f", uuid4()))
            with pytest.raises(StorageLost, match="dropped, emptied or replaced"):
                await way(lambda tx: flow_named(tx, "f", uuid4()))

    async def go():
        storage = open_storage(database_url)
        await storage.start()
        try:
            async with asyncio.timeout(60):
                await storage.write(lambda tx: flow_named(tx, "f", uuid4()))
                await storage.read(_one)
                await anew()
                await refused(storage)  # empty
                await asyncio.to_thread(migrations.upgrade, database_url)
                await refused(storage)  # another one, of the same schema
        finally:
            await storage.stop()

    asyncio.run(go())
    assert len([each for each in caplog.records if "was dropped" in each.message]) == 1
