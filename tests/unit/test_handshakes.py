"""Strangers' websockets are listened to a few at a time, and none keeps out the others for long."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

from runwright.server import handshakes
from runwright.server.handshakes import Handshakes


class Silent:
    """A socket whose frame comes when it is told to."""

    def __init__(self) -> None:
        self.frame: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_listened_to = False

    async def receive_data(self, mode: str) -> str:
        assert mode == "text"
        self.is_listened_to = True
        return await self.frame


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        async def main() -> None:
            await test(*given, **named)

        asyncio.run(main())

    return run


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def listen(places: Handshakes, socket: Any) -> asyncio.Task[str]:
    return asyncio.create_task(places.first_frame(socket))


@in_a_loop
async def test_the_others_wait_and_the_newest_is_next() -> None:
    places = Handshakes(most=2)
    sockets = [Silent() for _ in range(4)]
    tasks = [listen(places, each) for each in sockets]
    await settle()
    assert [each.is_listened_to for each in sockets] == [True, True, False, False]
    sockets[0].frame.set_result("a")
    assert await tasks[0] == "a"
    await settle()
    assert [each.is_listened_to for each in sockets] == [True, True, False, True]
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    last = Silent()
    last.frame.set_result("z")
    assert await places.first_frame(last) == "z"  # type: ignore[arg-type]
    assert places._free == 2
    assert not places._waiting


@in_a_loop
async def test_who_says_nothing_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "_HURRIED_S", 0.01)
    places = Handshakes(most=1)
    silent, ready = Silent(), Silent()
    holding = listen(places, silent)
    await settle()
    ready.frame.set_result("me")
    async with asyncio.timeout(5):
        assert await places.first_frame(ready) == "me"  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        await holding
    assert places._free == 1


@in_a_loop
async def test_a_place_is_not_lost_with_who_gave_up() -> None:
    places = Handshakes(most=1)
    first, second = Silent(), Silent()
    holding = listen(places, first)
    await settle()
    waiting = listen(places, second)
    await settle()
    first.frame.set_result("a")
    waiting.cancel()  # at the moment at which it is given the place
    await asyncio.gather(holding, waiting, return_exceptions=True)
    assert places._free == 1
