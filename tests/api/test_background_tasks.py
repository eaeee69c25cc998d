"""Background tasks: each is delivered to a process that knows its task, and to one at a time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.api.websockets import Socket

PATH = "/api/task_runs/subscriptions/scheduled"


@pytest.fixture
def deferred(api):
    """Asks for a background task; its id."""

    def ask(key="t", **details):
        state = {"type": "SCHEDULED", "state_details": {"deferred": True, **details}}
        body = {"task_key": key, "dynamic_key": str(uuid4()), "state": state}
        return api.ok("POST", "/api/task_runs/", body)["id"]

    return ask


async def subscribed(socket, api, *keys, client_id=None):
    assert (await socket.auth(api.key))["type"] == "auth_success"
    await socket.send({"type": "subscribe", "keys": list(keys), "client_id": client_id})


async def taken(socket):
    run = await socket.receive()
    await socket.send({"type": "ack"})
    return run["id"]


async def silent(socket):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(socket.from_server.get(), 0.3)


def test_each_is_delivered_once_and_in_its_order(api, deferred):
    first, other, second = deferred(), deferred("other"), deferred()

    async def scenario():
        async with Socket(api.app, PATH) as one, Socket(api.app, PATH) as two:
            await subscribed(one, api, "t")
            assert [await taken(one), await taken(one)] == [first, second]
            await subscribed(two, api, "t", "other")
            assert await taken(two) == other
            await silent(one)
            await silent(two)

    api.run(scenario())


def test_what_is_asked_for_later_comes_at_once_and_what_is_due_later_then(api):
    async def ask(due):
        state = {"type": "SCHEDULED", "state_details": {"deferred": True, "scheduled_time": due}}
        body = {"task_key": "t", "dynamic_key": str(uuid4()), "state": state}
        return (await api.send_async("POST", "/api/task_runs/", body)).json["id"]

    async def scenario():
        async with Socket(api.app, PATH) as socket:
            await subscribed(socket, api, "t")
            now = api.wiring.clock.now()
            later = await ask((now + timedelta(seconds=0.6)).isoformat())
            at_once = await ask(now.isoformat())
            assert [await taken(socket), await taken(socket)] == [at_once, later]

    api.run(scenario())


def test_what_a_worker_took_and_did_not_begin_is_delivered_again_when_it_goes(api, deferred):
    begun, not_begun = deferred(), deferred()

    async def scenario():
        async with Socket(api.app, PATH) as first:
            await subscribed(first, api, "t")
            assert [await taken(first), await taken(first)] == [begun, not_begun]
            running = {"state": {"type": "RUNNING"}}
            await api.send_async("POST", f"/api/task_runs/{begun}/set_state", running)
        async with Socket(api.app, PATH) as second:
            await subscribed(second, api, "t")
            assert await taken(second) == not_begun
            await silent(second)

    api.run(scenario())


def test_what_is_not_acknowledged_is_not_lost(api, deferred):
    run_id = deferred()

    async def scenario():
        async with Socket(api.app, PATH) as first:
            await subscribed(first, api, "t")
            await first.receive()
        async with Socket(api.app, PATH) as second:
            await subscribed(second, api, "t")
            assert await taken(second) == run_id

    api.run(scenario())


def test_only_deferred_task_runs_are_delivered(api, deferred):
    state = {"type": "SCHEDULED"}
    body = {"task_key": "t", "dynamic_key": "0", "state": state}
    api.ok("POST", "/api/task_runs/", body)
    gone = deferred()
    api.ok("DELETE", f"/api/task_runs/{gone}")

    async def scenario():
        async with Socket(api.app, PATH) as socket:
            await subscribed(socket, api, "t")
            await silent(socket)

    api.run(scenario())


def test_who_is_connected_is_listed(api, deferred):
    deferred("a")

    async def seen(**wanted):
        body = {"task_worker_filter": wanted or None}
        found = (await api.send_async("POST", "/api/task_workers/filter", body)).json
        return [(each["identifier"], each["task_keys"]) for each in found]

    async def scenario():
        async with Socket(api.app, PATH) as socket:
            await subscribed(socket, api, "a", "b", client_id="host-1")
            await taken(socket)  # so it is connected
            assert await seen() == await seen(task_keys=["b", "c"]) == [("host-1", ["a", "b"])]
            assert await seen(task_keys=["c"]) == []
        assert await seen() == []

    api.run(scenario())


@pytest.mark.parametrize("frame", ["{", {"type": "subscribe", "keys": []}, {"type": "other"}])
def test_a_subscription_that_makes_no_sense_is_closed(api, frame):
    async def scenario():
        async with Socket(api.app, PATH) as socket:
            await socket.auth(api.key)
            await socket.send(frame)
            assert await socket.receive() == 1002

    api.run(scenario())


def test_a_repeated_request_asks_for_one_task(api):
    state = {"type": "SCHEDULED", "state_details": {"deferred": True}}
    body = {"task_key": "t", "dynamic_key": "t-0123456789abcdef", "state": state}
    first = api.send("POST", "/api/task_runs/", body)
    again = api.send("POST", "/api/task_runs/", body)
    assert (first.status, again.status) == (201, 200)
    assert again.json["id"] == first.json["id"]
    # Task runs that nobody is to carry out may share a key.
    by_hand = {"task_key": "t", "dynamic_key": "0"}
    made = [api.send("POST", "/api/task_runs/", by_hand) for _ in range(2)]
    assert len({reply.json["id"] for reply in made}) == 2

    async def scenario():
        async with Socket(api.app, PATH) as socket:
            await subscribed(socket, api, "t")
            assert await taken(socket) == first.json["id"]
            await silent(socket)

    api.run(scenario())
