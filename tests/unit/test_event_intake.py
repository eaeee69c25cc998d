"""Events that wait to be stored when their sender is refused."""

import asyncio
from types import SimpleNamespace

from runwright.server.api import event_streams
from runwright.server.problems import Denied


class Refused:
    """The access of a key that was good for one check and is revoked then."""

    checks = 0

    async def check(self):
        self.checks += 1
        if self.checks > 1:
            raise Denied("The key was revoked.")


def test_what_waits_when_its_sender_is_refused_is_not_stored(monkeypatch):
    monkeypatch.setattr(event_streams, "_MOST_AT_ONCE", 2)
    stored = []

    async def write(_):
        stored.append("batch")

    async def body():
        arrived = asyncio.Queue()
        for event in ["a", "b", "c", "d"]:
            arrived.put_nowait(event)
        wiring = SimpleNamespace(storage=SimpleNamespace(write=write))
        async with asyncio.timeout(5):  # it ends by itself
            await event_streams._store(wiring, arrived, Refused())
        assert stored == ["batch"]
        assert arrived.empty()

    asyncio.run(body())
