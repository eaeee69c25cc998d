"""Servers that start together on one database make one administrator's key."""

import asyncio

from sqlalchemy import func, select

from runwright.clock import SystemClock, new_id
from runwright.credentials import kept_keys
from runwright.server.first_key import keep_admin_key
from runwright.server.wiring import Wiring
from runwright.settings import load_settings
from runwright.storage.engine import open_storage
from runwright.storage.tables import api_key


def start(storage, home, url, *ports):
    """Starts one server a port, at once."""
    settings = load_settings({"RUNWRIGHT_HOME": str(home), "RUNWRIGHT_DATABASE_URL": url})
    wiring = Wiring(storage, SystemClock(), new_id, settings)
    return [keep_admin_key(wiring, home, f"http://127.0.0.1:{port}/api") for port in ports]


async def count_keys(storage):
    return await storage.read(lambda tx: tx.execute(select(func.count(api_key.c.id))).scalar())


def test_replicas_of_one_home_share_a_key(on_storage, database_url, tmp_path):
    async def body(storage):
        await asyncio.gather(*start(storage, tmp_path / "home", database_url, *range(1, 7)))
        kept = kept_keys(tmp_path / "home")
        assert len(kept) == 6
        assert len(set(kept.values())) == 1
        assert await count_keys(storage) == 1

    on_storage(body)


def test_replicas_of_several_homes_make_one_key(on_storage, database_url, tmp_path):
    async def body(storage):
        if storage.dialect.name == "sqlite":  # a file has one server
            return
        others = [open_storage(database_url) for _ in range(3)]
        for other in others:
            await other.start()
        starts = [
            start(each, tmp_path / str(number), database_url, number)[0]
            for number, each in enumerate([storage, *others])
        ]
        await asyncio.gather(*starts)
        for other in others:
            await other.stop()
        assert await count_keys(storage) == 1
        kept = [kept_keys(tmp_path / str(number)) for number in range(4)]
        assert sum(len(each) for each in kept) == 1

    on_storage(body)
