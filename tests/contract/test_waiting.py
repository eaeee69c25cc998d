"""Why a run is not running, beside what a claim really does, on both databases."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update
from tests.contract.pools import POLICY, ask, make_pool, schedule
from tests.contract.test_limits_and_pauses import another_deployment, another_queue

from runwright.core.waiting import why_not_running
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import tables
from runwright.storage.waiting import read_waiting

WORKER = uuid4()


async def why(storage, run_id):
    facts = await storage.read(lambda tx: read_waiting(tx, run_id))
    return why_not_running(facts)


async def codes(storage, run_id):
    return [reason.code for reason in await why(storage, run_id)]


async def claim(desk, free=1, worker=WORKER, **more):
    answer = await desk.sync("p", worker, ask(free=free, **{"limit": free, **more}))
    return [each.spec.flow_run_id for each in answer.claimed]


async def change(storage, table, **values):
    await storage.write(lambda tx: tx.execute(update(table).values(**values)))


async def one_waits(storage):
    """A pool with an online worker, and a run that waits."""
    flow, deployment = await storage.write(make_pool)
    desk = WorkDesk(storage, POLICY)
    await claim(desk, free=0, limit=1)
    (run,) = await schedule(storage, flow, deployment)
    return desk, run


_CAUSES = {
    "work_pool_paused": (tables.work_pool, {"is_paused": True}, {"is_paused": False}),
    "work_queue_paused": (tables.work_queue, {"is_paused": True}, {"is_paused": False}),
    "deployment_paused": (tables.deployment, {"paused": True}, {"paused": False}),
    "work_pool_limit": (
        tables.work_pool,
        {"concurrency_limit": 0},
        {"concurrency_limit": 1},
    ),
    "work_queue_limit": (
        tables.work_queue,
        {"concurrency_limit": 0},
        {"concurrency_limit": 1},
    ),
    "deployment_limit": (
        tables.deployment,
        {"concurrency_limit": 0},
        {"concurrency_limit": 1},
    ),
}


@pytest.mark.parametrize("code", _CAUSES)
def test_what_is_named_keeps_a_claim_from_it_and_without_it_the_claim_takes_it(on_storage, code):
    table, cause, cure = _CAUSES[code]

    async def body(storage):
        desk, run = await one_waits(storage)
        assert await codes(storage, run) == ["about_to_start"]

        await change(storage, table, **cause)
        (reason,) = await why(storage, run)
        assert (reason.code, reason.about.kind) == (code, code.rpartition("_")[0])
        assert await claim(desk) == []

        await change(storage, table, **cure)
        assert await codes(storage, run) == ["about_to_start"]
        assert await claim(desk) == [run]
        assert await codes(storage, run) == ["starting"]

    on_storage(body)


def test_a_run_that_is_not_due_is_not_taken(on_storage):
    async def body(storage):
        desk, run = await one_waits(storage)
        later = await storage.read(lambda tx: tx.now + timedelta(hours=1))
        await change(storage, tables.flow_run, due_at=later)
        await change(storage, tables.work_pool, is_paused=True)
        first, second = await why(storage, run)
        assert (first.code, first.until, second.code) == ("not_due", later, "work_pool_paused")

        await change(storage, tables.work_pool, is_paused=False)
        assert await claim(desk) == []
        await change(storage, tables.flow_run, state_name="AwaitingRetry")
        assert await codes(storage, run) == ["retry_delay"]

    on_storage(body)


def test_nobody_online_or_nobody_for_its_queue(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        await storage.write(lambda tx: another_queue(tx, priority=2))
        (run,) = await schedule(storage, flow, deployment)
        (reason,) = await why(storage, run)
        assert reason.code == "no_worker_online"
        assert reason.command == "runwright worker start --pool p"
        assert reason.last_heard_at is None

        desk = WorkDesk(storage, POLICY)
        assert await claim(desk, queues=["urgent"]) == []
        assert await codes(storage, run) == ["no_worker_for_queue"]
        await claim(desk, stopping=True)
        (reason,) = await why(storage, run)
        assert (reason.code, reason.last_heard_at is None) == ("no_worker_online", False)

    on_storage(body)


def test_a_full_limit_says_who_has_the_slots(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        desk = WorkDesk(storage, POLICY)
        await change(storage, tables.deployment, concurrency_limit=2)
        runs = await schedule(storage, flow, deployment, 3)
        claimed = await claim(desk, free=5)
        (waiting,) = set(runs) - set(claimed)
        (reason,) = await why(storage, waiting)
        assert (reason.code, reason.holder_count) == ("deployment_limit", 2)
        assert {each.id for each in reason.holders} == set(claimed)
        assert reason.about.name == "f/d"

    on_storage(body)


def test_workers_at_their_limit_and_then_the_runs_that_go_first(on_storage):
    async def body(storage):
        desk, first = await one_waits(storage)
        flow, deployment = await storage.read(_flow_and_deployment)
        urgent_queue = await storage.write(lambda tx: another_queue(tx, priority=1))
        await change(storage, tables.work_queue, priority=5)
        await storage.write(lambda tx: _priority(tx, urgent_queue, 1))
        urgent = await storage.write(
            lambda tx: another_deployment(tx, flow, deployment, work_queue_id=urgent_queue)
        )
        (goes_first,) = await schedule(storage, flow, urgent)
        (reason,) = await why(storage, first)
        assert (reason.code, reason.ahead_count) == ("runs_ahead", 1)
        assert reason.text == "1 run goes first, 1 of them from queues of higher priority."
        assert await codes(storage, goes_first) == ["about_to_start"]

        assert await claim(desk) == [goes_first]
        assert await codes(storage, first) == ["workers_full"]

        assert await claim(desk, worker=uuid4()) == [first]

    on_storage(body)


def test_what_goes_first_but_finds_no_slot_does_not_count(on_storage):
    async def body(storage):
        flow, full = await storage.write(make_pool)
        desk = WorkDesk(storage, POLICY)
        await schedule(storage, flow, full, 3)
        await change(storage, tables.deployment, concurrency_limit=1)
        other = await storage.write(lambda tx: another_deployment(tx, flow, full))
        assert len(await claim(desk, free=1)) == 1
        (run,) = await schedule(storage, flow, other)
        worker = uuid4()
        await claim(desk, free=0, limit=1, worker=worker)
        assert await codes(storage, run) == ["about_to_start"]
        assert await claim(desk, worker=worker) == [run]

    on_storage(body)


def test_a_run_without_a_pool_is_started_by_who_serves_it(on_storage):
    async def body(storage):
        _, run = await one_waits(storage)
        await change(storage, tables.flow_run, work_pool_id=None, work_queue_id=None)
        assert await codes(storage, run) == ["no_work_pool"]
        await change(storage, tables.flow_run, state_type="COMPLETED", state_name="Completed")
        assert await codes(storage, run) == ["not_waiting"]
        await change(storage, tables.flow_run, state_type="PAUSED", state_name="Suspended")
        assert await codes(storage, run) == ["run_paused"]

    on_storage(body)


def _flow_and_deployment(tx):
    row = tx.execute(tables.deployment.select()).first()
    return row.flow_id, row.id


def _priority(tx, queue_id, priority):
    mine = tables.work_queue.c.id == queue_id
    tx.execute(update(tables.work_queue).where(mine).values(priority=priority))
