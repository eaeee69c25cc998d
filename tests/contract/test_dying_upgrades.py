"""An upgrade that is killed on its way changes nothing, and can be repeated, on both databases."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.dying_upgrades import what_is_there
from tests.contract.pools import make_pool, schedule
from tests.postgres import create_database

from runwright.storage import migrations
from runwright.storage.engine import open_storage

#: One of so many statements is one to die before; all those that record a revision are.
EACH = {"sqlite": 2, "postgresql": 6}


def dying(database_url, *numbers):
    program = Path(__file__).with_name("dying_upgrades.py")
    told = subprocess.run(
        [sys.executable, program, database_url, *map(str, numbers)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in told.stdout.splitlines()]


def another(database_url):
    if database_url.startswith("sqlite"):
        return database_url + "2"
    return create_database(database_url.partition("host=")[2])


def nothing(_database_url):
    pass


def rows_of_the_first_revision(database_url):
    """The database of the first revision, with a pool, a deployment and runs."""
    migrations.upgrade(database_url)

    async def fill():
        storage = open_storage(database_url)
        await storage.start()
        try:
            flow, deployment = await storage.write(make_pool)
            await schedule(storage, flow, deployment, 3)
        finally:
            await storage.stop()

    asyncio.run(fill())
    migrations.downgrade(database_url, "0001")


@pytest.mark.parametrize("start", [nothing, rows_of_the_first_revision])
def test_an_upgrade_that_is_killed_before_any_statement_is_as_if_it_had_not_begun(
    database_url, start
):
    start(database_url)
    undisturbed = another(database_url)
    start(undisturbed)
    [[records, last]] = dying(undisturbed, 0)
    assert len(records) >= 14
    each = EACH[database_url.partition(":")[0]]
    # With rows there, the later revisions are looked at closely: from nothing, the first ones.
    end = records[2] if start is nothing else last
    numbers = sorted({*range(1, end, each), *records, last})
    before = what_is_there(database_url)

    for number, died, after in dying(database_url, *numbers):
        assert died, f"it ended before statement {number}"
        assert after == before, f"killed before statement {number} of {last}"
    migrations.upgrade(database_url)

    made, wanted = what_is_there(database_url), what_is_there(undisturbed)
    if start is nothing:
        assert made == wanted
    else:  # the runs are not the same ones
        assert made[:-3] == wanted[:-3]
        assert [row for row in before if row.startswith("(")] == made[-3:]
