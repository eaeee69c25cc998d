"""Statements that are compiled once.

SQLAlchemy's own execution costs some 100 µs a statement, many times what the database needs to
carry it out. The statements of the hot paths are constants of their modules, wrapped in `Prepared`:
they go to the driver straight away, with the same types converting the same values.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Float
from sqlalchemy.engine import Dialect as SqlDialect
from sqlalchemy.sql import Executable

from runwright.storage.dialect import Dialect
from runwright.storage.errors import ResultTooLarge
from runwright.storage.types import (
    Id,
    Ids,
    Instant,
    Json,
    id_of,
    id_text,
    instant_number,
    instant_of,
)
from runwright.storage.types import json_text as text_of_json
from runwright.storage.weights import is_heavy

Parameters = Mapping[str, Any]
Convert = Callable[[Any], Any]

#: Our own types are converted straight away: the ways through SQLAlchemy cost as much again as the
#: conversions. Type -> (in, out, out to be sent on: as the database has it). asyncpg gives and
#: takes ids, instants and numbers as they are, and its codec decodes JSON.
_CONVERSIONS: dict[str, dict[type, tuple[Convert | None, Convert | None, Convert | None]]] = {
    "sqlite": {
        Id: (id_text, id_of, None),
        Instant: (instant_number, instant_of, instant_of),
        Json: (text_of_json, msgspec.json.Decoder().decode, msgspec.Raw),
    },
    "postgresql": {
        Id: (None, None, None),
        Ids: (None, None, None),
        Instant: (None, None, None),
        Json: (text_of_json, None, None),
        Float: (None, None, None),
    },
}


class Result:
    """The rows a statement gave, read completely. Each row has its columns as attributes."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows = rows
        #: Rows that were changed, or returned.
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row; an error where there are none or several."""
        (row,) = self._rows
        return row

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None

    def scalars(self) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self._rows]


class Prepared:
    """A statement of a hot path, with every value a named parameter.

    `statement` may be a function of the `Dialect` where the two databases need other words.
    Parameters that are left out are NULL; `Dialect.among` stands for an IN over ids.
    With `to_send`, ids and JSON documents may come out as the database has them, text and
    `msgspec.Raw`: good for nothing but encoding.
    With `most`, no more than so many bytes of texts and documents are gathered where the driver
    hands over row by row (SQLite's).
    """

    __slots__ = ("_columns", "_compiled", "_most", "_statement", "_to_send")

    def __init__(
        self,
        statement: Executable | Callable[[Dialect], Executable],
        columns: Sequence[str] | None = None,
        *,
        to_send: bool = False,
        most: int | None = None,
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._to_send = to_send
        self._most = most
        self._compiled: dict[str, CompiledStatement] = {}

    def built(self, dialect: Dialect) -> Executable:
        """The statement in the words of one database."""
        made = self._statement
        return made if isinstance(made, Executable) else made(dialect)

    def compiled(self, dialect: Dialect, sql_dialect: SqlDialect) -> "CompiledStatement":
        """The statement as text for the database's driver."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = CompiledStatement(
                self.built(dialect),
                sql_dialect,
                self._columns,
                to_send=self._to_send,
                most=self._most,
            )
        return compiled


class CompiledStatement:
    """Text, the order of its parameters, and how values go in and come out."""

    __slots__ = ("_binds", "_heavy", "_make_row", "_most", "_results", "text")

    @property
    def gives_rows(self) -> bool:
        """Whether it has a result; else only a number of rows."""
        return self._make_row is not None

    def __init__(
        self,
        statement: Any,
        dialect: SqlDialect,
        columns: Sequence[str] | None = None,
        *,
        to_send: bool = False,
        most: int | None = None,
    ) -> None:
        compiled: Any = statement.compile(
            dialect=dialect, column_keys=None if columns is None else list(columns)
        )
        self.text = str(compiled)
        conversions = _CONVERSIONS[dialect.name]
        self._binds: list[tuple[str, Any, Any]] = []
        for name in compiled.positiontup or ():
            bind = compiled.binds[name]
            ours = conversions.get(type(bind.type))
            convert = ours[0] if ours else bind.type.dialect_impl(dialect).bind_processor(dialect)
            self._binds.append((name, convert, None if bind.required else bind.value))
        self._results: list[tuple[int, Any]] = []
        returned = list(getattr(statement, "exported_columns", ()))
        self._most = most
        heavy = [at for at, column in enumerate(returned) if is_heavy(column)]
        # With one more than there are, it gives a tuple where there is only one, too.
        self._heavy = itemgetter(*heavy, slice(0, 0)) if heavy else None
        names = [column.key for column in returned]
        self._make_row: Any = namedtuple("Row", names, rename=True)._make if names else None  # noqa: PYI024
        for position, column in enumerate(returned):
            ours = conversions.get(type(column.type))
            if ours:
                convert = ours[2] if to_send else ours[1]
            else:
                convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None:
                self._results.append((position, convert))

    def bind(self, parameters: Parameters) -> list[Any]:
        """The values in the order the text wants them."""
        get = parameters.get
        return [
            value if (value := get(name, default)) is None or convert is None else convert(value)
            for name, convert, default in self._binds
        ]

    def fetch(self, cursor: Any) -> Sequence[Any]:
        """All rows of a driver's cursor, as `rows` takes them.

        Raises:
            ResultTooLarge: they have more bytes than the statement may gather.
        """
        if self._most is None:
            return cursor.fetchall()  # type: ignore[no-any-return]
        room, heavy = self._most, self._heavy
        if heavy is None:
            return cursor.fetchall()  # type: ignore[no-any-return]
        found: list[Any] = []
        for values in cursor:
            room -= sum(map(len, filter(None, heavy(values))))
            if room < 0:
                cursor.close()
                raise ResultTooLarge(f"The rows have more than {self._most:,} bytes.")
            found.append(values)
        return found

    def rows(self, raw: Sequence[Any]) -> Sequence[Any]:
        """What the driver gave, with Python's types and named columns."""
        if not raw or self._make_row is None:
            return ()
        results, make_row = self._results, self._make_row
        rows: list[Any] = []
        for values in raw:
            converted = list(values)
            for position, convert in results:
                if converted[position] is not None:
                    converted[position] = convert(converted[position])
            rows.append(make_row(converted))
        return rows
