"""Streams to who does not read, and from a database that fails for a moment."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.api.websockets import Socket

from runwright.api.events import EventFilter
from runwright.server import event_feed, listener, outgoing


def event(api, name="news", **payload):
    return {
        "id": str(uuid4()),
        "occurred": api.wiring.clock.now().isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": "thing.1"},
        "payload": payload,
    }


def record(api, number):
    now = api.wiring.clock.now().isoformat()
    return {"name": "n", "level": 20, "message": f"{number}", "timestamp": now}


async def ask_for(api, socket, **wanted):
    assert (await socket.auth(api.key))["type"] == "auth_success"
    await socket.send({"type": "filter", "filter": wanted})


async def until(condition, within=10.0):
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # of another task, which tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("source", ["events", "logs"])
def test_who_does_not_read_is_let_go(api, monkeypatch, source):
    monkeypatch.setattr(outgoing, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(outgoing, "_GOODBYE_S", 0.1)

    async def body():
        since = (api.wiring.clock.now() - timedelta(minutes=1)).isoformat()
        wanted = {"events": {}, "logs": {"timestamp": {"after_": since}}}[source]
        async with (
            api.wiring.events.listen(EventFilter()),  # so that the feed looks already
            Socket(api.app, f"/api/{source}/out", room=1) as socket,
        ):
            await ask_for(api, socket, **wanted)
            if source == "events":
                await until(lambda: len(list(api.wiring.events)) == 2)
            for number in range(3):
                one = event(api) if source == "events" else record(api, number)
                await api.send_async("POST", f"/api/{source}/", [one])
            await asyncio.wait_for(socket.serving, 5)
        assert not list(api.wiring.events)

    api.run(body())


def test_who_leaves_too_much_waiting_is_told_to_come_again(api, monkeypatch):
    monkeypatch.setattr(listener, "_MOST_WAITING_SIZE", 4_000)

    async def body():
        async with (
            api.wiring.events.listen(EventFilter()),
            Socket(api.app, "/api/events/out", room=1) as socket,
        ):
            await ask_for(api, socket)
            await until(lambda: len(list(api.wiring.events)) == 2)
            many = [event(api, much="x" * 1_000) for _ in range(9)]
            await api.send_async("POST", "/api/events/", many)
            await until(lambda: all(each.is_too_slow for each in api.wiring.events))
            received = [await socket.receive()]
            while received[-1] != 1013:
                received.append(await socket.receive())
            assert len(received) < 9
            await asyncio.wait_for(socket.serving, 5)
        assert not list(api.wiring.events)

    api.run(body())


def test_whatever_fails_the_feed_goes_on(api, monkeypatch, caplog):
    found, failures = event_feed.EventFeed._look, 2

    async def failing(self):
        nonlocal failures
        await found(self)
        if failures:
            failures -= 1
            raise ValueError("what nobody thought of")

    monkeypatch.setattr(event_feed.EventFeed, "_look", failing)

    async def body():
        async with Socket(api.app, "/api/events/out") as socket:
            await ask_for(api, socket)
            await until(lambda: failures == 0)
            news = event(api)
            await api.send_async("POST", "/api/events/", [news])
            assert (await socket.receive())["event"]["id"] == news["id"]

    api.run(body())
    assert "what nobody thought of" in caplog.text
