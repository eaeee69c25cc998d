"""Cancellation in every state, and what ends with a run, on both databases."""

import asyncio
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from tests.contract.pools import POLICY, ask, history, make_pool, proposal, schedule

from runwright.api.executions import ExecutionRef, ExitReport, ReleaseRequest, SyncRequest
from runwright.api.journal import FlowRunStarted, JournalBatch, TaskRunInfo, TaskRunMoved
from runwright.core.states import State, StateType
from runwright.server.problems import Conflict
from runwright.server.services.canceller import Canceller
from runwright.server.services.reaper import Reaper
from runwright.server.use_cases import wait_for_work
from runwright.server.use_cases.append_journal import receive_journal
from runwright.server.use_cases.cancel_run import cancel_run
from runwright.server.use_cases.end_execution import end_execution
from runwright.server.use_cases.release_run import release_run
from runwright.server.use_cases.rerun import rerun
from runwright.server.use_cases.sync_worker import orders
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import tables
from runwright.storage.runs import OVER, read_run

_c = tables.flow_run.c


async def running(storage, *, retries=0, entries=()):
    """A claimed run that has started; its execution as workers name it."""
    flow, deployment = await storage.write(lambda tx: make_pool(tx, retries=retries))
    (run_id,) = await schedule(storage, flow, deployment)
    worker = uuid4()
    spec = (await WorkDesk(storage, POLICY).sync("p", worker, ask())).claimed[0].spec
    batch = JournalBatch(
        token=spec.token,
        execution_id=spec.execution_id,
        entries=[proposal(run_id, StateType.RUNNING), *entries],
    )
    await receive_journal(storage, run_id, batch, POLICY)
    held = ExecutionRef(flow_run_id=run_id, token=spec.token, execution_id=spec.execution_id)
    return held, worker


async def run_of(storage, run_id):
    return await storage.read(lambda tx: read_run(tx, run_id))


def cancel(run_id):
    return lambda tx: cancel_run(tx, run_id, POLICY)


def ended(held, **how):
    report = ExitReport(token=held.token, execution_id=held.execution_id, **how)
    return lambda tx: end_execution(tx, held.flow_run_id, report, POLICY)


def test_a_run_that_has_not_started_is_cancelled_at_once(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        (run_id,) = await schedule(storage, flow, deployment)
        await storage.write(cancel(run_id))
        assert await history(storage, run_id) == ["SCHEDULED", "CANCELLED"]
        assert (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed == []

    on_storage(body)


def test_a_running_run_is_told_both_ways_and_ends_cancelled_without_another_attempt(on_storage):
    async def body(storage):
        held, worker = await running(storage, retries=3)
        await storage.write(cancel(held.flow_run_id))
        assert (await run_of(storage, held.flow_run_id)).state_type == "CANCELLING"

        told = await receive_journal(
            storage,
            held.flow_run_id,
            JournalBatch(token=held.token, execution_id=held.execution_id, first=1),
            POLICY,
        )
        assert told.cancel
        request = SyncRequest(worker_name="w", free=0, executions=[held], wait_ms=0)
        assert (await WorkDesk(storage, POLICY).sync("p", worker, request)).cancel == [held]

        answer = await storage.write(ended(held, signal=15))
        assert answer.state.type is StateType.CANCELLED
        assert answer.next_run_id is None

    on_storage(body)


def test_a_claimed_run_that_is_cancelled_never_starts(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        (run_id,) = await schedule(storage, flow, deployment)
        worker = uuid4()
        desk = WorkDesk(storage, POLICY)
        spec = (await desk.sync("p", worker, ask())).claimed[0].spec
        await storage.write(cancel(run_id))
        held = ExecutionRef(flow_run_id=run_id, token=spec.token, execution_id=spec.execution_id)
        request = SyncRequest(worker_name="w", free=0, executions=[held], wait_ms=0)
        assert (await desk.sync("p", worker, request)).cancel == [held]
        batch = JournalBatch(
            token=spec.token,
            execution_id=spec.execution_id,
            entries=[proposal(run_id, StateType.RUNNING)],
        )
        told = await receive_journal(storage, run_id, batch, POLICY)
        assert told.answers[0].result.state.type is StateType.CANCELLED
        assert await history(storage, run_id) == [
            "SCHEDULED", "PENDING", "CANCELLING", "CANCELLED",
        ]  # fmt: skip

    on_storage(body)


def test_a_run_that_waits_for_its_retry_in_its_process_is_cancelled_with_it(on_storage):
    async def body(storage):
        held, worker = await running(storage, retries=2)
        failed = JournalBatch(
            token=held.token,
            execution_id=held.execution_id,
            first=1,
            entries=[proposal(held.flow_run_id, StateType.FAILED)],
        )
        told = await receive_journal(storage, held.flow_run_id, failed, POLICY)
        assert told.answers[0].result.state.name == "AwaitingRetry"
        assert (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed == []

        await storage.write(cancel(held.flow_run_id))
        assert (await run_of(storage, held.flow_run_id)).state_type == "CANCELLING"
        request = SyncRequest(worker_name="w", free=0, executions=[held], wait_ms=0)
        assert (await WorkDesk(storage, POLICY).sync("p", worker, request)).cancel == [held]
        answer = await storage.write(ended(held, signal=15))
        assert (answer.state.type, answer.next_run_id) == (StateType.CANCELLED, None)

    on_storage(body)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_parked_poll_is_answered_at_once_when_its_run_is_cancelled_or_it_stops(
    on_storage, stopped
):
    async def body(storage):
        held, worker = await running(storage)
        desk = WorkDesk(storage, POLICY)
        patient = SyncRequest(worker_name="w", free=1, executions=[held], wait_ms=10_000)
        with patch.object(wait_for_work, "_LOOK_AGAIN_S", 10.0):  # only a wake-up can be as quick
            parked = asyncio.create_task(desk.sync("p", worker, patient))
            await desk.sync("p", uuid4(), ask())  # meanwhile it is parked
            if stopped:
                storage.waker.close()
            else:
                await storage.write(cancel(held.flow_run_id))
            answer = await asyncio.wait_for(parked, 5)
        assert answer.cancel == ([] if stopped else [held])

    on_storage(body)


def test_cancel_and_completion_at_once_leave_one_end(on_storage):
    async def body(storage):
        held, _ = await running(storage)
        done = JournalBatch(
            token=held.token,
            execution_id=held.execution_id,
            first=1,
            entries=[proposal(held.flow_run_id, StateType.COMPLETED)],
        )
        await asyncio.gather(
            storage.write(cancel(held.flow_run_id)),
            receive_journal(storage, held.flow_run_id, done, POLICY),
        )
        await storage.write(ended(held, exit_code=0))
        states = await history(storage, held.flow_run_id)
        assert sum(state in {"COMPLETED", "CANCELLED"} for state in states) == 1

    on_storage(body)


def test_a_cancelling_run_whose_machine_is_gone_is_cancelled_by_the_reaper(on_storage):
    async def body(storage):
        held, _ = await running(storage, retries=1)
        await storage.write(cancel(held.flow_run_id))
        reaper = Reaper(storage, POLICY)
        await reaper.one_pass()
        past = timedelta(minutes=5)
        await storage.write(
            lambda tx: tx.execute(update(tables.flow_run).values(lease_expires_at=tx.now - past))
        )
        await reaper.one_pass()
        assert (await run_of(storage, held.flow_run_id)).state_type == "CANCELLED"

    on_storage(body)


def test_a_released_claim_is_offered_again_and_its_old_holder_is_fenced(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        (run_id,) = await schedule(storage, flow, deployment)
        desk = WorkDesk(storage, POLICY)
        first = (await desk.sync("p", uuid4(), ask())).claimed[0].spec
        request = ReleaseRequest(token=first.token, execution_id=first.execution_id)
        await storage.write(lambda tx: release_run(tx, run_id, request, POLICY))

        second = (await desk.sync("p", uuid4(), ask())).claimed[0].spec
        assert second.flow_run_id == run_id
        assert second.token > first.token
        batch = JournalBatch(
            token=first.token,
            execution_id=first.execution_id,
            entries=[proposal(run_id, StateType.RUNNING)],
        )
        with pytest.raises(Conflict) as refused:
            await receive_journal(storage, run_id, batch, POLICY)
        assert refused.value.code == "lease_lost"

    on_storage(body)


def test_subflows_and_task_runs_crash_with_their_process(on_storage):
    async def body(storage):
        child, task = uuid4(), uuid4()
        started = proposal(child, StateType.RUNNING)
        at = started.state.timestamp
        subflow = FlowRunStarted(flow_run_id=child, flow_name="sub", timestamp=at)
        working = TaskRunMoved(
            task_run_id=task,
            state=State(id=uuid4(), type=StateType.RUNNING, name="Running", timestamp=at),
            run=TaskRunInfo(flow_run_id=child, name="t", task_key="t", dynamic_key="0"),
        )
        held, _ = await running(storage, entries=[subflow, started, working])
        await storage.write(ended(held, signal=9))

        assert (await run_of(storage, child)).state_type == "CRASHED"
        seen = await storage.read(
            lambda tx: tx.execute(select(tables.task_run.c.state_type)).scalars()
        )
        assert list(seen) == ["CRASHED"]

    on_storage(body)


def test_a_rerun_is_a_new_attempt_of_the_same_lineage(on_storage):
    async def body(storage):
        held, _ = await running(storage)
        await storage.write(ended(held, signal=9))
        again = await storage.write(lambda tx: rerun(tx, held.flow_run_id, POLICY))
        run = await run_of(storage, again)
        assert (run.attempt, run.root_run_id, run.state_type) == (2, held.flow_run_id, "SCHEDULED")
        fresh = await storage.write(lambda tx: rerun(tx, held.flow_run_id, POLICY, fresh=True))
        run = await run_of(storage, fresh)
        assert (run.attempt, run.root_run_id, run.retries_used) == (1, fresh, 0)

    on_storage(body)


def test_runs_of_a_stopped_parent_are_cancelled(on_storage):
    async def body(storage):
        held, _ = await running(storage)
        deployment = (await run_of(storage, held.flow_run_id)).deployment_id
        flow = (await run_of(storage, held.flow_run_id)).flow_id
        (child,) = await schedule(storage, flow, deployment)
        await storage.write(
            lambda tx: tx.execute(
                update(tables.flow_run)
                .where(tables.flow_run.c.id == child)
                .values(parent_flow_run_id=held.flow_run_id)
            )
        )
        await storage.write(ended(held, signal=9))
        await Canceller(storage, POLICY).one_pass()
        assert (await run_of(storage, child)).state_type == "CANCELLED"

    on_storage(body)


async def six_on_six_workers(storage):
    """Six runs that run, each on a worker of its own."""
    flow, deployment = await storage.write(make_pool)
    await schedule(storage, flow, deployment, 6)
    desk = WorkDesk(storage, POLICY)
    held = [(await desk.sync("p", uuid4(), ask())).claimed[0].spec for _ in range(6)]
    for spec in held:
        await hear(storage, spec, proposal(spec.flow_run_id, StateType.RUNNING))
    return held


async def hear(storage, spec, *entries, first=0):
    """Its next words, or none: a renewal."""
    token, execution = spec.token, spec.execution_id
    batch = JournalBatch(token=token, execution_id=execution, first=first, entries=list(entries))
    await receive_journal(storage, spec.flow_run_id, batch, POLICY)


async def lapse(storage):
    """A lease's length goes by, and some: all that is told by instants is so much longer ago."""
    ago = POLICY.running_lease * 1.5

    def use_case(tx):
        for run_id, expires in tx.execute(select(_c.id, _c.lease_expires_at)).all():
            if expires is not None:
                earlier = {"lease_expires_at": expires - ago}
                tx.execute(update(tables.flow_run).where(_c.id == run_id).values(earlier))
        for name, at in tx.execute(select(tables.service_pass)).all():
            if name != Reaper.name:  # it looks every other second
                by_name = tables.service_pass.c.name == name
                earlier = {"last_pass_at": at - ago}
                tx.execute(update(tables.service_pass).where(by_name).values(earlier))

    await storage.write(use_case)


async def states_of(storage):
    return set(await storage.read(lambda tx: list(tx.execute(select(_c.state_type)).scalars())))


def test_most_leases_lapsing_together_are_excused_once_whoever_looks(on_storage):
    async def body(storage):
        await six_on_six_workers(storage)
        one, another = Reaper(storage, POLICY), Reaper(storage, POLICY)
        await one.one_pass()
        await lapse(storage)
        await one.one_pass()
        assert await states_of(storage) == {"RUNNING"}
        await one.one_pass()  # nothing to be done: the leases are whole again
        await another.one_pass()
        await lapse(storage)
        await another.one_pass()
        assert await states_of(storage) == {"CRASHED"}

    on_storage(body)


def test_who_was_heard_of_after_an_excuse_is_excused_again(on_storage):
    async def body(storage):
        held = await six_on_six_workers(storage)
        reaper = Reaper(storage, POLICY)
        await reaper.one_pass()
        for _ in range(2):
            await lapse(storage)
            await reaper.one_pass()
            assert await states_of(storage) == {"RUNNING"}
            for spec in held:
                await hear(storage, spec)
        await lapse(storage)
        await reaper.one_pass()
        await lapse(storage)
        await reaper.one_pass()
        assert await states_of(storage) == {"CRASHED"}

    on_storage(body)


def test_a_credential_dies_with_its_claim(on_storage):
    async def body(storage):
        held, _ = await running(storage)
        before = (await run_of(storage, held.flow_run_id)).credential_hash
        assert not before.startswith(OVER)
        await storage.write(ended(held, signal=9))
        assert (await run_of(storage, held.flow_run_id)).credential_hash == f"{OVER}{before}"

    on_storage(body)


def test_after_an_outage_leases_are_extended_before_anybody_is_judged(on_storage):
    async def body(storage):
        held, _ = await running(storage)
        reaper = Reaper(storage, POLICY)
        await reaper.one_pass()
        long_ago = timedelta(minutes=10)

        def outage(tx):
            tx.execute(update(tables.service_pass).values(last_pass_at=tx.now - long_ago))
            tx.execute(update(tables.flow_run).values(lease_expires_at=tx.now - long_ago))

        await storage.write(outage)
        await reaper.one_pass()
        run = await run_of(storage, held.flow_run_id)
        assert run.state_type == "RUNNING"
        now = await storage.read(lambda tx: tx.now)
        assert run.lease_expires_at > now + POLICY.running_lease / 2

    on_storage(body)


def test_orders_are_the_same_for_few_executions_and_for_many(on_storage):
    async def body(storage):
        mine, _ = await running(storage)
        strangers = [
            ExecutionRef(flow_run_id=uuid4(), token=1, execution_id=uuid4()) for _ in range(20)
        ]
        for count in (1, 20):
            some = strangers[:count]
            cancel, lost = await storage.read(lambda tx, some=some: orders(tx, [mine, *some]))
            assert (cancel, lost) == ([], some)

    on_storage(body)
