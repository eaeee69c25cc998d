"""How large rows are, as the database can tell without handing them over."""

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Integer, Text, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from runwright.storage.types import Json

if TYPE_CHECKING:
    from collections.abc import Iterable


class json_bytes(FunctionElement[int]):  # noqa: N801  # reads as a SQL function
    """`json_bytes(column)`: about how many bytes the JSON document has as text."""

    type = Integer()
    inherit_cache = True
    name = "json_bytes"


class text_bytes(FunctionElement[int]):  # noqa: N801  # reads as a SQL function
    """`text_bytes(column)`: how many bytes the text has."""

    type = Integer()
    inherit_cache = True
    name = "text_bytes"


@compiles(json_bytes, "sqlite")
@compiles(text_bytes, "sqlite")
def _bytes_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = (compiler.process(part, **options) for part in element.clauses)
    return f"length(CAST({column} AS BLOB))"


@compiles(json_bytes, "postgresql")
def _json_bytes_postgres(element: json_bytes, compiler: SQLCompiler, **options: Any) -> str:
    # Only what is compressed has to be read for its size; small documents are not.
    (column,) = (compiler.process(part, **options) for part in element.clauses)
    return (
        f"CASE WHEN pg_column_compression({column}) IS NULL THEN pg_column_size({column}) "
        f"ELSE octet_length(CAST({column} AS TEXT)) END"
    )


@compiles(text_bytes, "postgresql")
def _text_bytes_postgres(element: text_bytes, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = (compiler.process(part, **options) for part in element.clauses)
    return f"octet_length({column})"


def is_heavy(column: ColumnElement[Any]) -> bool:
    """Whether a value of the column may have many bytes."""
    return isinstance(column.type, Json | Text)


def weight_of(columns: "Iterable[ColumnElement[Any]]") -> ColumnElement[int]:
    """About how many bytes a row has in these columns."""
    parts = [
        func.coalesce(
            json_bytes(each) if isinstance(each.type, Json) else text_bytes(each), literal(0)
        )
        for each in columns
        if is_heavy(each)
    ]
    return reduce(add, parts, literal(0)).label("weight")
