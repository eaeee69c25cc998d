"""pg_dump and pg_restore are enough: nothing of a control plane is outside of its database."""

import asyncio
import subprocess

from sqlalchemy import select
from tests.contract.pools import make_pool, schedule
from tests.postgres import BINARIES, create_database

from runwright.storage import migrations, tables
from runwright.storage.engine import open_storage


def test_a_dump_that_is_restored_has_every_run(postgres, tmp_path):
    there, here = create_database(postgres), create_database(postgres)
    migrations.upgrade(there)
    dump = tmp_path / "backup.dump"

    async def make():
        storage = open_storage(there)
        await storage.start()
        flow, deployment = await storage.write(make_pool)
        made = await schedule(storage, flow, deployment, count=3)
        await storage.stop()
        return made

    async def found():
        storage = open_storage(here)
        await storage.start()
        runs = await storage.read(lambda tx: tx.execute(select(tables.flow_run.c.id)).scalars())
        await storage.stop()
        return runs

    made = asyncio.run(make())
    subprocess.run([BINARIES / "pg_dump", "-Fc", "-f", dump, there], check=True)
    subprocess.run([BINARIES / "pg_restore", "--no-owner", "-d", here, dump], check=True)
    migrations.upgrade(here)

    assert set(asyncio.run(found())) == set(made)
