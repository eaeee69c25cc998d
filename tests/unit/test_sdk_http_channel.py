"""Runs by hand against a server: begun by it, kept through its outages. It is a real one."""

import asyncio
import json
import logging
import threading
from collections import defaultdict
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web

from runwright.api.journal import (
    Answer,
    FlowRunProposed,
    FlowRunStarted,
    JournalAnswer,
    JournalBatch,
    LogWritten,
)
from runwright.api.states import AcceptDetails, OrchestrationResult
from runwright.core.states import State, StateType
from runwright.errors import ApiProblem, LeaseLost, ServerUnreachable
from runwright.sdk.channels.http import HttpChannel
from runwright.settings import Settings

RUN = uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = FlowRunStarted(flow_run_id=RUN, flow_name="etl", timestamp=NOW, retries=1)


def log(message):
    return LogWritten(flow_run_id=RUN, timestamp=NOW, level=20, name="x", message=message)


def proposed(kind):
    state = State(id=uuid4(), type=kind, name=kind.capitalize(), timestamp=NOW)
    return FlowRunProposed(flow_run_id=RUN, state=state)


class Server:
    """Takes journals in by the rules of the wire: repeats are dropped, gaps refused."""

    def __init__(self):
        self.journals = defaultdict(list)
        self.batches = []
        self.status = None
        self.cancel = False
        self.got = threading.Condition()
        self.loop = asyncio.new_event_loop()
        self.url = None
        self.started = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        assert self.started.wait(5)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self.started.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.runner.cleanup())
        self.loop.close()

    async def _start(self):
        app = web.Application()
        app.router.add_post("/api/flow_runs/{id}/journal", self.journal)
        app.router.add_get("/api/echo", self.echo)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/api"

    async def echo(self, request):
        return web.json_response({"key": request.headers.get("Authorization")})

    async def journal(self, request):
        with self.got:
            self.batches.append(None)
            self.got.notify_all()
            if self.status is not None:
                return web.json_response({"code": "lease_lost", "detail": "x"}, status=self.status)
            batch = msgspec.json.decode(await request.read(), type=JournalBatch)
            entries = self.journals[request.match_info["id"]]
            assert batch.first <= len(entries)
            fresh = batch.entries[len(entries) - batch.first :]
            answers = []
            for entry in fresh:
                if isinstance(entry, FlowRunProposed):
                    result = OrchestrationResult(
                        state=entry.state, status="ACCEPT", details=AcceptDetails()
                    )
                    answers.append(Answer(number=len(entries), result=result))
                entries.append(entry)
            answer = JournalAnswer(
                token=1,
                next=len(entries),
                lease_ttl_ms=120_000,
                renew_in_ms=40_000,
                answers=answers,
                cancel=self.cancel,
            )
            self.got.notify_all()
            return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    @property
    def entries(self):
        return self.journals[str(RUN)]

    def wait_for(self, condition):
        with self.got:
            assert self.got.wait_for(condition, 10)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def settings(server, tmp_path):
    # As short as the tests need it, which load_settings would refuse.
    return Settings(api_url=server.url, api_key="rwk_x", home=tmp_path, outage_tolerance=0.3)


@pytest.fixture
def open_channel(settings):
    opened = []

    def open_channel(**changes):
        chosen = msgspec.structs.replace(settings, **changes)
        opened.append(HttpChannel(chosen, RUN, uuid4()))
        return opened[-1]

    yield open_channel
    for channel in opened:
        channel.close()


def test_a_run_is_one_request_to_begin_and_one_to_end(server, open_channel):
    channel = open_channel()
    channel.emit(STARTED)
    assert channel.propose(proposed(StateType.RUNNING)).status == "ACCEPT"
    assert channel.propose(proposed(StateType.COMPLETED)).status == "ACCEPT"
    channel.close()
    assert len(server.batches) == 2
    assert [type(entry) for entry in server.entries] == [
        FlowRunStarted,
        FlowRunProposed,
        FlowRunProposed,
    ]


def test_everything_before_a_state_is_stored_when_it_is_answered(server, open_channel):
    channel = open_channel()
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    for i in range(5000):
        channel.emit(log(str(i)))
    channel.propose(proposed(StateType.COMPLETED))
    logs = [entry.message for entry in server.entries if isinstance(entry, LogWritten)]
    assert logs == [str(i) for i in range(5000)]


def test_entries_arrive_without_anybody_waiting(server, open_channel):
    channel = open_channel()
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    channel.emit(log("hello"))
    server.wait_for(lambda: len(server.entries) == 3)
    channel.emit(log("again"))
    channel.flush()
    assert len(server.entries) == 4


def test_it_works_in_an_event_loop(open_channel):
    async def main():
        channel = open_channel()
        channel.emit(STARTED)
        running = await channel.propose_async(proposed(StateType.RUNNING))
        told = await channel.ask_async("GET", "/echo")
        return running.status, told

    assert asyncio.run(main()) == ("ACCEPT", (200, {"key": "Bearer rwk_x"}))


def test_a_server_that_is_down_is_told_before_any_code_runs(open_channel):
    channel = open_channel(api_url="http://127.0.0.1:9/api")
    channel.emit(STARTED)
    with pytest.raises(ServerUnreachable, match="could not begin, and none of its code has run"):
        channel.propose(proposed(StateType.RUNNING))
    with pytest.raises(ServerUnreachable):
        channel.ask("GET", "/echo")


def test_a_question_in_the_last_moment_of_a_channel_is_answered_too(open_channel):
    answers = []

    def ask(channel):
        for _ in range(30):
            try:
                channel.ask("GET", "/echo")
            except ServerUnreachable as error:
                answers.append(error)

    for _ in range(10):
        channel = open_channel(api_url="http://127.0.0.1:9/api")
        channel.emit(STARTED)
        threads = [threading.Thread(target=ask, args=(channel,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        with pytest.raises(ServerUnreachable):
            channel.propose(proposed(StateType.RUNNING))
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
    assert len(answers) == 10 * 3 * 30


def test_a_server_that_refuses_says_with_what(server, open_channel):
    server.status = 401
    channel = open_channel()
    channel.emit(STARTED)
    with pytest.raises(ApiProblem, match=r"refused the journal .* with 401"):
        channel.propose(proposed(StateType.RUNNING))


def test_who_lost_the_run_stops(server, open_channel):
    channel = open_channel()
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    server.status = 409
    with pytest.raises(LeaseLost):
        channel.propose(proposed(StateType.COMPLETED))
    assert channel.stop_reason == "lease_lost"


def test_a_cancellation_comes_with_an_answer(server, open_channel):
    channel = open_channel()
    reasons = []
    channel.on_stop(reasons.append)
    server.cancel = True
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    assert channel.stop_reason == "cancelled"
    assert reasons == ["cancelled"]


def test_an_outage_loses_nothing(server, open_channel):
    channel = open_channel(outage_tolerance=60)
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    server.status = 503
    seen = len(server.batches)
    channel.emit(log("during"))
    server.wait_for(lambda: len(server.batches) >= seen + 2)
    server.status = None
    channel.propose(proposed(StateType.COMPLETED))
    assert [entry.message for entry in server.entries if isinstance(entry, LogWritten)] == [
        "during"
    ]


def test_what_a_lost_server_did_not_get_is_kept_and_delivered_by_the_next_run(
    server, settings, open_channel, caplog
):
    channel = open_channel()
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    server.status = 503
    channel.emit(log("late"))
    with caplog.at_level(logging.WARNING):
        assert channel.propose(proposed(StateType.COMPLETED)).status == "ACCEPT"
        channel.close()
    (kept,) = (settings.home / "spool" / "undelivered").iterdir()
    assert str(kept) in caplog.text
    assert json.loads(kept.read_text().splitlines()[0])["first"] == 2

    server.status = None
    following = HttpChannel(settings, uuid4(), uuid4())
    following.emit(STARTED)
    following.propose(proposed(StateType.RUNNING))
    server.wait_for(lambda: len(server.entries) == 4)
    while kept.exists():
        following.ask("GET", "/echo")
    following.close()
    assert server.entries[-1].state.type is StateType.COMPLETED
