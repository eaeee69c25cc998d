"""Events are judged once each, in any number of replicas, however late their rows are committed."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from tests.postgres import create_database

from runwright.api.automations import AutomationCreate, DoNothing
from runwright.api.events import Event
from runwright.clock import SystemClock, new_id
from runwright.server.egress import Egress
from runwright.server.policy import Policy
from runwright.server.services.dispatcher import MOST_HOLDERS, Dispatcher
from runwright.server.services.evaluator import Evaluator
from runwright.server.use_cases import judge_events
from runwright.server.use_cases.save_automation import automation_values
from runwright.server.vault import Vault
from runwright.storage import migrations
from runwright.storage.automations import add_automation
from runwright.storage.engine import open_storage
from runwright.storage.event_queue import unjudged
from runwright.storage.events import insert_events
from runwright.storage.firings import take_actions
from runwright.storage.postgres_connection import connection_of
from runwright.storage.tables import automation_action, automation_firing

LEASE = timedelta(seconds=30)


def event(name="happened"):
    now = SystemClock().now()
    return Event(id=uuid4(), occurred=now, event=name, resource={"prefect.resource.id": "r"})


def make(tx, **trigger):
    wanted = AutomationCreate(
        name="a",
        trigger={"posture": "Reactive", "expect": ["happened"], **trigger},
        actions=[DoNothing()],
    )
    values = automation_values(wanted, new_id)
    add_automation(tx, new_id(), values | {"owner_resource": None})


def fired(tx):
    """The events that have led to something, sorted."""
    return sorted(row["id"] for row in tx.execute(select(automation_firing.c.event)).scalars())


def dispatcher(storage, lease=LEASE):
    policy = Policy(new_id=new_id)
    vault = Vault(Path("/nonexistent"))

    def open_egress():
        return Egress([], timeout=1)

    return Dispatcher(storage, policy, vault, open_egress, lease=lease, backoff=LEASE)


@pytest.fixture
def on_postgres(postgres):
    """Runs a test body with three storages on one database."""
    database_url = create_database(postgres)
    migrations.upgrade(database_url)

    def run(body):
        async def go():
            replicas = [open_storage(database_url) for _ in range(3)]
            for each in replicas:
                await each.start()
            try:
                async with asyncio.timeout(60):
                    await body(*replicas)
            finally:
                for each in replicas:
                    await each.stop()

        asyncio.run(go())

    return run


def test_a_row_that_is_committed_late_is_judged_all_the_same(on_postgres):
    """Its position is lower than that of what was judged meanwhile."""

    async def body(one, two, three):
        await one.write(make)
        early, late = event(), event()
        evaluator = Evaluator(two, new_id)
        async with (
            connection_of(three._engine) as connection,
            connection.transaction("BEGIN"),
        ):
            await connection.run(lambda tx: insert_events(tx, [early]), set())
            await one.write(lambda tx: insert_events(tx, [late]))
            assert await evaluator.one_pass() == 1
        await evaluator.one_pass()
        assert await one.read(fired) == sorted([str(early.id), str(late.id)])

    on_postgres(body)


def test_three_replicas_fire_and_perform_once_for_each_event(on_postgres):
    async def body(*replicas):
        await replicas[0].write(make)
        told = [event() for _ in range(240)]
        is_over = asyncio.Event()

        async def tell(storage, mine):
            for number in range(0, len(mine), 4):
                some = mine[number : number + 4]
                await storage.write(lambda tx, some=some: insert_events(tx, some))
                # The same again, as a client does that had no answer.
                await storage.write(lambda tx, some=some: insert_events(tx, some))

        async def act(storage):
            evaluator, performs = Evaluator(storage, new_id), dispatcher(storage)
            while True:
                is_last = is_over.is_set()
                await evaluator.one_pass()
                await performs.one_pass()
                if is_last:
                    return
                await asyncio.sleep(0)

        acting = [asyncio.create_task(act(each)) for each in replicas]
        await asyncio.gather(*(tell(each, told[n::3]) for n, each in enumerate(replicas)))
        is_over.set()
        await asyncio.gather(*acting)
        assert await replicas[0].read(fired) == sorted(str(each.id) for each in told)
        actions = select(automation_action.c.status, automation_action.c.tries, func.count())
        grouped = actions.group_by(automation_action.c.status, automation_action.c.tries)
        found = await replicas[0].read(lambda tx: tx.execute(grouped).all())
        assert [tuple(row) for row in found] == [("executed", 1, len(told))]

    on_postgres(body)


def test_an_event_that_cannot_be_judged_is_left_aside_and_the_others_go_on(on_storage, monkeypatch):
    usual = judge_events.judge_event

    def judge(trigger, happened, at, memories):
        if happened.id == poison.id:
            raise RecursionError("it goes too deep")
        return usual(trigger, happened, at, memories)

    poison, others = event(), [event() for _ in range(3)]
    monkeypatch.setattr(judge_events, "judge_event", judge)

    async def body(storage):
        evaluator = Evaluator(storage, new_id)
        await storage.write(make)
        await storage.write(lambda tx: insert_events(tx, [others[0], poison, *others[1:]]))
        for _ in range(7):
            await evaluator.one_pass()
        assert await storage.read(fired) == sorted(str(each.id) for each in others)
        (left,) = await storage.read(lambda tx: unjudged(tx, 10))
        assert left == (poison.id, "RecursionError: it goes too deep")
        assert await evaluator.one_pass() == 0

    on_storage(body)


def test_an_action_whose_holders_die_is_given_up(on_storage):
    async def body(storage):
        await storage.write(make)
        await storage.write(lambda tx: insert_events(tx, [event()]))
        await Evaluator(storage, new_id).one_pass()

        def take(tx):  # and die: the lease lapses at once
            return take_actions(tx, 5, tx.now, [])

        for _ in range(MOST_HOLDERS):
            assert len(await storage.write(take)) == 1
        await dispatcher(storage).one_pass()
        (found,) = await storage.read(lambda tx: tx.execute(select(automation_action)).all())
        assert (found.status, found.due_at) == ("dead", None)
        assert "did not live" in found.error

    on_storage(body)


def test_an_action_that_takes_longer_than_its_lease_is_held(on_storage, monkeypatch):
    """Nobody else takes it, though it waits for others before it."""

    async def body(storage):
        await storage.write(make)
        await storage.write(lambda tx: insert_events(tx, [event()]))
        await Evaluator(storage, new_id).one_pass()
        lease = timedelta(seconds=0.6)
        slow, other = dispatcher(storage, lease), dispatcher(storage, lease)
        may_end, is_begun = asyncio.Event(), asyncio.Event()
        usual = slow._perform

        async def perform(row):
            is_begun.set()
            await may_end.wait()
            await usual(row)

        monkeypatch.setattr(slow, "_perform", perform)
        trying = asyncio.create_task(slow.one_pass())
        await is_begun.wait()
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < 2 * lease.total_seconds():
            assert await other.one_pass() == 0
            await asyncio.sleep(0)
        may_end.set()
        assert await trying == 1
        (found,) = await storage.read(lambda tx: tx.execute(select(automation_action)).all())
        assert (found.status, found.tries) == ("executed", 1)

    on_storage(body)


def test_a_trigger_that_cannot_be_read_stops_no_other(on_storage, caplog):
    async def body(storage):
        def broken(tx):
            wanted = AutomationCreate(name="b", trigger={"posture": "Reactive"}, actions=[])
            values = automation_values(wanted, new_id) | {"trigger": {"type": "of the future"}}
            add_automation(tx, new_id(), values | {"owner_resource": None})

        await storage.write(make)
        await storage.write(broken)
        await storage.write(lambda tx: insert_events(tx, [event()]))
        assert await Evaluator(storage, new_id).one_pass() == 1
        assert len(await storage.read(fired)) == 1

    on_storage(body)
    assert "cannot be read" in caplog.text
