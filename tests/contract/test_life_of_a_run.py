"""One run's way through claims, journal and ends, on both databases."""

import asyncio
import sqlite3
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from tests.contract.pools import POLICY, ask, history, make_pool, proposal, schedule

from runwright.api.executions import ExecutionRef, ExitReport
from runwright.api.flow_runs import FlowRunCreate
from runwright.api.journal import ArtifactMade, FlowRunStarted, JournalBatch, LogWritten
from runwright.api.states import SetState, StateCreate
from runwright.clock import SystemClock
from runwright.core.states import StateDetails, StateType
from runwright.server.problems import Conflict
from runwright.server.services.reaper import Reaper
from runwright.server.use_cases.append_journal import append_journal, receive_journal
from runwright.server.use_cases.create_run import create_run
from runwright.server.use_cases.end_execution import end_execution
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import migrations, tables
from runwright.storage.errors import StorageFull
from runwright.storage.runs import flow_named, read_run


def test_eight_claimers_take_each_run_once_and_never_pass_the_limit(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(lambda tx: make_pool(tx, limit=5))
        await schedule(storage, flow, deployment, 20)
        # At one desk they would take turns.
        desks = [WorkDesk(storage, POLICY) for _ in range(8)]
        answers = await asyncio.gather(*(desk.sync("p", uuid4(), ask(free=4)) for desk in desks))
        claimed = [each.spec.flow_run_id for answer in answers for each in answer.claimed]
        assert len(claimed) == len(set(claimed)) == 5

    on_storage(body)


def test_a_paused_pool_starts_nothing(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(lambda tx: make_pool(tx, paused=True))
        await schedule(storage, flow, deployment)
        answer = await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())
        assert answer.claimed == []
        assert answer.pool_is_paused

    on_storage(body)


def test_a_claimed_run_starts_and_completes_and_a_lost_answer_is_given_again(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        (run_id,) = await schedule(storage, flow, deployment)
        worker = uuid4()
        desk = WorkDesk(storage, POLICY)
        first = (await desk.sync("p", worker, ask())).claimed[0].spec
        again = (await desk.sync("p", worker, ask())).claimed[0].spec
        assert (first.token, first.execution_id) == (again.token, again.execution_id)
        batch = JournalBatch(
            token=again.token,
            execution_id=again.execution_id,
            entries=[proposal(run_id, StateType.RUNNING), proposal(run_id, StateType.COMPLETED)],
        )
        told = await receive_journal(storage, run_id, batch, POLICY)
        repeated = await receive_journal(storage, run_id, batch, POLICY)
        assert [each.result.status for each in told.answers] == ["ACCEPT", "ACCEPT"]
        assert repeated.answers == told.answers
        assert told.next == repeated.next == 2
        assert await history(storage, run_id) == ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]
        with pytest.raises(Conflict, match="Send from 2"):
            await receive_journal(storage, run_id, msgspec.structs.replace(batch, first=5), POLICY)

    on_storage(body)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_run_that_always_crashes_gets_exactly_its_attempts(on_storage, retries):
    async def body(storage):
        flow, deployment = await storage.write(lambda tx: make_pool(tx, retries=retries))
        (root,) = await schedule(storage, flow, deployment)
        desk = WorkDesk(storage, POLICY)
        count = 0
        while claimed := (await desk.sync("p", uuid4(), ask())).claimed:
            spec = claimed[0].spec
            count += 1
            report = ExitReport(token=spec.token, execution_id=spec.execution_id, signal=9)

            def end(tx, spec=spec, report=report):
                return end_execution(tx, spec.flow_run_id, report, POLICY)

            told, again = await asyncio.gather(storage.write(end), storage.write(end))
            assert told == again
            assert told.state.type is StateType.CRASHED
            assert spec.attempt == count
            assert spec.root_run_id == root
        assert count == retries + 1

    on_storage(body)


def test_a_silent_holder_is_reaped_once_by_two_reapers_and_writes_nothing_after(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(lambda tx: make_pool(tx, retries=1))
        (run_id,) = await schedule(storage, flow, deployment)
        spec = (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed[0].spec
        batch = JournalBatch(
            token=spec.token,
            execution_id=spec.execution_id,
            entries=[proposal(run_id, StateType.RUNNING)],
        )
        await receive_journal(storage, run_id, batch, POLICY)
        reapers = Reaper(storage, POLICY), Reaper(storage, POLICY)
        await reapers[0].one_pass()  # the first pass after a start only extends
        past = timedelta(minutes=5)
        await storage.write(
            lambda tx: tx.execute(update(tables.flow_run).values(lease_expires_at=tx.now - past))
        )
        await asyncio.gather(*(each.one_pass() for each in reapers))
        run = await storage.read(lambda tx: read_run(tx, run_id))
        assert run.state_type == "CRASHED"
        attempts = await storage.read(
            lambda tx: tx.execute(select(tables.flow_run.c.attempt)).scalars()
        )
        assert sorted(attempts) == [1, 2]
        late = LogWritten(
            flow_run_id=run_id, timestamp=run.state_timestamp, level=20, name="n", message="late"
        )
        with pytest.raises(Conflict) as refused:
            await receive_journal(
                storage,
                run_id,
                msgspec.structs.replace(
                    batch, first=1, entries=[late, proposal(run_id, StateType.COMPLETED)]
                ),
                POLICY,
            )
        assert refused.value.code == "lease_lost"
        logs = await storage.read(lambda tx: tx.execute(select(tables.log)).all())
        assert [(log.message, log.late_token) for log in logs] == [("late", spec.token)]

    on_storage(body)


@pytest.mark.parametrize("by", [timedelta(hours=1), -timedelta(hours=1)])
def test_a_clock_that_is_set_ends_no_run_and_hides_no_death(on_storage, by):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        await schedule(storage, flow, deployment)
        await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())
        reaper = Reaper(storage, POLICY)
        await reaper.one_pass()
        held, passed = tables.flow_run.c, tables.service_pass.c
        for column in (held.lease_expires_at, passed.last_pass_at):  # as if the clock had been set
            was = await storage.read(lambda tx, c=column: tx.execute(select(c)).scalar())
            change = update(column.table).values({column: was - by})
            await storage.write(lambda tx, change=change: tx.execute(change))
        await reaper.one_pass()
        run, now = await storage.read(
            lambda tx: (tx.execute(select(tables.flow_run)).one(), tx.now)
        )
        assert run.state_type == "PENDING"
        assert timedelta() < run.lease_expires_at - now <= POLICY.pending_lease

    on_storage(body)


def test_nobody_is_ended_for_renewals_that_a_full_disk_refused(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        (run_id,) = await schedule(storage, flow, deployment)
        await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())
        reaper = Reaper(storage, POLICY)
        await reaper.one_pass()
        lapsed = {"lease_expires_at": SystemClock().now() - timedelta(minutes=1)}
        await storage.write(lambda tx: tx.execute(update(tables.flow_run).values(lapsed)))

        def refused(tx):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            error.sqlstate = "53100"
            raise OperationalError("UPDATE", {}, error)

        with pytest.raises(StorageFull):
            await storage.write(refused)
        await reaper.one_pass()
        assert (await storage.read(lambda tx: read_run(tx, run_id))).state_type == "PENDING"
        await storage.write(lambda tx: tx.execute(update(tables.flow_run).values(lapsed)))
        await reaper.one_pass()
        assert (await storage.read(lambda tx: read_run(tx, run_id))).state_type == "SCHEDULED"

    on_storage(body)


def test_one_request_begins_a_run_by_hand_and_may_be_repeated(on_storage):
    async def body(storage):
        run_id, execution = uuid4(), uuid4()
        running = proposal(run_id, StateType.RUNNING)
        started = FlowRunStarted(
            flow_run_id=run_id, flow_name="mine", timestamp=running.state.timestamp
        )
        batch = JournalBatch(token=0, execution_id=execution, entries=[started, running])
        told = await receive_journal(storage, run_id, batch, POLICY)
        again = await receive_journal(storage, run_id, batch, POLICY)
        assert told.token == again.token == 1
        assert told.answers == again.answers
        assert told.lease_ttl_ms == 120_000

    on_storage(body)


def test_a_state_that_is_proposed_again_with_its_transition_id_changes_nothing(on_storage):
    async def body(storage):
        flow, _ = await storage.write(make_pool)
        run = await storage.write(lambda tx: create_run(tx, FlowRunCreate(flow_id=flow), POLICY))
        details = StateDetails(transition_id=uuid4())
        state = StateCreate(type=StateType.PENDING, state_details=details)
        proposed = SetState(state=state)
        answers = await asyncio.gather(
            *(storage.write(lambda tx: move_run(tx, run.id, proposed, POLICY)) for _ in range(4))
        )
        assert sum(each.status == "ACCEPT" for each in answers) == 1
        assert {each.state.type for each in answers} == {StateType.PENDING}
        assert await history(storage, run.id) == ["PENDING"]

    on_storage(body)


def test_a_run_that_cannot_be_described_to_a_worker_crashes_and_says_why(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        unknown = update(tables.deployment).values(job_variables={"gpus": 2})
        strict = update(tables.work_pool).values(
            base_job_template={"job_configuration": {}, "variables": {"properties": {}}}
        )
        await storage.write(lambda tx: (tx.execute(unknown), tx.execute(strict)))
        bad, good = await schedule(storage, flow, deployment, 2)
        answer = await WorkDesk(storage, POLICY).sync("p", uuid4(), ask(free=2))
        assert answer.claimed == []
        run = await storage.read(lambda tx: read_run(tx, bad))
        assert run.state_type == "CRASHED"
        assert "It cannot be started: " in run.state["message"]
        assert "gpus" in run.state["message"]
        assert await history(storage, good) == ["SCHEDULED", "PENDING", "CRASHED"]

    on_storage(body)


def test_a_journal_of_a_run_without_a_server_is_taken_as_it_was_decided(on_storage):
    async def body(storage):
        run_id, execution, artifact = uuid4(), uuid4(), uuid4()
        kinds = (StateType.RUNNING, StateType.COMPLETED)
        running, completed = (proposal(run_id, kind) for kind in kinds)
        at = running.state.timestamp
        started = FlowRunStarted(flow_run_id=run_id, flow_name="alone", timestamp=at)
        made = ArtifactMade(
            id=artifact, flow_run_id=run_id, timestamp=at, key="k", type="markdown", data="# x"
        )
        entries = [started, running, made, completed]
        batch = JournalBatch(token=0, execution_id=execution, entries=entries)

        def append(tx):
            return append_journal(tx, run_id, batch, POLICY, decided=True)

        assert (await storage.write(append)).next == 4
        assert (await storage.write(append)).next == 4  # taken in twice, after a crash of ours
        assert await history(storage, run_id) == ["RUNNING", "COMPLETED"]
        kept = await storage.read(lambda tx: tx.execute(select(tables.artifact)).all())
        assert [(each.key, each.data) for each in kept] == [("k", "# x")]
        run = await storage.read(lambda tx: read_run(tx, run_id))
        assert run.lease_expires_at is None

    on_storage(body)


def test_a_repeated_idempotency_key_finds_the_run_there_is(on_storage):
    async def body(storage):
        flow, _ = await storage.write(make_pool)
        body = FlowRunCreate(flow_id=flow, idempotency_key="k")
        made = await asyncio.gather(
            *(storage.write(lambda tx: create_run(tx, body, POLICY)) for _ in range(5))
        )
        assert len({each.id for each in made}) == 1
        assert sum(each.is_new for each in made) == 1

    on_storage(body)


def test_a_use_case_that_fails_takes_nothing_from_its_neighbours(on_storage):
    async def body(storage):
        def good(tx):
            return flow_named(tx, uuid4().hex, uuid4())

        def bad(tx):
            flow_named(tx, "never", uuid4())
            raise KeyError("on purpose")

        done = await asyncio.gather(
            *(storage.write(each) for each in (good, bad, good)), return_exceptions=True
        )
        names = await storage.read(lambda tx: tx.execute(select(tables.flow.c.name)).scalars())
        assert isinstance(done[1], KeyError)
        assert len(names) == 2

    on_storage(body)


def test_migrations_can_be_repeated(database_url):
    migrations.upgrade(database_url)
    migrations.upgrade(database_url)
    assert migrations.current(database_url) == migrations.head()


def test_a_claim_whose_image_is_being_pulled_does_not_lapse(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        pulled, hung = await schedule(storage, flow, deployment, 2)
        worker, desk = uuid4(), WorkDesk(storage, POLICY)
        claimed = (await desk.sync("p", worker, ask(free=2))).claimed
        refs = {
            each.spec.flow_run_id: ExecutionRef(
                flow_run_id=each.spec.flow_run_id,
                token=each.spec.token,
                execution_id=each.spec.execution_id,
            )
            for each in claimed
        }
        soon = update(tables.flow_run).values(lease_expires_at=SystemClock().now())
        await storage.write(lambda tx: tx.execute(soon))
        held = ask(
            free=0,
            executions=list(refs.values()),
            launching=[refs[pulled].execution_id],
        )
        await desk.sync("p", worker, held)
        left = {
            run: await storage.read(lambda tx, run=run: read_run(tx, run).lease_expires_at - tx.now)
            for run in (pulled, hung)
        }
        assert left[pulled] > POLICY.pending_lease / 2
        # What a worker holds and does not say it is still starting has its lease and no more.
        assert left[hung] <= timedelta()

    on_storage(body)


def test_who_has_hung_up_is_given_no_run(on_storage):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        desk, hung_up, dead = WorkDesk(storage, POLICY), asyncio.Event(), uuid4()
        request = msgspec.structs.replace(ask(), wait_ms=10_000)
        parked = asyncio.create_task(desk.sync("p", dead, request, hung_up))
        await asyncio.sleep(0.05)
        desk.hang_up(dead, hung_up)
        assert (await asyncio.wait_for(parked, 2)).claimed == []
        await schedule(storage, flow, deployment)
        assert len((await desk.sync("p", uuid4(), ask())).claimed) == 1

    on_storage(body)
