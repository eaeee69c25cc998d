"""Places that keys share: none takes all, each is served in turn, and nobody waits for ever."""

import asyncio

import pytest

from runwright.storage.errors import StorageCrowded
from runwright.storage.turns import ASKER, Asker, Turns


def run(body):
    async def bounded():
        async with asyncio.timeout(10):
            await body()

    asyncio.run(bounded())


async def asked(turns, who, served):
    """A query of a key that notes when it has its turn."""
    ASKER.set(Asker(who))
    served.append(await turns.take())


async def ask(turns, who, served, times=1):
    tasks = [asyncio.create_task(asked(turns, who, served)) for _ in range(times)]
    await asyncio.sleep(0)
    return tasks


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("places", [2, 4])
def test_a_key_never_has_all_places(places):
    async def body():
        turns, served = Turns(places, 16), []
        mine = await ask(turns, "greedy", served, 8)
        assert served == ["greedy"] * (places - 1)
        await asyncio.gather(*await ask(turns, "other", served))
        assert served[-1] == "other"
        turns.free("other")
        await settle()
        assert served.count("greedy") == places - 1
        turns.free("greedy")
        await settle()
        assert served.count("greedy") == places
        for each in mine:
            each.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        assert turns.waiting == 0

    run(body)


def test_where_there_is_one_place_keys_take_turns():
    async def body():
        turns, served = Turns(1, 16), []
        await ask(turns, "greedy", served, 5)
        await ask(turns, "one", served, 2)
        await ask(turns, "two", served, 1)
        while turns.waiting:
            turns.free(served[-1])
            await settle()
        assert served == ["greedy", "greedy", "one", "two", "greedy", "one", "greedy", "greedy"]

    run(body)


def test_a_key_has_half_of_the_room_for_waiting():
    async def body():
        turns, served = Turns(1, 4), []
        greedy = await ask(turns, "greedy", served, 10)
        refused = [each for each in greedy if each.done() and each.exception()]
        assert len(refused) == 7
        assert isinstance(refused[0].exception(), StorageCrowded)
        await ask(turns, "one", served)
        await ask(turns, "two", served)
        (full,) = await ask(turns, "three", served)
        assert isinstance(full.exception(), StorageCrowded)
        assert turns.waiting == 4

    run(body)


def test_whoever_waits_for_too_long_is_refused_and_leaves_nothing_behind():
    async def body():
        turns, served = Turns(1, 4, patience=0.01), []
        await ask(turns, "one", served)
        (late,) = await ask(turns, "two", served)
        with pytest.raises(StorageCrowded):
            await late
        assert turns.waiting == 0
        turns.free("one")
        await asyncio.gather(*await ask(turns, "two", served))
        assert served == ["one", "two"]

    run(body)


def test_a_place_that_was_given_to_one_who_is_gone_goes_on():
    async def body():
        turns, served = Turns(1, 4), []
        await ask(turns, "one", served)
        (gone,) = await ask(turns, "two", served)
        await ask(turns, "three", served)
        turns.free("one")  # to the second, who is cancelled in the same turn of the loop
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await settle()
        assert served == ["one", "three"]

    run(body)
