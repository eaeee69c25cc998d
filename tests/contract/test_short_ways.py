"""Short reads and writes, which SQLite carries out on the event loop, beside long ones."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import literal, select, text

from runwright.clock import new_id
from runwright.core.ids import FlowId
from runwright.storage.engine import Storage, Transaction
from runwright.storage.runs import flow_named
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow

OnStorage = Callable[[Any], Any]

_names = Prepared(select(flow.c.name).order_by(flow.c.name))
#: Some tenths of a second of counting.
_LONG = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
    "SELECT count(*) FROM n"
)


def make(name: str) -> Callable[[Transaction], FlowId]:
    return lambda tx: FlowId(flow_named(tx, name, new_id()))


def names(tx: Transaction) -> list[str]:
    return tx.execute(_names).scalars()


def test_a_glance_sees_what_was_written(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        await storage.jot(make("a"))
        await storage.write(make("b"))
        assert await storage.glance(names) == ["a", "b"]

    on_storage(body)


def test_a_glance_that_takes_long_goes_on_beside_the_event_loop(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        turning = asyncio.create_task(turn())
        await asyncio.sleep(0)
        before = turns
        assert await storage.glance(lambda tx: tx.execute(_LONG).scalar()) == 1_000_000
        assert turns > before + 1
        turning.cancel()
        assert await storage.glance(lambda tx: tx.execute(select(literal(1))).scalar()) == 1

    on_storage(body)


def test_short_and_long_writes_are_kept_in_the_order_in_which_they_came(
    on_storage: OnStorage,
) -> None:
    async def body(storage: Storage) -> None:
        ways = [storage.jot, storage.write]
        wanted = [f"{number:03}" for number in range(200)]
        await asyncio.gather(*(ways[i % 3 == 0](make(name)) for i, name in enumerate(wanted)))
        assert await storage.read(names) == wanted

    on_storage(body)


def test_a_short_write_that_fails_takes_no_other_with_it(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        def fails(tx: Transaction) -> None:
            make("lost")(tx)
            raise LookupError("on purpose")

        told = await asyncio.gather(
            storage.jot(make("a")), storage.jot(fails), storage.jot(make("b")),
            return_exceptions=True,
        )  # fmt: skip
        assert isinstance(told[1], LookupError)
        assert await storage.glance(names) == ["a", "b"]

    on_storage(body)


def test_a_storage_that_stops_finishes_what_was_begun(on_storage: OnStorage) -> None:
    async def body(storage: Storage) -> None:
        begun = [asyncio.create_task(storage.jot(make(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        if storage.dialect.name == "sqlite":
            await storage.stop()
        assert len(set(await asyncio.gather(*begun))) == 20

    on_storage(body)
