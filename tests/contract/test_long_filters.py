"""Filters of thousands of values, and queries that take long: right, and nobody waits for them."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from runwright.api.filters import FlowRunFilter, IdIs, Query, TagsAre, TextIs
from runwright.api.flow_runs import FlowRunCreate
from runwright.server.policy import Policy
from runwright.server.use_cases.create_run import create_run
from runwright.storage import postgres, sqlite_readers
from runwright.storage.engine import Storage, Transaction
from runwright.storage.errors import QueryTooSlow, StorageCrowded
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.queries import count, read_many
from runwright.storage.runs import flow_named
from runwright.storage.turns import ASKER, Asker

OnStorage = Callable[[Any], Any]
MANY = 10_000
#: Minutes of counting, without end as far as a test is concerned.
ENDLESS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000000) "
    "SELECT count(*) FROM n"
)


def endless(tx: Transaction) -> Any:
    return tx.execute(ENDLESS).scalar()


async def make_runs(storage: Storage, **tags: list[str]) -> dict[str, UUID]:
    def use_case(tx: Transaction) -> dict[str, UUID]:
        flow = flow_named(tx, "f", uuid4())
        bodies = {name: FlowRunCreate(flow_id=flow, name=name, tags=t) for name, t in tags.items()}
        return {name: create_run(tx, body, Policy()).id for name, body in bodies.items()}

    return await storage.write(use_case)


async def names(storage: Storage, **criteria: Any) -> list[str]:
    query = Query(flow_runs=FlowRunFilter(**criteria))
    found = await storage.read(lambda tx: read_many(tx, FLOW_RUNS, query))
    assert await storage.read(lambda tx: count(tx, FLOW_RUNS, query)) == len(found)
    return sorted(run.name for run in found)


def test_ten_thousand_values_are_one_parameter_and_narrow_as_few_do(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        ids = await make_runs(storage, a=["x", "y"], b=["y"], c=[])
        others = [f"no-{number}" for number in range(MANY - 2)]
        strangers = [uuid4() for _ in range(MANY - 1)]

        assert await names(storage, tags=TagsAre(any_=["x", *others])) == ["a"]
        assert await names(storage, tags=TagsAre(any_=["y", "y", *others])) == ["a", "b"]
        assert await names(storage, tags=TagsAre(all_=["x", "y", "y"])) == ["a"]
        assert await names(storage, tags=TagsAre(all_=["x", *others])) == []
        assert await names(storage, id=IdIs(any_=[ids["b"], *strangers])) == ["b"]
        assert await names(storage, id=IdIs(not_any_=[ids["b"], *strangers])) == ["a", "c"]
        assert await names(storage, name=TextIs(any_=["c", *others])) == ["c"]
        assert await names(storage, name=TextIs(not_any_=["c", *others])) == ["a", "b"]
        assert await names(storage, name=TextIs(startswith_=["c", *others])) == ["c"]
        assert await names(storage, deployment_id=IdIs(not_any_=strangers)) == []
        either = {"operator": "or_", "id": IdIs(any_=[ids["c"], *strangers])}
        assert await names(storage, **either, tags=TagsAre(any_=["x", *others])) == ["a", "c"]

    on_storage(body)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long queries have a second, and only one of them may wait."""
    *shorter, longest = sqlite_readers.LANES
    lanes = (*shorter, longest._replace(threads=1, longest=1.0, shortest=1.0, most_waiting=1))
    monkeypatch.setattr(sqlite_readers.SqliteReaders.__init__, "__defaults__", (lanes,))
    monkeypatch.setattr(postgres, "_LONG_QUERY", timedelta(seconds=1))
    monkeypatch.setattr(postgres, "_LONG_WAITING", 1)
    monkeypatch.setattr(postgres, "_LONG_AT_ONCE", 1)
    timeout = f"{postgres._TO_READ}; SET LOCAL statement_timeout = 1000"
    monkeypatch.setattr(postgres, "_TO_READ_LONG", timeout)


@pytest.mark.usefixtures("hurried")
def test_a_query_without_end_is_given_up_and_says_what_to_do(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        for way in (storage.read, storage.glance):
            with pytest.raises(QueryTooSlow, match=r"given up after 1 s.*Narrow it"):
                await way(endless)
        assert await names(storage) == []

    on_storage(body)


@pytest.mark.usefixtures("hurried")
def test_long_queries_hold_up_neither_writes_nor_short_reads(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        long = [asyncio.create_task(storage.read(endless)) for _ in range(20)]
        await asyncio.sleep(0)
        longest, rounds = 0.0, 0
        while not all(task.done() for task in long):
            begun = time.monotonic()
            await make_runs(storage, a=[])
            await storage.read(lambda tx: tx.execute(text("SELECT 1")).scalar())
            longest, rounds = max(longest, time.monotonic() - begun), rounds + 1
        told = await asyncio.gather(*long, return_exceptions=True)
        assert {type(each) for each in told} == {QueryTooSlow, StorageCrowded}
        crowded = next(each for each in told if isinstance(each, StorageCrowded))
        assert "send it again after the pause" in str(crowded)
        # Each of the twenty had 50 ms of two lanes at the most before it was in nobody's way.
        assert rounds > 5
        assert longest < 2.0

    on_storage(body)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """One long query at a time. Four may wait, of which a key has two."""
    *shorter, longest = sqlite_readers.LANES
    lanes = (*shorter, longest._replace(threads=1, most_waiting=4))
    monkeypatch.setattr(sqlite_readers.SqliteReaders.__init__, "__defaults__", (lanes,))
    monkeypatch.setattr(postgres, "_LONG_AT_ONCE", 1)
    monkeypatch.setattr(postgres, "_LONG_WAITING", 4)


@pytest.mark.usefixtures("shared")
def test_the_long_queries_of_one_key_leave_room_for_those_of_another(on_storage: OnStorage) -> None:
    async def endless_for(storage: Storage, who: str) -> None:
        ASKER.set(Asker(who))
        await storage.read(endless)

    async def body(storage: Any) -> None:
        is_postgres = isinstance(storage, postgres.PostgresStorage)
        turns = storage._long if is_postgres else storage._readers._lanes[-1]._turns
        asked = [asyncio.create_task(endless_for(storage, "greedy")) for _ in range(4)]
        asked.append(asyncio.create_task(endless_for(storage, "other")))
        # One of the greedy key has its turn, two wait, and the fourth is refused.
        async with asyncio.timeout(8):
            while turns.waiting < 3:  # noqa: ASYNC110  # the storage tells nobody
                await asyncio.sleep(0.01)
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [type(each.exception()) for each in done] == [StorageCrowded]
        assert asked[-1] not in done
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    on_storage(body)


def test_a_survey_has_no_deadline_and_a_storage_that_stops_does_not_wait_for_it(
    on_storage: OnStorage,
) -> None:
    async def body(storage: Storage) -> None:
        surveying = asyncio.create_task(storage.survey(endless))
        await asyncio.sleep(0)
        assert await names(storage) == []  # beside it
        surveying.cancel()
        await asyncio.gather(surveying, return_exceptions=True)

    begun = time.monotonic()
    on_storage(body)
    assert time.monotonic() - begun < 10
