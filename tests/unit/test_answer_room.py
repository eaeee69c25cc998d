"""Room for large answers: bounded, first come, first served, and given back whatever happens."""

import asyncio

import pytest

from runwright.server.answer_room import AnswerRoom
from runwright.server.outlet import Outlet
from runwright.server.problems import Busy


def test_parts_wait_for_one_another_in_their_order():
    asyncio.run(parts_wait_for_one_another_in_their_order())


async def parts_wait_for_one_another_in_their_order():
    room, seen = AnswerRoom(10), []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def first():
        async with room.of(8):
            entered.set()
            await leave.wait()

    async def later(name, size):
        async with room.of(size):
            seen.append(name)

    tasks = [asyncio.create_task(first())]
    await entered.wait()
    tasks += [asyncio.create_task(later("large", 9)), asyncio.create_task(later("small", 1))]
    await asyncio.sleep(0)
    assert seen == []
    assert room.is_wanted()
    leave.set()
    await asyncio.gather(*tasks)
    assert seen == ["large", "small"]


def test_who_waits_too_long_or_goes_away_leaves_the_others_their_turn():
    asyncio.run(who_waits_too_long_or_goes_away_leaves_the_others_their_turn())


async def who_waits_too_long_or_goes_away_leaves_the_others_their_turn():
    room = AnswerRoom(10, patience=0.01)
    with room.taken(10):
        with pytest.raises(Busy):
            async with room.of(1):
                pass
        with pytest.raises(Busy), room.taken(1):
            pass
    async with room.of(1_000):  # one that is larger than all of the room has it alone
        pass


def test_a_large_answer_without_room_is_refused_and_a_small_one_is_not():
    asyncio.run(a_large_answer_without_room_is_refused_and_a_small_one_is_not())


async def a_large_answer_without_room_is_refused_and_a_small_one_is_not():
    room, sent = AnswerRoom(1_000_000), []

    def application(size):
        async def answer(_scope, _receive, send):
            headers = [(b"content-length", str(size).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"x" * size})

        return answer

    async def send(message):
        sent.append(message)

    async def statuses(size):
        sent.clear()
        await Outlet(application(size), room)({"type": "http"}, None, send)
        body = b"".join(each.get("body", b"") for each in sent)
        return sent[0]["status"], len(body)

    assert await statuses(900_000) == (200, 900_000)
    assert max(len(each.get("body", b"")) for each in sent) <= 16 * 1024
    with room.taken(500_000):
        status, _ = await statuses(900_000)
        assert status == 503
        assert b"retry-after" in dict(sent[0]["headers"])
        assert b"x-content-type-options" in dict(sent[0]["headers"])
        assert await statuses(10_000) == (200, 10_000)
    assert await statuses(900_000) == (200, 900_000)
