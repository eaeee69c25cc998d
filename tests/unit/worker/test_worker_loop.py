"""The worker's loop against a control plane on a real socket; executions are only pretended."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from runwright.api.executions import ClaimedRun, ExecutionRef, SyncAnswer
from runwright.clock import SystemClock, new_id
from runwright.errors import ConfigurationError, Unauthorized
from runwright.worker import worker as loop_module
from runwright.worker.control_plane import connect
from runwright.worker.host import Host
from runwright.worker.launcher import Ended, LaunchFailed, StopReason
from runwright.worker.slots import Slots
from runwright.worker.synchronize import Identity, Pool, key_name
from runwright.worker.usage import Usage
from runwright.worker.worker import Worker


class PretendedLauncher:
    """Launches nothing; the test says when an execution ends."""

    def __init__(self) -> None:
        self.launched: list[ClaimedRun] = []
        self.stops: list[tuple[UUID, StopReason]] = []
        self.ends: asyncio.Queue[Ended] = asyncio.Queue()
        self.fail: str | None = None
        self.error: Exception | None = None
        self.is_closed = False
        self.ends_when_stopped = True
        self.executions_outlive_worker = False
        self.left: list[ClaimedRun] = []
        self.forgotten: list[UUID] = []

    async def adopt(self) -> list[ClaimedRun]:
        return self.left

    def processes(self) -> dict[UUID, int]:
        return {}

    async def forget(self, execution_id: UUID) -> None:
        self.forgotten.append(execution_id)

    async def launch(self, claimed: ClaimedRun) -> None:
        if self.error is not None:
            raise self.error
        if self.fail:
            raise LaunchFailed(self.fail)
        self.launched.append(claimed)

    async def stop(self, execution_id: UUID, reason: StopReason) -> None:
        self.stops.append((execution_id, reason))
        if self.ends_when_stopped:
            self.end(execution_id)

    async def next_end(self) -> Ended:
        return await self.ends.get()

    async def close(self) -> None:
        self.is_closed = True

    def end(self, execution_id: UUID, *, is_reported: bool = True, **more: Any) -> None:
        self.ends.put_nowait(Ended(execution_id, is_reported=is_reported, **more))


class Stage:
    """A worker on a control plane, working until the scenario has ended."""

    def __init__(self, control_plane: Any, **options: Any) -> None:
        self.control_plane = control_plane
        self.launcher = PretendedLauncher()
        self.options = options
        self.task: asyncio.Task[None]

    async def start(self, surroundings: Any) -> None:
        key = "rwk_worker_abcdefabcdef_secret"
        identity = Identity(
            instance_id=new_id(),
            name="bench",
            type="process",
            queues=tuple(self.options.get("queues", ())),
            limit=2,
            version="1",
            key_name=key_name(key),
            api_url=surroundings.api_url,
        )

        async def work() -> None:
            async with connect(surroundings, key) as connection:
                host = Host(Path("/"), clock=SystemClock())
                may_create = self.options.get("may_create", False)
                usage = Usage(self.launcher.processes, clock=SystemClock())
                pool = Pool("heavy work", connection, identity, host, usage, may_create=may_create)
                grace = self.options.get("grace", 5.0)
                self.worker = Worker(pool, connection, self.launcher, Slots(2), grace=grace)
                await self.worker.run()

        self.task = asyncio.create_task(work())


@pytest.fixture
def play(control_plane, surroundings, run_async, monkeypatch) -> Callable[..., Any]:
    monkeypatch.setattr(loop_module, "FIRST_DELAY_SECONDS", 0.02)
    monkeypatch.setattr(loop_module, "STOPPING_BEAT_SECONDS", 0.02)

    def run(
        scenario: Callable[[Stage], Any], *, server_is_up: bool = True, **options: Any
    ) -> Stage:
        stage = Stage(control_plane, **options)

        async def whole() -> None:
            if not server_is_up:
                await control_plane.stop()
            await stage.start(surroundings(control_plane))
            try:
                await scenario(stage)
            finally:
                stage.task.cancel()
                await asyncio.wait({stage.task})

        run_async(whole, control_plane)
        return stage

    return run


async def until(condition: Callable[[], Any], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def ref(claimed: ClaimedRun) -> ExecutionRef:
    spec = claimed.spec
    return ExecutionRef(
        flow_run_id=spec.flow_run_id, token=spec.token, execution_id=spec.execution_id
    )


def test_a_claim_is_launched_and_listed_until_it_has_ended(play, control_plane, claim):
    claimed = claim()

    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer(claimed=[claimed]))
        await control_plane.until(lambda: len(control_plane.syncs) > 1)
        assert [run.spec for run in stage.launcher.launched] == [claimed.spec]
        assert control_plane.syncs[1].executions == [ref(claimed)]
        assert control_plane.syncs[1].free == 1
        stage.launcher.end(claimed.spec.execution_id)
        await control_plane.give(SyncAnswer())
        await control_plane.until(lambda: control_plane.syncs[-1].free == 2)

    play(scenario)
    assert control_plane.syncs[0].free == 2
    assert control_plane.syncs[0].host.memory_total_bytes > 0
    assert control_plane.syncs[-1].executions == []
    assert len(control_plane.instances) == 1


def test_a_claim_that_never_began_is_handed_back(play, control_plane, claim):
    claimed = claim()

    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer(claimed=[claimed]))
        await control_plane.until(lambda: len(control_plane.syncs) > 1)
        stage.launcher.end(
            claimed.spec.execution_id, is_reported=False, never_began=True, reason="it was killed"
        )
        await control_plane.until(lambda: control_plane.ends)
        await control_plane.give(SyncAnswer())
        await control_plane.until(lambda: control_plane.syncs[-1].free == 2)

    play(scenario)
    [(run, kind, body)] = control_plane.ends
    assert (run, kind) == (str(claimed.spec.flow_run_id), "release")
    assert (body["token"], body["reason"]) == (3, "it was killed")


def test_a_claim_that_is_told_again_is_launched_once(play, control_plane, claim):
    claimed = claim()

    async def scenario(stage: Stage) -> None:
        for _ in range(3):
            await control_plane.give(SyncAnswer(claimed=[claimed]))
        await control_plane.until(lambda: len(control_plane.syncs) > 3)
        assert len(stage.launcher.launched) == 1

    play(scenario)


def test_a_full_worker_asks_anew_as_soon_as_a_slot_is_free(play, control_plane, claim):
    claimed = [claim(), claim()]

    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer(claimed=claimed))
        await control_plane.until(lambda: control_plane.syncs and control_plane.syncs[-1].free == 0)
        stage.launcher.end(claimed[0].spec.execution_id)
        await control_plane.until(lambda: control_plane.syncs[-1].free == 1, within=3)

    play(scenario)
    assert len(control_plane.syncs) == 3


@pytest.mark.parametrize("order", ["cancel", "lost"])
def test_orders_are_passed_on_once(play, control_plane, claim, order):
    claimed = claim()

    async def scenario(stage: Stage) -> None:
        stage.launcher.ends_when_stopped = False
        await control_plane.give(SyncAnswer(claimed=[claimed]))
        for _ in range(2):
            await control_plane.give(SyncAnswer(**{order: [ref(claimed)]}))
        await control_plane.until(lambda: len(control_plane.syncs) > 3)
        reason = {"cancel": "cancelled", "lost": "lease_lost"}[order]
        assert stage.launcher.stops == [(claimed.spec.execution_id, reason)]

    play(scenario)


def test_a_worker_starts_before_its_control_plane_and_outlives_it(play, control_plane):
    async def scenario(stage: Stage) -> None:
        for _ in range(2):
            await asyncio.wait({stage.task}, timeout=0.1)
            assert not stage.task.done()
            seen = len(control_plane.syncs)
            await control_plane.start()
            await control_plane.until(lambda seen=seen: len(control_plane.syncs) > seen)
            await control_plane.stop()

    play(scenario, server_is_up=False)


_NO_SUCH_POOL = {"code": "work_pool_not_found", "detail": "no such pool"}


def test_an_unknown_pool_is_an_error_that_says_what_to_do(play, control_plane):
    control_plane.refuse["sync"] = (404, _NO_SUCH_POOL)

    async def scenario(stage: Stage) -> None:
        with pytest.raises(
            ConfigurationError, match=r"heavy work.*work-pool create.*--create-pool"
        ):
            await stage.task

    assert play(scenario).launcher.is_closed


def test_a_server_without_pools_is_not_taken_for_one_without_this_pool(play, control_plane):
    control_plane.refuse["sync"] = (404, {"detail": "Not Found"})

    async def scenario(stage: Stage) -> None:
        with pytest.raises(ConfigurationError, match=r"address of a Runwright server"):
            await stage.task

    play(scenario, may_create=True)
    assert control_plane.made == []


def test_an_unknown_pool_is_made_when_asked_for(play, control_plane):
    control_plane.refuse["sync"] = (404, _NO_SUCH_POOL)

    async def scenario(stage: Stage) -> None:
        await control_plane.until(lambda: len(control_plane.syncs) > 1)

    play(scenario, may_create=True)
    assert control_plane.made == [{"name": "heavy work", "type": "process"}]


def test_a_key_that_is_not_accepted_is_named_without_its_secret(play, control_plane):
    control_plane.refuse["sync"] = (401, {"detail": "unknown key"})

    async def scenario(stage: Stage) -> None:
        with pytest.raises(Unauthorized, match=r"rwk_worker_abcdefabcdef_.*RUNWRIGHT_API_KEY") as e:
            await stage.task
        assert "secret" not in str(e.value)

    play(scenario)


def test_a_key_that_is_revoked_later_does_not_end_the_worker(play, control_plane, caplog):
    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer())
        await control_plane.until(lambda: control_plane.syncs)
        control_plane.refuse["sync"] = (403, {"detail": "revoked"})
        await control_plane.give(SyncAnswer())
        await until(lambda: "does not accept the key" in caplog.text)
        control_plane.refuse.clear()
        seen = len(control_plane.syncs)
        await control_plane.until(lambda: len(control_plane.syncs) > seen)

    play(scenario)


def test_a_launch_that_fails_is_reported_with_its_reason(play, control_plane, claim):
    claimed = claim()

    async def scenario(stage: Stage) -> None:
        stage.launcher.fail = "the disk is full"
        await control_plane.give(SyncAnswer(claimed=[claimed]))
        await control_plane.until(lambda: control_plane.ends)

    play(scenario)
    [(run, kind, report)] = control_plane.ends
    assert (run, kind) == (str(claimed.spec.flow_run_id), "exit")
    assert report["reason"] == "could not be launched: the disk is full"


def test_an_error_that_nobody_thought_of_ends_the_run_and_frees_the_slot(
    play, control_plane, claim
):
    claimed, following = claim(), claim()

    async def scenario(stage: Stage) -> None:
        stage.launcher.error = OverflowError("int too large \ud800")
        await control_plane.give(SyncAnswer(claimed=[claimed]))
        await control_plane.until(lambda: control_plane.ends)
        stage.launcher.error = None
        await control_plane.give(SyncAnswer(claimed=[following]))
        await control_plane.until(lambda: stage.launcher.launched)

        def held() -> set[str]:
            return {str(each.execution_id) for each in control_plane.syncs[-1].executions}

        await control_plane.until(lambda: held() == {str(following.spec.execution_id)})

    play(scenario)
    assert control_plane.ends[0][2]["reason"] == (
        "could not be launched: OverflowError: int too large \ufffd"
    )


def test_the_worker_reports_what_a_dead_supervisor_cannot(play, control_plane, claim):
    claimed = claim()

    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer(claimed=[claimed]))
        await until(lambda: stage.launcher.launched)
        stage.launcher.end(claimed.spec.execution_id, is_reported=False, signal=9, reason="killed")
        await control_plane.until(lambda: control_plane.ends)

    play(scenario)
    assert control_plane.ends[0][2]["signal"] == 9
    assert control_plane.ends[0][2]["token"] == claimed.spec.token


def test_a_stopped_worker_waits_for_what_runs_and_hands_back_what_comes_late(
    play, control_plane, claim
):
    running, late = claim(), claim()

    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer(claimed=[running]))
        await until(lambda: stage.launcher.launched)
        stage.worker.stop()
        await control_plane.until(lambda: control_plane.syncs[-1].stopping)
        await control_plane.give(SyncAnswer(claimed=[late]))
        await control_plane.until(lambda: control_plane.ends)
        assert not stage.task.done()
        stage.launcher.end(running.spec.execution_id)
        await stage.task

    stage = play(scenario)
    assert stage.launcher.stops == []
    assert {(run, kind) for run, kind, _ in control_plane.ends} == {
        (str(late.spec.flow_run_id), "release")
    }
    assert control_plane.syncs[-1].stopping
    assert control_plane.syncs[-1].executions == []


@pytest.mark.parametrize("is_hurried", [False, True])
def test_what_does_not_finish_within_the_grace_is_ended(play, control_plane, claim, is_hurried):
    running = claim()

    async def scenario(stage: Stage) -> None:
        await control_plane.give(SyncAnswer(claimed=[running]))
        await until(lambda: stage.launcher.launched)
        stage.worker.stop()
        if is_hurried:
            stage.worker.stop()
        await stage.task

    stage = play(scenario, grace=60.0 if is_hurried else 0.05)
    assert set(stage.launcher.stops) == {(running.spec.execution_id, "shutdown")}
