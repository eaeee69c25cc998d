"""Streams follow what was stored: what comes late, by its own clock, comes all the same."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert
from tests.api.websockets import Socket

from runwright.api.events import EventFilter
from runwright.core.states import State, StateType
from runwright.server import event_feed
from runwright.server.api import event_streams, log_stream
from runwright.storage import arrivals
from runwright.storage.moves import record_move
from runwright.storage.runs import lock_run
from runwright.storage.tables import event

LATE = timedelta(minutes=5)


@pytest.fixture
def run_id(api):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"flow_id": flow, "state": {"type": "PENDING"}}
    return api.ok("POST", "/api/flow_runs/", body)["id"]


async def move_late(api, run_id, *kinds):
    """Moves that happened minutes ago, one before the other, stored in one transaction."""

    def move(tx):
        for number, kind in enumerate(kinds):
            at = tx.now - LATE - timedelta(seconds=number)
            state = State(id=api.wiring.new_id(), type=kind, name=kind.capitalize(), timestamp=at)
            record_move(tx, lock_run(tx, run_id), state)

    await api.wiring.storage.write(move)


async def ask_for(api, socket, **wanted):
    await socket.auth(api.key)
    await socket.send({"type": "filter", "filter": wanted})


async def names(socket, count):
    return [
        (await socket.receive())["event"]["event"].removeprefix("prefect.flow-run.")
        for _ in range(count)
    ]


def test_states_that_come_late_are_streamed_in_the_order_of_their_run(api, run_id):
    kinds = (StateType.RUNNING, StateType.PAUSED, StateType.RUNNING, StateType.COMPLETED)

    async def body():
        since = (api.wiring.clock.now() - timedelta(minutes=1)).isoformat()
        wanted = {"occurred": {"since": since}, "event": {"prefix": ["prefect.flow-run."]}}
        async with Socket(api.app, "/api/events/out") as out:
            await ask_for(api, out, **wanted)
            assert await names(out, 1) == ["Pending"]
            await move_late(api, run_id, *kinds)
            assert await names(out, 4) == [each.capitalize() for each in kinds]
        async with Socket(api.app, "/api/events/out") as again:
            await ask_for(api, again, **wanted)
            assert await names(again, 5) == ["Pending", *(each.capitalize() for each in kinds)]

    api.run(body())


def test_many_of_one_instant_are_all_streamed(api, run_id, monkeypatch):
    monkeypatch.setattr(event_feed, "_MOST_FOUND", 3)
    monkeypatch.setattr(event_streams, "_MOST_AT_ONCE", 3)
    told = [
        {
            "id": str(uuid4()),
            "occurred": api.wiring.clock.now().isoformat(),
            "event": "news",
            "resource": {"prefect.resource.id": f"thing.{number}"},
        }
        for number in range(20)
    ]

    async def body():
        async with api.wiring.events.listen(EventFilter()) as heard:
            await api.send_async("POST", "/api/events/", told)
            ids = {f"{(await heard.next())[0]}" for _ in told}
            assert ids == {each["id"] for each in told}
        since = (api.wiring.clock.now() - timedelta(minutes=1)).isoformat()
        async with Socket(api.app, "/api/events/out") as out:
            await ask_for(api, out, occurred={"since": since}, event={"name": ["news"]})
            assert {(await out.receive())["event"]["id"] for _ in told} == ids

    api.run(body())


def test_what_commits_late_is_streamed(api, monkeypatch):
    monkeypatch.setattr(event_feed, "_LONG_LOOK_EVERY", timedelta(0))
    late = {
        "id": uuid4(),
        "event": "late",
        "resource_id": "thing",
        "resource": {"prefect.resource.id": "thing"},
        "related": [],
        "payload": {},
    }

    def store(tx):
        # Marked when its transaction began, which others have overtaken.
        began = tx.now - timedelta(seconds=20)
        tx.execute(insert(event).values(**late, occurred=began, received=began))

    async def body():
        async with api.wiring.events.listen(EventFilter()) as heard:
            await api.wiring.storage.write(store)
            assert (await heard.next())[0] == late["id"]

    api.run(body())


def test_one_event_that_cannot_be_read_stops_no_other(api, run_id, monkeypatch, caplog):
    poison, read = uuid4(), arrivals.arrived_events

    def reading(tx, found):
        if poison in [each.id for each in found]:
            raise ValueError("not to be read")
        return read(tx, found)

    monkeypatch.setattr(event_feed, "arrived_events", reading)
    ids = [str(uuid4()), str(poison), str(uuid4())]

    async def body():
        async with api.wiring.events.listen(EventFilter()) as heard:
            now = api.wiring.clock.now().isoformat()
            resource = {"prefect.resource.id": "thing"}
            told = [
                {"id": each, "occurred": now, "event": "news", "resource": resource} for each in ids
            ]
            await api.send_async("POST", "/api/events/", told)
            found = {f"{(await heard.next())[0]}" for _ in range(2)}
            assert found == {ids[0], ids[2]}
            # What is stored later is heard later: the one in the middle has been looked at by then.
            after = [told[0] | {"id": str(uuid4())}]
            await api.send_async("POST", "/api/events/", after)
            assert f"{(await heard.next())[0]}" == after[0]["id"]

    api.run(body())


def test_records_that_come_late_are_streamed_and_any_number_of_them(api, monkeypatch):
    monkeypatch.setattr(log_stream, "MAX_LIMIT", 3)

    def records(first, at):
        return [
            {"name": "n", "level": 20, "message": f"{number}", "timestamp": at.isoformat()}
            for number in range(first, first + 10)
        ]

    async def body():
        now = api.wiring.clock.now()
        await api.send_async("POST", "/api/logs/", records(0, now - LATE))
        async with Socket(api.app, "/api/logs/out") as out:
            after = (now - timedelta(minutes=1)).isoformat()
            await ask_for(api, out, timestamp={"after_": after}, level={"ge_": 10})
            heard = [(await out.receive())["log"]["message"] for _ in range(10)]
            await api.send_async("POST", "/api/logs/", records(10, now - LATE))
            heard += [(await out.receive())["log"]["message"] for _ in range(10)]
            assert heard == [f"{number}" for number in range(20)]

    api.run(body())
