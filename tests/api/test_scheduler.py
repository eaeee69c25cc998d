"""The scheduler on a clock that the test moves: every fire once, whatever happens in between."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import create_engine, select, update

from runwright.api.deployments import DeploymentCreate
from runwright.api.flows import FlowCreate
from runwright.api.schedules import ScheduleCreate, ScheduleUpdate
from runwright.clock import new_id
from runwright.core.states import State, StateDetails, StateType
from runwright.server.policy import Policy
from runwright.server.services.late_marker import LateMarker
from runwright.server.services.pruner import Pruner
from runwright.server.services.reaper import Reaper
from runwright.server.services.scheduler import Scheduler
from runwright.server.use_cases.edit_schedules import change_schedule
from runwright.server.use_cases.save_deployment import (
    locked,
    pause_deployment,
    resume_deployment,
    save_deployment,
)
from runwright.storage.flows import ensure_flow
from runwright.storage.new_runs import NewRun, begin_run
from runwright.storage.sqlite import SqliteStorage
from runwright.storage.tables import flow_run, metadata
from runwright.testing.clock import SimulatedClock

START = datetime(2026, 3, 28, 12, 0, 30, tzinfo=UTC)


class World:
    def __init__(self, path):
        self.loop = asyncio.new_event_loop()
        self.clock = SimulatedClock(START)
        self.storage = SqliteStorage(str(path), self.clock)
        self.do(self.storage.start())

    def do(self, work):
        return self.loop.run_until_complete(asyncio.wait_for(work, 60))

    def write(self, use_case):
        return self.do(self.storage.write(use_case))

    def deploy(self, schedule, **more):
        def use_case(tx):
            flow, _ = ensure_flow(tx, FlowCreate(name="f"), new_id)
            wanted = DeploymentCreate(
                name="d", flow_id=flow.id, schedules=[ScheduleCreate(schedule=schedule, **more)]
            )
            return save_deployment(tx, wanted, new_id, None)[0]

        return self.write(use_case)

    def scheduler(self):
        return Scheduler(self.storage, new_id, random.random)

    def tick(self):
        return self.do(self.scheduler().one_pass())

    def set_clock(self, by):
        """Put it forward or back, and let the duties notice."""
        self.clock.set_wall(self.clock.now() + by)
        self.do(Reaper(self.storage, Policy()).one_pass())
        self.tick()

    def forward(self, **by):
        self.clock.advance(timedelta(**by))

    def fires(self):
        rows = self.write(
            lambda tx: tx.execute(
                select(flow_run.c.expected_start_time).order_by(flow_run.c.expected_start_time)
            ).scalars()
        )
        return [row.astimezone(UTC) for row in rows]


@pytest.fixture
def world(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 's.db'}")
    metadata.create_all(engine)
    engine.dispose()
    made = World(tmp_path / "s.db")
    yield made
    made.do(made.storage.stop())
    made.loop.close()


def test_at_least_three_runs_are_ahead_and_a_whole_hour_of_them(world):
    world.deploy({"cron": "0 * * * *"})
    world.tick()
    assert world.fires() == [datetime(2026, 3, 28, hour, tzinfo=UTC) for hour in (13, 14, 15)]
    assert world.tick() == 0  # nothing to plan: a pass costs one look
    world.forward(hours=1)
    world.tick()
    assert len(world.fires()) == 4


def test_every_minute_fires_once_over_days_of_passes_and_two_schedulers(world):
    world.deploy({"cron": "* * * * *"})
    first, second = world.scheduler(), world.scheduler()

    async def both():
        await asyncio.gather(first.one_pass(), second.one_pass())

    for _ in range(200):
        world.do(both())
        world.forward(seconds=37)
    fires = world.fires()
    assert len(fires) == len(set(fires))
    assert {b - a for a, b in pairwise(fires)} == {timedelta(minutes=1)}
    assert fires[-1] > world.clock.now() + timedelta(minutes=20)


def test_a_clock_change_fires_once_for_each_civil_time(world):
    world.deploy({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    world.tick()
    # On 29 March there is no 02:30: it fires at the first instant after the gap.
    assert world.fires()[0] == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert world.fires()[1] == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("catchup", "made_up"), [("none", 0), ("last", 1), ("all", 10)])
def test_after_an_outage_missed_fires_are_made_up_for_as_the_schedule_says(world, catchup, made_up):
    world.deploy({"cron": "0 * * * *"}, catchup=catchup)
    world.tick()
    world.forward(hours=10, minutes=5)
    began = world.clock.now()
    world.tick()
    fires = world.fires()
    missed = [fire for fire in fires if fire <= began]
    assert len(missed) == made_up
    assert (
        missed
        == [began.replace(minute=0, second=0) - timedelta(hours=n) for n in range(made_up)][::-1]
    )
    assert len([fire for fire in fires if fire > began]) == 3


def test_a_short_outage_drops_all_but_the_last_of_the_runs_made_before(world):
    world.deploy({"cron": "0 * * * *"})
    world.tick()
    world.forward(hours=2, minutes=30)
    world.tick()
    assert world.fires()[0] == datetime(2026, 3, 28, 14, tzinfo=UTC)
    assert len(world.fires()) == 4


def test_a_restart_within_a_minute_misses_nothing(world):
    world.deploy({"interval": 10})
    for _ in range(20):
        world.tick()
        world.forward(seconds=55)
    fires = world.fires()
    assert {b - a for a, b in pairwise(fires)} == {timedelta(seconds=10)}


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(days=20_000)])
def test_a_clock_set_wrong_and_right_again_fires_nothing_twice_and_misses_nothing(world, by):
    world.deploy({"interval": 600})
    world.tick()
    world.set_clock(by)
    world.set_clock(-by)
    mended = world.clock.now()
    for _ in range(8):
        world.forward(minutes=5)
        world.tick()
    fires = world.fires()
    assert len(fires) == len(set(fires))
    since = [fire for fire in fires if mended <= fire <= world.clock.now() + timedelta(minutes=30)]
    assert {b - a for a, b in pairwise(since)} == {timedelta(minutes=10)}
    assert since[0] - mended <= timedelta(minutes=10)


def test_runs_made_by_a_wrong_clock_do_not_wait_for_its_time(world):
    deployment = world.deploy({"interval": 600}, active=False)
    world.tick()
    world.set_clock(timedelta(hours=1))
    now = world.clock.now()
    names = {"at once": (now, "Scheduled"), "again": (now + timedelta(seconds=30), "AwaitingRetry")}
    for name, (due, state_name) in names.items():
        state = State(
            id=new_id(),
            type=StateType.SCHEDULED,
            name=state_name,
            timestamp=now,
            state_details=StateDetails(scheduled_time=due),
        )
        run = NewRun(id=new_id(), name=name, flow_id=deployment.flow_id, state=state)
        world.write(lambda tx, run=run: begin_run(tx, run))
    world.set_clock(-timedelta(hours=1))
    rows = world.write(lambda tx: tx.execute(select(flow_run.c.name, flow_run.c.due_at)).all())
    waits = {row.name: row.due_at - world.clock.now() for row in rows}
    assert waits == {"at once": timedelta(), "again": timedelta(seconds=30)}
    # Nobody takes them: marked as late, they are due no later than they were.
    due = world.clock.now()
    world.forward(minutes=1)
    world.do(LateMarker(world.storage, new_id, timedelta(seconds=15)).one_pass())
    rows = world.write(lambda tx: tx.execute(select(flow_run)).all())
    assert {row.state_name for row in rows} == {"Late", "AwaitingRetry"}
    assert {row.due_at - due for row in rows} == {timedelta(), timedelta(seconds=30)}


def test_editing_replaces_the_runs_made_ahead_and_keeps_those_that_are_due(world):
    deployment = world.deploy({"cron": "0 * * * *"}, catchup="all")
    world.tick()
    world.forward(hours=1, minutes=5)
    change = ScheduleUpdate(schedule={"cron": "45 * * * *"})
    schedule_id = deployment.schedules[0].id
    world.write(lambda tx: change_schedule(tx, locked(tx, deployment.id), schedule_id, change))
    assert world.fires() == [datetime(2026, 3, 28, 13, tzinfo=UTC)]
    world.tick()
    assert [fire.minute for fire in world.fires()] == [0, 45, 45, 45]


def test_a_run_that_was_claimed_survives_the_edit_and_is_not_made_again(world):
    deployment = world.deploy({"cron": "0 * * * *"})
    world.tick()
    world.write(
        lambda tx: tx.execute(
            update(flow_run)
            .where(flow_run.c.expected_start_time == datetime(2026, 3, 28, 13, tzinfo=UTC))
            .values(claim_token=1, state_type="PENDING")
        )
    )
    change = ScheduleUpdate(parameters={"x": 1})
    schedule_id = deployment.schedules[0].id
    world.write(lambda tx: change_schedule(tx, locked(tx, deployment.id), schedule_id, change))
    world.tick()
    assert [fire.hour for fire in world.fires()] == [13, 14, 15]


def test_what_a_paused_deployment_would_have_fired_is_not_made_up_for(world):
    deployment = world.deploy({"cron": "0 * * * *"}, catchup="all")
    world.tick()
    world.write(lambda tx: pause_deployment(tx, deployment.id))
    assert world.fires() == []
    world.forward(hours=5)
    world.tick()
    assert world.fires() == []
    world.write(lambda tx: resume_deployment(tx, deployment.id))
    world.tick()
    assert [fire.hour for fire in world.fires()] == [18, 19, 20]


def test_no_more_runs_are_ahead_than_the_schedule_allows(world):
    world.deploy({"interval": 60}, max_scheduled_runs=1)
    for _ in range(5):
        world.tick()
        assert len([fire for fire in world.fires() if fire > world.clock.now()]) == 1
        world.forward(seconds=60)


def test_a_run_that_nobody_takes_is_marked_late_once(world):
    world.deploy({"cron": "0 * * * *"})
    world.tick()
    marker = LateMarker(world.storage, new_id, timedelta(seconds=15))
    assert world.do(marker.one_pass()) == 0
    world.forward(hours=1)
    assert world.do(marker.one_pass()) == 1
    assert world.do(marker.one_pass()) == 0
    (row,) = world.write(
        lambda tx: tx.execute(select(flow_run).where(flow_run.c.state_name == "Late")).all()
    )
    assert (row.state_type, row.due_at) == ("SCHEDULED", datetime(2026, 3, 28, 13, tzinfo=UTC))


def test_only_ended_runs_older_than_their_retention_are_deleted(world):
    world.deploy({"cron": "0 * * * *"})
    world.tick()
    old = START - timedelta(days=40)
    world.write(
        lambda tx: tx.execute(
            update(flow_run)
            .where(flow_run.c.expected_start_time == datetime(2026, 3, 28, 13, tzinfo=UTC))
            .values(state_type="COMPLETED", end_time=old)
        )
    )
    assert world.do(Pruner(world.storage).one_pass()) == 0
    assert world.do(Pruner(world.storage, run_retention=timedelta(days=30)).one_pass()) == 1
    assert len(world.fires()) == 2
