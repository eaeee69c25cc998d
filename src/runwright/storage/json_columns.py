"""The questions that filters ask of JSON columns and of lists, in the words of each database.

A list of values is one bound parameter, however long it is: an array on Postgres, a JSON list on
SQLite (types `Ids` and `Texts`). Its subquery depends on no row, so both databases read it once a
statement and look each row up in it.
"""

from typing import Any

from sqlalchemy import Boolean, Integer, String
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


class one_of(FunctionElement[bool]):  # noqa: N801  # reads as a SQL function
    """`one_of(column, values)`: the column is one of the values, which are one parameter."""

    type = Boolean()
    inherit_cache = True
    name = "one_of"


@compiles(one_of, "sqlite")
def _one_of_sqlite(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608


@compiles(one_of, "postgresql")
def _one_of_postgres(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} IN (SELECT unnest({values})))"


class begins_with_any(FunctionElement[bool]):  # noqa: N801  # reads as a SQL function
    """`begins_with_any(column, texts)`: the column begins with one of the texts at least."""

    type = Boolean()
    inherit_cache = True
    name = "begins_with_any"


@compiles(begins_with_any, "sqlite")
def _begins_with_sqlite(element: begins_with_any, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    begins = f"substr({column}, 1, length(start.value)) = start.value"
    return f"EXISTS (SELECT 1 FROM json_each({texts}) AS start WHERE {begins})"  # noqa: S608


@compiles(begins_with_any, "postgresql")
def _begins_with_postgres(element: begins_with_any, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    begins = f"starts_with({column}, start.value)"
    return f"EXISTS (SELECT 1 FROM unnest({texts}) AS start(value) WHERE {begins})"  # noqa: S608


class array_has_any(FunctionElement[bool]):  # noqa: N801  # reads as a SQL function
    """`array_has_any(column, texts)`: the JSON array contains one of the texts at least."""

    type = Boolean()
    inherit_cache = True
    name = "array_has_any"


@compiles(array_has_any, "sqlite")
def _array_has_any_sqlite(element: array_has_any, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    wanted = f"SELECT value FROM json_each({texts})"  # noqa: S608
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS has WHERE has.value IN ({wanted}))"  # noqa: S608


@compiles(array_has_any, "postgresql")
def _array_has_any_postgres(element: array_has_any, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    members = f"jsonb_array_elements_text({column}) AS has(value)"
    return f"EXISTS (SELECT 1 FROM {members} WHERE has.value IN (SELECT unnest({texts})))"  # noqa: S608


class number_in_array(FunctionElement[int]):  # noqa: N801  # reads as a SQL function
    """`number_in_array(column, texts)`: how many of the texts the JSON array contains."""

    type = Integer()
    inherit_cache = True
    name = "number_in_array"


@compiles(number_in_array, "sqlite")
def _number_in_sqlite(element: number_in_array, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    wanted = f"SELECT value FROM json_each({texts})"  # noqa: S608
    members = f"json_each({column}) AS has"
    return f"(SELECT count(DISTINCT has.value) FROM {members} WHERE has.value IN ({wanted}))"  # noqa: S608


@compiles(number_in_array, "postgresql")
def _number_in_postgres(element: number_in_array, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    members = f"jsonb_array_elements_text({column}) AS has(value)"
    wanted = f"SELECT unnest({texts})"
    return f"(SELECT count(DISTINCT has.value) FROM {members} WHERE has.value IN ({wanted}))"  # noqa: S608


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
