"""Runs of clients that know no leases: what is heard of them keeps them, silence ends them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from tests.contract.pools import POLICY, ask, make_pool, schedule

from runwright.api.events import Event
from runwright.api.flow_runs import FlowRunPolicy, FlowRunUpdate
from runwright.api.states import SetState, StateCreate
from runwright.api.workers import WorkerHeartbeat
from runwright.core.states import StateType
from runwright.server.services.reaper import Reaper
from runwright.server.use_cases.change_run import change_run, label_run
from runwright.server.use_cases.claim_runs import claim_runs
from runwright.server.use_cases.hear_of_worker import hear_of_named_worker
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.take_events import take_events
from runwright.storage import tables
from runwright.storage.runs import read_run

_c = tables.flow_run.c
PAST = timedelta(minutes=5)


def move(tx, run_id, kind):
    return move_run(tx, run_id, SetState(state=StateCreate(type=kind)), POLICY)


def running(tx, run_id, *, worker="w", retries=1):
    """What the peer's worker, and then its flow's process, say of a run."""
    move(tx, run_id, StateType.PENDING)
    if worker:
        label_run(tx, run_id, {"prefect.worker.name": worker})
    policy = FlowRunPolicy(retries=retries, retry_delay=0)
    change_run(tx, run_id, FlowRunUpdate(empirical_policy=policy))
    move(tx, run_id, StateType.RUNNING)


def heartbeat(run_id):
    return Event(
        id=uuid4(),
        occurred=datetime(2026, 1, 1, tzinfo=UTC),
        event="prefect.flow-run.heartbeat",
        resource={"prefect.resource.id": f"prefect.flow-run.{run_id}"},
    )


def lapse(tx):
    tx.execute(update(tables.flow_run).values(lease_expires_at=tx.now - PAST))


async def remaining(storage, run_id):
    """How much longer the run is believed to live."""
    return await storage.read(lambda tx: read_run(tx, run_id).lease_expires_at - tx.now)


@pytest.fixture
def world(on_storage):
    """Runs a body with a storage, the id of a due run, and of its pool."""

    def run(body):
        async def go(storage):
            flow, deployment = await storage.write(make_pool)
            (run_id,) = await schedule(storage, flow, deployment)
            pool_id = await storage.read(
                lambda tx: tx.execute(select(tables.work_pool.c.id)).scalar()
            )
            await body(storage, run_id, pool_id)

        on_storage(go)

    return run


def test_its_own_heartbeats_and_those_of_its_worker_keep_a_run(world):
    async def body(storage, run_id, pool_id):
        await storage.write(lambda tx: running(tx, run_id))
        assert await remaining(storage, run_id) <= POLICY.client_lease

        await storage.write(lapse)
        await storage.write(lambda tx: take_events(tx, [heartbeat(run_id)], POLICY))
        assert await remaining(storage, run_id) > POLICY.client_lease / 2

        await storage.write(lapse)
        for name in ("another", "w"):
            beat = WorkerHeartbeat(name=name, heartbeat_interval_seconds=30)
            await storage.write(
                lambda tx, beat=beat: hear_of_named_worker(tx, pool_id, beat, POLICY)
            )
            left = await remaining(storage, run_id)
            assert (left > timedelta(seconds=80)) == (name == "w")
        await storage.write(lambda tx: take_events(tx, [heartbeat(run_id)], POLICY))
        await storage.write(lambda tx: hear_of_named_worker(tx, pool_id, beat, POLICY))
        assert await remaining(storage, run_id) > POLICY.client_lease / 2  # never less

    world(body)


def test_a_run_by_hand_is_believed_for_ever_until_it_first_tells_that_it_lives(world):
    async def body(storage, run_id, _):
        await storage.write(lambda tx: running(tx, run_id, worker=None))
        assert await remaining(storage, run_id) > timedelta(days=365)
        await storage.write(lambda tx: take_events(tx, [heartbeat(run_id)], POLICY))
        assert await remaining(storage, run_id) <= POLICY.client_lease

    world(body)


def test_a_silent_run_crashes_and_is_run_again(world):
    async def body(storage, run_id, _):
        reaper = Reaper(storage, POLICY)
        await reaper.one_pass()  # the first pass after a start only extends
        await storage.write(lambda tx: running(tx, run_id))
        await storage.write(lapse)
        await reaper.one_pass()
        rows = await storage.read(
            lambda tx: tx.execute(
                select(_c.attempt, _c.state_type, _c.retries_used).order_by(_c.attempt)
            ).all()
        )
        assert [tuple(row) for row in rows] == [(1, "CRASHED", 0), (2, "SCHEDULED", 1)]
        late = await storage.write(lambda tx: move(tx, run_id, StateType.COMPLETED))
        assert late.status != "ACCEPT"

    world(body)


def test_after_an_outage_a_claim_is_not_given_the_time_of_a_client(world):
    async def body(storage, run_id, pool_id):
        await storage.write(lambda tx: claim_runs(tx, pool_id, uuid4(), ask(), POLICY))
        await Reaper(storage, POLICY).one_pass()
        left = await remaining(storage, run_id)
        assert POLICY.pending_lease / 2 < left <= POLICY.pending_lease

    world(body)


def test_after_an_outage_everybody_is_given_as_long_as_they_need(world):
    async def body(storage, run_id, _):
        await storage.write(lambda tx: running(tx, run_id))
        await storage.write(lapse)
        await Reaper(storage, POLICY).one_pass()
        assert await remaining(storage, run_id) > POLICY.client_lease / 2

    world(body)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_crash_that_a_worker_tells_of_is_followed_by_the_next_attempt(world, retries):
    async def body(storage, run_id, _):
        await storage.write(lambda tx: running(tx, run_id, retries=retries))
        for _ in range(2):  # told twice
            await storage.write(lambda tx: move(tx, run_id, StateType.CRASHED))
        attempts = await storage.read(lambda tx: tx.execute(select(_c.attempt)).scalars())
        assert sorted(attempts) == list(range(1, retries + 2))

    world(body)
