"""Reading: one filter, one sort, one page, from rows to the wire. Once for all resources.

A `Resource` says which table, which columns, how a row becomes a wire value, and the sorts there
are. Everything else is here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Table,
    bindparam,
    func,
    select,
)
from sqlalchemy.sql import Executable, visitors

from runwright.api.filters import FilterBody, Filters, PageQuery, Paging, Query
from runwright.storage.filters import narrowed
from runwright.storage.state_pages import page_conditions
from runwright.storage.statements import Prepared

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

T = TypeVar("T")

MAX_LIMIT = 200
#: Beyond this many rows nobody pages; larger numbers also do not fit the databases.
MAX_OFFSET = 2**31 - 1


class InvalidQuery(ValueError):
    """A limit, offset, page or sort that cannot be."""

    code = "invalid_query"
    status = 422


@dataclass(frozen=True)
class Resource(Generic[T]):
    """How one kind of thing is read.

    `to_wire` gets a row and the present instant. `sorts` maps the wire's names to ORDER BY; its
    first is the default. Each should end with the id, so that pages do not overlap.
    """

    table: Table
    columns: tuple[ColumnElement[Any], ...]
    to_wire: Callable[[Any, datetime], T]
    sorts: Mapping[str, tuple[ColumnElement[Any], ...]]
    source: FromClause | None = None
    #: What every one of it meets.
    only: ColumnElement[bool] | None = None

    def select(self) -> Select[Any]:
        """All of it, unordered."""
        source = self.table if self.source is None else self.source
        return self.within(select(*self.columns).select_from(source))

    def within(self, statement: Select[Any]) -> Select[Any]:
        """The statement, narrowed to what belongs to the resource."""
        return statement if self.only is None else statement.where(self.only)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of results; pages count from 1."""

    results: list[T]
    count: int
    limit: int
    pages: int
    page: int


def read_one(tx: "Transaction", resource: Resource[T], id_: UUID) -> T | None:
    """The one with that id."""
    row = tx.execute(_one(resource), {"wanted_id": id_}).first()
    return None if row is None else resource.to_wire(row, tx.now)


def read_where(
    tx: "Transaction", resource: Resource[T], *conditions: ColumnElement[bool]
) -> list[T]:
    """Those that meet the conditions, at most 200, in the default order."""
    order = _order(resource, None)
    statement = resource.select().where(*conditions).order_by(*order).limit(MAX_LIMIT)
    return [resource.to_wire(row, tx.now) for row in tx.execute(statement).all()]


def read_many(tx: "Transaction", resource: Resource[T], query: Paging) -> list[T]:
    """Those that a `/filter` asks for.

    Raises:
        InvalidQuery: its limit, offset or sort cannot be.
    """
    now = tx.now
    to_wire = resource.to_wire
    return [to_wire(row, now) for row in tx.execute(_filtered(resource, query)).all()]


def send_many(
    tx: "Transaction",
    resource: Resource[T],
    query: Query,
    parameters: Mapping[str, Any] | None = None,
) -> list[T]:
    """The same, to be encoded and nothing else: ids and JSON may be as the database has them.

    `parameters`: what the conditions of the resource itself have to be told.

    Raises:
        InvalidQuery: its limit, offset or sort cannot be.
    """
    now = tx.now
    to_wire = resource.to_wire
    statement = _filtered(resource, query, to_send=True)
    return [to_wire(row, now) for row in tx.execute(statement, parameters).all()]


def send_one(
    tx: "Transaction",
    resource: Resource[T],
    id_: UUID,
    parameters: Mapping[str, Any] | None = None,
) -> T | None:
    """The one with that id, to be encoded and nothing else. `parameters`: as above."""
    values = {"wanted_id": id_, **(parameters or {})}
    row = tx.execute(_one(resource, to_send=True), values).first()
    return None if row is None else resource.to_wire(row, tx.now)


def count(tx: "Transaction", resource: Resource[Any], filters: FilterBody) -> int:
    """How many a `/count` counts."""
    return tx.execute(_counted(resource, filters)).scalar() or 0


def read_page(tx: "Transaction", resource: Resource[T], query: PageQuery) -> Page[T]:
    """The page that a `/paginate` asks for.

    Raises:
        InvalidQuery: its limit, page or sort cannot be.
    """
    limit = limit_of(query.limit)
    page = 1 if query.page is None else query.page
    if page < 1 or (page - 1) * limit > MAX_OFFSET:
        raise InvalidQuery("Pages count from 1, and there are not so many.")
    total = count(tx, resource, query)
    part = Query(
        **{name: getattr(query, name) for name in Filters.__struct_fields__},
        sort=query.sort,
        limit=limit,
        offset=(page - 1) * limit,
    )
    return Page(
        results=read_many(tx, resource, part) if total else [],
        count=total,
        limit=limit,
        pages=-(-total // limit) if limit else 0,
        page=page,
    )


def limit_of(limit: int | None) -> int:
    """The limit in force.

    Raises:
        InvalidQuery: it is negative or above 200.
    """
    if limit is None:
        return MAX_LIMIT
    if not 0 <= limit <= MAX_LIMIT:
        raise InvalidQuery(f"Invalid limit: {limit} is not between 0 and {MAX_LIMIT}.")
    return limit


_encode = msgspec.json.Encoder().encode


#: Bytes of a filter beyond which its statement is not kept: its values are in it.
_KEPT_BELOW = 4_096
_Key = tuple[type[FilterBody], bytes]


def _key(filters: FilterBody) -> _Key | None:
    encoded = _encode(filters)
    return (type(filters), encoded) if len(encoded) < _KEPT_BELOW else None


def _filtered(
    resource: Resource[Any], query: Paging, *, to_send: bool = False
) -> Executable | Prepared:
    key = _key(query)
    if key is None:
        return _page(resource, query, to_send=to_send)
    return _kept_page(resource, key, to_send=to_send)


def _counted(resource: Resource[Any], filters: FilterBody) -> Executable | Prepared:
    key = _key(filters)
    return _count(resource, filters) if key is None else _kept_count(resource, key)


def prepared(statement: Select[Any], *, to_send: bool = False) -> Executable | Prepared:
    """The statement, to be compiled once where its text does not depend on its values."""
    varies = any(
        isinstance(part, BindParameter) and part.expanding for part in visitors.iterate(statement)
    )
    return statement if varies else Prepared(statement, to_send=to_send)


# Dashboards and pollers ask the same again and again: the statement is built (and compiled) once.
@lru_cache(256)
def _kept_page(
    resource: Resource[Any], key: _Key, *, to_send: bool = False
) -> Executable | Prepared:
    query = msgspec.json.decode(key[1], type=key[0])
    assert isinstance(query, Paging)  # noqa: S101  # `_filtered` takes no other
    return _page(resource, query, to_send=to_send)


@lru_cache(256)
def _kept_count(resource: Resource[Any], key: _Key) -> Executable | Prepared:
    return _count(resource, msgspec.json.decode(key[1], type=key[0]))


def _page(resource: Resource[Any], query: Paging, *, to_send: bool) -> Executable | Prepared:
    offset = query.offset or 0
    if not 0 <= offset <= MAX_OFFSET:
        raise InvalidQuery(f"Invalid offset: {offset} is not between 0 and {MAX_OFFSET}.")
    limit = limit_of(query.limit)
    order = _order(resource, query.sort)
    conditions = page_conditions(resource.table, query, order, offset + limit, only=resource.only)
    page = resource.select().where(*conditions).order_by(*order).limit(limit).offset(offset)
    return prepared(page, to_send=to_send)


def _count(resource: Resource[Any], filters: FilterBody) -> Executable | Prepared:
    counted = select(func.count().label("count")).select_from(resource.table)
    return prepared(resource.within(counted).where(*narrowed(resource.table, filters)))


@lru_cache(64)
def _one(resource: Resource[Any], *, to_send: bool = False) -> Prepared:
    wanted = resource.select().where(resource.table.c.id == bindparam("wanted_id"))
    return Prepared(wanted, to_send=to_send)


def _order(resource: Resource[Any], sort: str | None) -> tuple[ColumnElement[Any], ...]:
    if sort is None:
        return next(iter(resource.sorts.values()))
    if sort in resource.sorts:
        return resource.sorts[sort]
    raise InvalidQuery(f"Unknown sort {sort!r}. There are: {', '.join(resource.sorts)}.")
