"""The journal's way from a supervisor to the control plane, with a pretended control plane."""

import asyncio
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runwright.api.executions import ExecutionRef
from runwright.api.journal import Answer, FlowRunProposed, JournalAnswer, JournalBatch, LogWritten
from runwright.api.states import AbortDetails, AcceptDetails, OrchestrationResult
from runwright.core.states import State, StateType
from runwright.errors import ServerUnreachable
from runwright.worker import journal_pump
from runwright.worker.backlog import Backlog
from runwright.worker.journal_pump import JournalPump
from runwright.worker.refusals import Refusal

RUN = ExecutionRef(flow_run_id=uuid.uuid4(), token=2, execution_id=uuid.uuid4())
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def log(message: str) -> LogWritten:
    return LogWritten(
        flow_run_id=RUN.flow_run_id, timestamp=NOON, level=20, name="x", message=message
    )


def proposed(type_: StateType) -> FlowRunProposed:
    state = State(id=uuid.uuid4(), type=type_, name=type_.title(), timestamp=NOON)
    return FlowRunProposed(flow_run_id=RUN.flow_run_id, state=state)


class Stage:
    """A pump between a pretended flow and a pretended control plane."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.stored: list[Any] = []
        self.batches: list[JournalBatch] = []
        self.heard: list[tuple[int, int, bool]] = []
        self.cancelled = 0
        self.refusal: Refusal | None = None
        self.is_away = False
        self.aborts = False
        self.refuse: dict[str, tuple[int, bytes]] = {}
        self.most = 10_000
        self.changed = asyncio.Condition()
        self.pump = JournalPump(
            RUN,
            post=self.post,
            backlog=Backlog(folder / "spool" / "x.journal"),
            listener=self,
            lease_seconds=options.pop("lease_seconds", 60),
            outage_tolerance=options.pop("outage_tolerance", 60),
        )

    async def post(self, body: bytes) -> tuple[int, bytes]:
        async with self.changed:
            self.changed.notify_all()
        if self.is_away:
            raise ServerUnreachable("away")
        batch = msgspec.json.decode(body, type=JournalBatch)
        for entry in batch.entries:
            message = getattr(entry, "message", "")
            if message in self.refuse:
                return self.refuse[message]
        self.batches.append(batch)
        assert batch.first <= len(self.stored), "a gap"
        self.stored.extend(batch.entries[len(self.stored) - batch.first :])
        answers = [
            Answer(
                number=number,
                result=self.judged(entry),
            )
            for number, entry in enumerate(batch.entries, batch.first)
            if isinstance(entry, FlowRunProposed)
        ]
        answer = JournalAnswer(
            token=2, next=len(self.stored), lease_ttl_ms=300, renew_in_ms=20, answers=answers
        )
        return 200, msgspec.json.encode(answer)

    def judged(self, entry: FlowRunProposed) -> OrchestrationResult:
        if self.aborts:
            details = AbortDetails(reason="Another process runs this run.")
            return OrchestrationResult(state=entry.state, status="ABORT", details=details)
        return OrchestrationResult(state=entry.state, status="ACCEPT", details=AcceptDetails())

    def acknowledged(self, up_to: int, answers: list[Answer], *, is_spooled: bool) -> None:
        self.heard.append((up_to, len(answers), is_spooled))

    def cancel_requested(self) -> None:
        self.cancelled += 1

    def over(self, refusal: Refusal) -> None:
        self.refusal = refusal

    def add(self, *entries: Any, is_awaited: bool = False, first: int | None = None) -> None:
        at = self.pump._backlog.next if first is None else first
        self.pump.add(list(entries), first=at, is_awaited=is_awaited)

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)


@pytest.fixture
def play(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_pump, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(journal_pump, "LONGEST_DELAY_SECONDS", 0.02)

    def run(scenario, **options):
        async def whole():
            stage = Stage(tmp_path, **options)
            pumping = asyncio.create_task(stage.pump.run())
            try:
                await scenario(stage)
            finally:
                pumping.cancel()
                await asyncio.wait({pumping})
                stage.pump._backlog.close()
            return stage

        return asyncio.run(whole())

    return run


def test_what_the_flow_waits_for_goes_at_once_with_all_before_it(play):
    async def scenario(stage):
        stage.add(log("a"))
        stage.add(proposed(StateType.RUNNING), is_awaited=True)
        await stage.until(lambda: stage.heard)

    stage = play(scenario)
    assert stage.heard == [(2, 1, False)]
    assert stage.pump.has_started
    assert not stage.pump.has_ended


def test_entries_that_nobody_waits_for_travel_together(play):
    async def scenario(stage):
        for number in range(50):
            stage.add(log(str(number)))
        await stage.until(lambda: len(stage.stored) == 50)

    assert len(play(scenario).batches) == 1


def test_entries_sent_again_by_the_flow_are_dropped(play):
    async def scenario(stage):
        stage.add(log("a"), log("b"))
        stage.add(log("a"), log("b"), log("c"), first=0, is_awaited=True)
        await stage.until(lambda: stage.heard)

    assert [entry.message for entry in play(scenario).stored] == ["a", "b", "c"]


def test_an_idle_execution_renews_its_lease(play):
    async def scenario(stage):
        await stage.until(lambda: len(stage.batches) > 3)

    stage = play(scenario, lease_seconds=0.05)
    assert stage.heard == []


def test_an_outage_lets_logs_go_to_disk_but_user_code_waits_for_leave_to_start(play, tmp_path):
    async def scenario(stage):
        stage.is_away = True
        stage.add(proposed(StateType.RUNNING), is_awaited=True)
        async with stage.changed:
            await stage.changed.wait_for(lambda: list(tmp_path.glob("spool/*")))
            await stage.changed.wait()
        assert stage.heard == []
        stage.is_away = False
        await stage.until(lambda: stage.heard)
        stage.is_away = True
        stage.add(log("a"), is_awaited=True)
        await stage.until(lambda: len(stage.heard) > 1)
        assert stage.heard[1] == (2, 0, True)
        stage.is_away = False
        await stage.until(lambda: len(stage.stored) == 2)

    play(scenario)
    assert list(tmp_path.glob("spool/*")) == []


def test_after_a_while_the_flow_may_decide_about_states_itself(play, monkeypatch):
    monkeypatch.setattr(journal_pump, "DECIDE_ALONE_AFTER_SECONDS", 0.05)

    async def scenario(stage):
        stage.add(proposed(StateType.RUNNING), is_awaited=True)
        await stage.until(lambda: stage.heard)
        stage.is_away = True
        stage.add(proposed(StateType.COMPLETED), is_awaited=True)
        await stage.until(lambda: len(stage.heard) > 1)
        stage.is_away = False
        await stage.pump.drained()

    stage = play(scenario)
    assert stage.heard[1] == (2, 0, True)
    assert stage.pump.has_ended


@pytest.mark.parametrize("status", [401, 404, 409, 410])
def test_an_execution_that_is_not_wanted_any_more_is_over(play, status):
    async def scenario(stage):
        stage.refuse["a"] = (status, b'{"code": "lease_lost"}')
        stage.add(log("a"))
        await stage.pump.drained()

    stage = play(scenario)
    assert stage.refusal is Refusal.LEASE_LOST
    assert stage.pump.is_over


def test_a_bad_entry_is_replaced_and_the_others_arrive(play):
    async def scenario(stage):
        stage.refuse["bad"] = (422, b'{"detail": "too deep"}')
        stage.add(*(log(str(number)) for number in range(5)), log("bad"), log("last"))
        await stage.pump.drained()

    messages = [entry.message for entry in play(scenario).stored]
    assert messages[:5] == list("01234")
    assert "too deep" in messages[5]
    assert messages[6] == "last"


def test_the_outage_tolerance_ends_the_wait(play):
    async def scenario(stage):
        stage.is_away = True
        stage.add(log("a"))
        await stage.pump.drained()

    assert play(scenario, outage_tolerance=0.05).refusal is Refusal.AWAY_TOO_LONG


def test_a_backlog_keeps_its_order_from_memory_to_disk_and_back(tmp_path):
    backlog = Backlog(tmp_path / "folder" / "x.journal")
    for number in range(3000):
        if number == 10:
            backlog.spill()
        backlog.append(b"%d" % number)
    assert backlog.is_spilling
    seen = []
    while len(backlog):
        batch = backlog.batch(700, 1 << 20)
        seen += batch
        backlog.drop_below(backlog.first + len(batch))
    assert seen == [b"%d" % number for number in range(3000)]
    assert not backlog.is_spilling
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_backlog_goes_on_in_memory_when_the_disk_is_full(tmp_path):
    backlog = Backlog(tmp_path / "x.journal")
    backlog.append(b"0")
    backlog.spill()
    backlog.append(b"1")
    backlog._file.close()
    backlog._file = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115
    backlog._read_from = 0
    backlog.append(b"2")
    assert not backlog.is_spilling
    assert backlog.next == 3
    backlog.append(b"3")
    assert backlog.batch(10, 1000)[-2:] == [b"2", b"3"]


def test_tries_are_never_further_apart_than_leaves_time_to_keep_the_lease(play, monkeypatch):
    monkeypatch.setattr(journal_pump, "LONGEST_DELAY_SECONDS", 600)
    monkeypatch.setattr(journal_pump, "FIRST_DELAY_SECONDS", 600)

    async def scenario(stage):
        stage.is_away = True
        stage.add(log("a"), is_awaited=True)
        for _ in range(3):
            async with stage.changed:
                await stage.changed.wait()
        stage.is_away = False
        await stage.until(lambda: stage.stored)

    play(scenario, lease_seconds=0.3)


def test_who_is_refused_because_the_run_runs_is_the_second_of_its_execution(play):
    async def scenario(stage):
        stage.aborts = True
        stage.add(proposed(StateType.RUNNING), is_awaited=True)
        await stage.until(lambda: stage.heard)

    stage = play(scenario)
    assert stage.pump.is_second
    assert not stage.pump.has_started
