"""The few things that SQLite and Postgres say differently. Everything else is one statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    Table,
    any_,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from runwright.storage.types import Ids

Name = Literal["sqlite", "postgresql"]


class Dialect:
    """The differences, by the name of the database."""

    def __init__(self, name: Name) -> None:
        self.name: Name = name

    def insert(self, table: Table) -> Any:
        """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.name == "sqlite" else postgresql.insert(table)

    def insert_or_skip(self, table: Table) -> Any:
        """An INSERT that does nothing where any constraint says there is such a row."""
        return self.insert(table).on_conflict_do_nothing()

    def upsert(self, table: Table, keys: Sequence[str], update: Sequence[str]) -> Any:
        """Insert a row; where one has the same `keys`, set its columns `update` instead."""
        statement = self.insert(table)
        return statement.on_conflict_do_update(
            index_elements=list(keys), set_={name: statement.excluded[name] for name in update}
        )

    def seconds_between(
        self, start: ColumnElement[Any], end: ColumnElement[Any]
    ) -> ColumnElement[float]:
        """From `start` to `end`, both instants, in seconds."""
        if self.name == "sqlite":
            return cast(end - start, Float) / 1_000_000.0
        return cast(func.extract("epoch", end - start), Float)

    def steps_between(
        self, start: datetime, end: ColumnElement[Any], step: timedelta
    ) -> ColumnElement[int]:
        """How many whole steps there are from `start` to `end`."""
        if self.name == "sqlite":
            begun = literal(start, end.type)
            return cast(end - begun, BigInteger) // (step // timedelta(microseconds=1))
        seconds = func.extract("epoch", end - literal(start, end.type))
        return cast(func.floor(seconds / step.total_seconds()), BigInteger)

    def greatest(self, first: ColumnElement[Any], second: Any) -> ColumnElement[Any]:
        """The greater of two values."""
        return (func.max if self.name == "sqlite" else func.greatest)(first, second)

    def among(self, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """The column is one of the ids that are given as one parameter, however many they are."""
        ids = bindparam(parameter, type_=Ids)
        if self.name == "sqlite":
            return column.in_(select(func.json_each(ids).table_valued("value").c.value))
        return column == any_(ids)

    def locked(self, rows: Select[Any]) -> Select[Any]:
        """The rows, which nobody else changes until the transaction ends; `read_at` is an instant
        after they were locked, where the database has a clock of its own.
        """
        if self.name == "sqlite":
            return rows.add_columns(null().label("read_at"))
        # The clock of a locking SELECT is read before it waits for its lock; that of one around it
        # is not.
        held = rows.with_for_update(key_share=True).cte("held")
        return select(*held.c, func.clock_timestamp().label("read_at"))
