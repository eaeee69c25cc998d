"""A flow process's channel over a real socket pair, with the supervisor's end in the test."""

import asyncio
import socket
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from runwright.api.frames import AcknowledgedFrame, StopFrame, ToldFrame, UpFrame
from runwright.api.journal import Answer, FlowRunProposed, FlowRunStarted, LogWritten
from runwright.api.states import AcceptDetails, OrchestrationResult
from runwright.core.states import State, StateType
from runwright.errors import LeaseLost, ServerUnreachable
from runwright.sdk.channels.supervised import SupervisedChannel

RUN = uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def log(message):
    return LogWritten(flow_run_id=RUN, timestamp=NOW, level=20, name="x", message=message)


def proposed(kind, run_id=RUN):
    state = State(id=uuid4(), type=kind, name=kind.capitalize(), timestamp=NOW)
    return FlowRunProposed(flow_run_id=run_id, state=state)


def accepted(entry):
    return OrchestrationResult(state=entry.state, status="ACCEPT", details=AcceptDetails())


class Supervisor:
    """The other end: reads frames, and answers as `answer(frame)` says."""

    def __init__(self, answer):
        self.end, theirs = socket.socketpair()
        self.got_entries = threading.Event()
        self.entries = []
        self.answer = answer
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        self.channel = SupervisedChannel(theirs, RUN, uuid4())

    def _read(self):
        with self.end.makefile("rb") as stream:
            while size := stream.read(4):
                content = stream.read(int.from_bytes(size, "big"))
                frame = msgspec.msgpack.decode(content, type=UpFrame)
                if hasattr(frame, "entries"):
                    assert frame.first == len(self.entries)
                    self.entries += frame.entries
                if getattr(frame, "entries", None):
                    self.got_entries.set()
                for reply in self.answer(self, frame):
                    self.send(reply)

    def send(self, frame):
        content = msgspec.msgpack.encode(frame)
        self.end.sendall(len(content).to_bytes(4, "big") + content)

    def hang_up(self):
        self.end.shutdown(socket.SHUT_RDWR)


def accept_all(supervisor, frame):
    answers = [
        Answer(number=frame.first + i, result=accepted(entry))
        for i, entry in enumerate(frame.entries)
        if isinstance(entry, FlowRunProposed)
    ]
    if not answers and not frame.flush:
        return []
    return [AcknowledgedFrame(next=len(supervisor.entries), answers=answers)]


@pytest.fixture
def connect():
    made = []

    def connect(answer=accept_all):
        made.append(Supervisor(answer))
        return made[-1]

    yield connect
    for supervisor in made:
        supervisor.channel.close()
        supervisor.thread.join(5)
        supervisor.end.close()


def test_a_proposal_is_answered_after_all_before_it_has_arrived(connect):
    supervisor = connect()
    for i in range(5000):
        supervisor.channel.emit(log(str(i)))
    running = proposed(StateType.RUNNING)

    result = supervisor.channel.propose(running)

    assert result.status == "ACCEPT"
    assert [entry.message for entry in supervisor.entries[:-1]] == [str(i) for i in range(5000)]
    assert supervisor.entries[-1] == running


def test_entries_arrive_without_anybody_waiting(connect):
    supervisor = connect()
    supervisor.channel.emit(log("hello"))
    assert supervisor.got_entries.wait(5)
    assert supervisor.entries[0].message == "hello"


def test_threads_share_a_channel(connect):
    supervisor = connect()
    channel = supervisor.channel

    def work(name):
        run_id = uuid4()
        for i in range(200):
            channel.emit(log(f"{name} {i}"))
        assert channel.propose(proposed(StateType.RUNNING, run_id)).state is not None

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    channel.flush()
    logs = [entry.message for entry in supervisor.entries if isinstance(entry, LogWritten)]
    assert len(logs) == 1600
    for name in range(8):
        mine = [message for message in logs if message.startswith(f"{name} ")]
        assert mine == [f"{name} {i}" for i in range(200)]


def test_an_event_loop_is_not_blocked_by_a_proposal(connect):
    supervisor = connect(lambda _supervisor, _frame: [])
    channel = supervisor.channel

    async def main():
        waiting = asyncio.create_task(channel.propose_async(proposed(StateType.RUNNING)))
        assert await asyncio.to_thread(supervisor.got_entries.wait, 5)
        result = accepted(supervisor.entries[0])
        supervisor.send(AcknowledgedFrame(next=1, answers=[Answer(number=0, result=result)]))
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(main()).status == "ACCEPT"


def test_while_the_server_is_away_the_same_rules_decide_here(connect):
    def spool(supervisor, frame):
        return (
            [AcknowledgedFrame(next=len(supervisor.entries), spooled=True)] if frame.flush else []
        )

    channel = connect(spool).channel
    child = uuid4()
    channel.emit(FlowRunStarted(flow_run_id=child, flow_name="child", timestamp=NOW, retries=1))

    running = channel.propose(proposed(StateType.RUNNING, child))
    failed = channel.propose(proposed(StateType.FAILED, child))

    assert running.status == "ACCEPT"
    assert failed.status == "REJECT"
    assert failed.state is not None
    assert failed.state.name == "AwaitingRetry"


def test_a_claimed_run_has_what_is_left_of_its_retries_while_the_server_is_away(connect):
    def spool(supervisor, frame):
        return (
            [AcknowledgedFrame(next=len(supervisor.entries), spooled=True)] if frame.flush else []
        )

    channel = connect(spool).channel
    channel.allow_retries(2, used=1, delay=timedelta(0))

    states = []
    for kind in (StateType.RUNNING, StateType.FAILED, StateType.RUNNING, StateType.FAILED):
        states.append(channel.propose(proposed(kind)).state.name)  # noqa: PERF401
    assert states[1] == "AwaitingRetry"
    assert states[3] == "Failed"


def test_what_was_spent_before_the_code_was_loaded_counts_too(connect):
    def spool(supervisor, frame):
        return (
            [AcknowledgedFrame(next=len(supervisor.entries), spooled=True)] if frame.flush else []
        )

    channel = connect(spool).channel
    channel.allow_retries(1, used=0, delay=timedelta(0))
    channel.propose(proposed(StateType.RUNNING))
    assert channel.propose(proposed(StateType.FAILED)).state.name == "AwaitingRetry"
    channel.allow_retries(2, used=1, delay=timedelta(0))
    channel.propose(proposed(StateType.RUNNING))
    assert channel.propose(proposed(StateType.FAILED)).state.name == "Failed"


def test_a_request_goes_through_the_supervisor(connect):
    def answer(supervisor, frame):
        if hasattr(frame, "entries"):
            return accept_all(supervisor, frame)
        return [ToldFrame(number=frame.number, status=200, body={"path": frame.path})]

    channel = connect(answer).channel
    assert channel.ask("GET", "/variables/name/x") == (200, {"path": "/variables/name/x"})
    assert asyncio.run(channel.ask_async("GET", "/y")) == (200, {"path": "/y"})


def test_a_request_that_reaches_nobody_says_so(connect):
    def answer(supervisor, frame):
        if hasattr(frame, "entries"):
            return accept_all(supervisor, frame)
        return [ToldFrame(number=frame.number, status=0)]

    with pytest.raises(ServerUnreachable, match="GET /x"):
        connect(answer).channel.ask("GET", "/x")


def test_an_order_to_stop_is_passed_on_once(connect):
    supervisor = connect()
    reasons = []
    stopped = threading.Event()
    supervisor.channel.on_stop(lambda reason: (reasons.append(reason), stopped.set()))
    supervisor.send(StopFrame(reason="cancelled"))
    supervisor.send(StopFrame(reason="shutdown"))

    assert stopped.wait(5)
    supervisor.channel.flush()
    assert reasons == ["cancelled"]
    assert supervisor.channel.stop_reason == "cancelled"
    supervisor.channel.on_stop(reasons.append)
    assert reasons == ["cancelled", "cancelled"]


def test_who_lost_the_lease_gets_no_answers(connect):
    def answer(supervisor, frame):
        if getattr(frame, "entries", None):
            return [StopFrame(reason="lease_lost")]
        return []

    channel = connect(answer).channel
    with pytest.raises(LeaseLost, match="belongs to another execution"):
        channel.propose(proposed(StateType.RUNNING))
    with pytest.raises(LeaseLost):
        channel.flush()


def test_a_supervisor_that_has_ended_leaves_nobody_waiting(connect):
    def answer(supervisor, _frame):
        supervisor.hang_up()
        return []

    channel = connect(answer).channel
    with pytest.raises(ServerUnreachable, match="connection to its supervisor"):
        channel.propose(proposed(StateType.RUNNING))
    with pytest.raises(ServerUnreachable):
        channel.ask("GET", "/x")
    channel.emit(log("late"))
