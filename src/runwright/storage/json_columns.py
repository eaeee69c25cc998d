"""The two questions that filters ask of JSON columns, in the words of each database."""

from typing import Any

from sqlalchemy import Boolean, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class array_has(FunctionElement[bool]):  # noqa: N801  # reads as a SQL function
    """`array_has(column, text)`: the JSON array of the column contains that text."""

    type = Boolean()
    inherit_cache = True
    name = "array_has"


@compiles(array_has, "sqlite")
def _array_has_sqlite(element: array_has, compiler: SQLCompiler, **options: Any) -> str:
    column, text = (compiler.process(part, **options) for part in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_each.value = {text})"  # noqa: S608


@compiles(array_has, "postgresql")
def _array_has_postgres(element: array_has, compiler: SQLCompiler, **options: Any) -> str:
    column, text = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} @> jsonb_build_array(CAST({text} AS TEXT))"


class member(FunctionElement[str]):  # noqa: N801  # reads as the SQL function that it is
    """`member(column, key)`: the text of one member of the JSON object in the column."""

    type = String()
    inherit_cache = True
    name = "member"


@compiles(member, "sqlite")
def _member_sqlite(element: member, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(part, **options) for part in element.clauses)
    return f"json_extract({column}, '$.' || {key})"


@compiles(member, "postgresql")
def _member_postgres(element: member, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} ->> CAST({key} AS TEXT))"
