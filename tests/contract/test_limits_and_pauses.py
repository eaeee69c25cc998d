"""What a pool hands out: limits, priorities and pauses, on both databases."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update
from tests.contract.pools import POLICY, ask, make_pool, schedule

from runwright.api.executions import ExitReport
from runwright.api.states import SetState, StateCreate
from runwright.core.states import StateType
from runwright.server.use_cases.end_execution import end_execution
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import tables


async def claim(desk, free=10, **more):
    answer = await desk.sync("p", uuid4(), ask(free=free, **more))
    return [each.spec for each in answer.claimed]


async def change(storage, table, **values):
    await storage.write(lambda tx: tx.execute(update(table).values(**values)))


def test_a_queue_never_passes_its_limit_and_gives_its_slots_back(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(lambda tx: make_pool(tx, queue_limit=3))
        await schedule(storage, flow, deployment, 8)
        desk = WorkDesk(storage, POLICY)
        answers = await asyncio.gather(*(claim(desk) for _ in range(4)))
        claimed = [spec for answer in answers for spec in answer]
        assert len(claimed) == 3

        spec = claimed[0]
        report = ExitReport(token=spec.token, execution_id=spec.execution_id, exit_code=1)
        await storage.write(lambda tx: end_execution(tx, spec.flow_run_id, report, POLICY))
        assert len(await claim(desk)) == 1

    on_storage(body)


def test_a_deployment_never_passes_its_limit_and_holds_nobody_else_up(on_storage):
    async def body(storage):
        flow, limited = await storage.write(make_pool)
        await change(storage, tables.deployment, concurrency_limit=2)
        other = await storage.write(lambda tx: another_deployment(tx, flow, limited))
        await schedule(storage, flow, limited, 30)
        await schedule(storage, flow, other, 2)
        desk = WorkDesk(storage, POLICY)
        claimed = await claim(desk)
        of = [spec.deployment_id for spec in claimed]
        assert of.count(limited) == 2
        assert of.count(other) == 2

    on_storage(body)


def test_a_deployment_that_wants_it_has_runs_without_a_slot_cancelled(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        options = {"collision_strategy": "CANCEL_NEW"}
        await change(storage, tables.deployment, concurrency_limit=1, concurrency_options=options)
        other = await storage.write(
            lambda tx: another_deployment(tx, flow, deployment, concurrency_options=options)
        )
        await schedule(storage, flow, deployment, 3)
        await schedule(storage, flow, other, 1)
        desk = WorkDesk(storage, POLICY)
        assert len(await claim(desk)) == 2
        assert await claim(desk) == []
        assert await states(storage, deployment) == ["Cancelled", "Cancelled", "Pending"]
        assert await states(storage, other) == ["Pending"]

    on_storage(body)


@pytest.mark.parametrize("owner", ["work_pool", "work_queue", "deployment"])
def test_clients_and_workers_together_never_pass_a_limit(on_storage, owner):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        await change(storage, getattr(tables, owner), concurrency_limit=3)
        runs = await schedule(storage, flow, deployment, 12)
        desk = WorkDesk(storage, POLICY)
        answers = await asyncio.gather(*(propose_claim(storage, run) for run in runs[:8]))
        workers = await asyncio.gather(*(claim(desk) for _ in range(2)))
        claimed = [each for each in answers if each.status == "ACCEPT"]
        assert len(claimed) + sum(map(len, workers)) == 3
        refused = {each.state.name for each in answers if each.status == "REJECT"}
        assert refused <= {"AwaitingConcurrencySlot"}
        assert len(claimed) == 3 or refused == set()

    on_storage(body)


def test_a_client_is_told_whose_limit_or_pause_holds_its_run(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        (run,) = await schedule(storage, flow, deployment)
        await change(storage, tables.work_pool, is_paused=True)
        paused = await propose_claim(storage, run)
        assert (paused.status, paused.state.name) == ("REJECT", "Scheduled")
        assert paused.details.reason == "It waits because the work pool 'p' is paused."
        await change(storage, tables.work_pool, is_paused=False)
        await change(storage, tables.deployment, paused=True)
        paused = await propose_claim(storage, run)
        assert (paused.status, paused.state.name) == ("REJECT", "Scheduled")
        assert paused.details.reason == "It waits because the deployment 'd' is paused."
        await change(storage, tables.deployment, paused=False)

        options = {"collision_strategy": "CANCEL_NEW"}
        await change(storage, tables.deployment, concurrency_limit=0, concurrency_options=options)
        refused = await propose_claim(storage, run)
        assert (refused.status, refused.state.name) == ("REJECT", "Cancelled")
        assert "limit of the deployment 'd' is reached" in refused.details.reason

    on_storage(body)


def test_polls_are_seen_at_the_queue(on_storage):
    async def body(storage):
        await storage.write(make_pool)
        await storage.write(lambda tx: another_queue(tx, priority=2))
        desk = WorkDesk(storage, POLICY)
        await claim(desk, queues=["urgent"])
        assert await polled(storage) == {"urgent"}
        await claim(desk)
        assert await polled(storage) == {"default", "urgent"}

    on_storage(body)


def test_a_lower_number_is_served_first_whatever_is_due_earlier(on_storage):
    async def body(storage):
        flow, slow = await storage.write(make_pool)
        await change(storage, tables.work_queue, priority=5)
        urgent_queue = await storage.write(lambda tx: another_queue(tx, priority=1))
        urgent = await storage.write(
            lambda tx: another_deployment(tx, flow, slow, work_queue_id=urgent_queue)
        )
        await schedule(storage, flow, slow, 2)
        await schedule(storage, flow, urgent, 2)
        desk = WorkDesk(storage, POLICY)
        assert [spec.deployment_id for spec in await claim(desk, free=2)] == [urgent, urgent]
        assert [spec.work_queue_name for spec in await claim(desk, queues=["urgent"])] == []
        assert len(await claim(desk, queues=["default"])) == 2

    on_storage(body)


def test_a_paused_queue_or_deployment_hands_out_nothing(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        await schedule(storage, flow, deployment)
        desk = WorkDesk(storage, POLICY)
        await change(storage, tables.work_queue, is_paused=True)
        assert await claim(desk) == []
        await change(storage, tables.work_queue, is_paused=False)
        await change(storage, tables.deployment, paused=True)
        assert await claim(desk) == []
        await change(storage, tables.deployment, paused=False)
        assert len(await claim(desk)) == 1

    on_storage(body)


def test_an_unknown_queue_is_named(on_storage):
    async def body(storage):
        await storage.write(make_pool)
        answer = await WorkDesk(storage, POLICY).sync("p", uuid4(), ask(queues=["default", "x"]))
        assert answer.unknown_queues == ["x"]

    on_storage(body)


def test_a_parked_poll_is_woken_by_a_new_run(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        desk = WorkDesk(storage, POLICY)
        request = ask()
        parked = asyncio.create_task(
            desk.sync("p", uuid4(), type(request)(worker_name="w", free=1, wait_ms=10_000))
        )
        await asyncio.sleep(0)
        (run_id,) = await schedule(storage, flow, deployment)
        answer = await asyncio.wait_for(parked, 5)
        assert [each.spec.flow_run_id for each in answer.claimed] == [run_id]

    on_storage(body)


def test_a_newer_poll_of_the_same_worker_ends_the_older(on_storage):
    async def body(storage):
        await storage.write(make_pool)
        desk, worker = WorkDesk(storage, POLICY), uuid4()
        request = ask()
        patient = type(request)(worker_name="w", free=1, wait_ms=10_000)
        older = asyncio.create_task(desk.sync("p", worker, patient))
        await asyncio.sleep(0)
        await desk.sync("p", worker, request)
        assert (await asyncio.wait_for(older, 5)).claimed == []

    on_storage(body)


async def propose_claim(storage, run_id):
    proposal = SetState(state=StateCreate(type=StateType.PENDING))
    return await storage.write(lambda tx: move_run(tx, run_id, proposal, POLICY))


async def states(storage, deployment_id):
    column = tables.flow_run.c.state_name
    mine = select(column).where(tables.flow_run.c.deployment_id == deployment_id)
    return sorted(await storage.read(lambda tx: list(tx.execute(mine).scalars())))


async def polled(storage):
    queue = tables.work_queue.c
    named = select(queue.name).where(queue.last_polled.is_not(None))
    return set(await storage.read(lambda tx: list(tx.execute(named).scalars())))


def another_queue(tx, *, priority):
    pool_id = tx.execute(tables.work_pool.select()).first().id
    queue_id = uuid4()
    row = {
        "id": queue_id,
        "created": tx.now,
        "updated": tx.now,
        "work_pool_id": pool_id,
        "name": "urgent",
        "is_paused": False,
        "priority": priority,
    }
    tx.execute(insert(tables.work_queue), row)
    return queue_id


def another_deployment(tx, flow_id, like_id, **changes):
    like = tx.execute(tables.deployment.select().where(tables.deployment.c.id == like_id)).first()
    row = {**like._asdict(), "id": uuid4(), "name": "other", "concurrency_limit": None, **changes}
    tx.execute(insert(tables.deployment), row)
    return row["id"]
