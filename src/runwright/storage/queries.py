"""Reading: one filter, one sort, one page, from rows to the wire. Once for all resources.

A `Resource` says which table, which columns, how a row becomes a wire value, and the sorts there
are. Everything else is here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
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
    case,
    func,
    select,
)
from sqlalchemy.sql import Executable, visitors

from runwright.api.filters import FilterBody, Filters, PageQuery, Paging, Query
from runwright.storage.dialect import Dialect
from runwright.storage.errors import ResultTooLarge
from runwright.storage.filters import narrowed
from runwright.storage.state_pages import page_conditions
from runwright.storage.statements import Prepared
from runwright.storage.weights import is_heavy, weight_of

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
    #: Whether `to_wire` takes ids and JSON as the database has them, for what is only encoded.
    as_stored: bool = False
    #: Bytes of a row beside those in its columns.
    more_weight: ColumnElement[int] | None = None

    def select(self) -> Select[Any]:
        """All of it, unordered."""
        source = self.table if self.source is None else self.source
        return self.within(select(*self.columns).select_from(source))

    def within(self, statement: Select[Any]) -> Select[Any]:
        """The statement, narrowed to what belongs to the resource."""
        return statement if self.only is None else statement.where(self.only)

    @cached_property
    def weight(self) -> ColumnElement[int]:
        """About how many bytes a row of it has."""
        own = weight_of(self.columns)
        return own if self.more_weight is None else (own + self.more_weight).label("weight")

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


def send_within(
    tx: "Transaction",
    resource: Resource[T],
    query: Paging,
    most: int,
    parameters: Mapping[str, Any] | None = None,
) -> list[T] | None:
    """The rows of a `/filter`, to be encoded and nothing else, where they have so many bytes at the
    most. Else None, and not many more were gathered.

    Raises:
        InvalidQuery: its limit, offset or sort cannot be.
    """
    now, to_wire = tx.now, resource.to_wire
    weighs_rows = tx.dialect.name == "sqlite"
    as_stored = resource.as_stored
    statement = _filtered(resource, query, to_send=as_stored, most=most, in_sql=not weighs_rows)
    if weighs_rows and not isinstance(statement, Prepared):
        statement = _page(resource, query, to_send=as_stored, most=most, in_sql=True)
    try:
        rows = tx.execute(statement, parameters).all()
    except ResultTooLarge:
        return None
    if rows and not getattr(rows[0], _WHOLE, True):
        return None
    return [to_wire(row, now) for row in rows]


def ids_of(tx: "Transaction", resource: Resource[Any], query: Paging) -> list[UUID]:
    """The ids of those that a `/filter` asks for.

    Raises:
        InvalidQuery: its limit, offset or sort cannot be.
    """
    source = resource.table if resource.source is None else resource.source
    ids = resource.within(select(resource.table.c.id).select_from(source))
    return tx.execute(_narrowed(resource, query, ids)).scalars()


@dataclass(frozen=True)
class Part:
    """Some rows of a page, one after the other, and about how many bytes they have."""

    ids: list[UUID]
    weight: int


def parts_of(
    tx: "Transaction",
    resource: Resource[Any],
    query: Paging,
    most: int,
    parameters: Mapping[str, Any] | None = None,
) -> list[Part]:
    """The page cut into parts of so many bytes, or of one row that has more.

    Raises:
        InvalidQuery: its limit, offset or sort cannot be.
    """
    parts: list[Part] = []
    for row in tx.execute(_weighed(resource, query), parameters).all():
        last = parts[-1] if parts else None
        if last is None or last.weight + row.weight > most:
            parts.append(Part([row.id], row.weight))
        else:
            parts[-1] = Part([*last.ids, row.id], last.weight + row.weight)
    return parts


def read_part(
    tx: "Transaction",
    resource: Resource[T],
    part: Part,
    parameters: Mapping[str, Any] | None = None,
) -> list[T]:
    """The rows of a part that are still there, in its order."""
    now = tx.now
    values = {_PART_IDS: part.ids, **(parameters or {})}
    # Ids are text where they are as SQLite has them.
    found = {str(row.id): row for row in tx.execute(_those(resource), values).all()}
    return [resource.to_wire(found[str(id_)], now) for id_ in part.ids if str(id_) in found]


_PART_IDS = "part_ids"


@lru_cache(64)
def _those(resource: Resource[Any]) -> Prepared:
    return Prepared(
        lambda dialect: resource.select().where(dialect.among(resource.table.c.id, _PART_IDS)),
        to_send=resource.as_stored,
    )


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


@dataclass(frozen=True)
class Found(Generic[T]):
    """A row that was found."""

    row: T


def send_one_within(
    tx: "Transaction", resource: Resource[T], id_: UUID, most: int
) -> Found[T] | int | None:
    """The one with that id, to be encoded and nothing else. Where it has more bytes: how many."""
    values = {"wanted_id": id_}
    try:
        row = tx.execute(_one_within(resource, tx.dialect, most), values).first()
    except ResultTooLarge:
        row = None
    else:
        if row is None:
            return None
        if getattr(row, _WHOLE, True):
            return Found(resource.to_wire(row, tx.now))
    weighed = tx.execute(_one_weight(resource), values).first()
    return None if weighed is None else weighed.weight


@lru_cache(64)
def _one_within(resource: Resource[Any], dialect: Dialect, most: int) -> Prepared:
    is_wanted = resource.table.c.id == bindparam("wanted_id")
    row = resource.select().where(is_wanted)
    if dialect.name == "sqlite":
        return Prepared(row, to_send=resource.as_stored, most=most)
    weights = _weights(resource).where(is_wanted)
    return Prepared(_weighing(resource, row, weights, most), to_send=resource.as_stored)


@lru_cache(64)
def _one_weight(resource: Resource[Any]) -> Prepared:
    return Prepared(_weights(resource).where(resource.table.c.id == bindparam("wanted_id")))


def count(tx: "Transaction", resource: Resource[Any], filters: FilterBody) -> int:
    """How many a `/count` counts."""
    return tx.execute(_counted(resource, filters)).scalar() or 0


def read_page(tx: "Transaction", resource: Resource[T], query: PageQuery) -> Page[T]:
    """The page that a `/paginate` asks for.

    Raises:
        InvalidQuery: its limit, page or sort cannot be.
    """
    head = head_of_page(tx, resource, query)
    results = read_many(tx, resource, rows_of_page(query)) if head.count else []
    return replace(head, results=results)


def head_of_page(tx: "Transaction", resource: Resource[T], query: PageQuery) -> Page[T]:
    """That page without its results.

    Raises:
        InvalidQuery: its limit or page cannot be.
    """
    limit, page = limit_of(query.limit), _number_of(query)
    total = count(tx, resource, query)
    pages = -(-total // limit) if limit else 0
    return Page(results=[], count=total, limit=limit, pages=pages, page=page)


def rows_of_page(query: PageQuery) -> Query:
    """What a `/filter` would ask for the results of a page.

    Raises:
        InvalidQuery: its limit or page cannot be.
    """
    limit = limit_of(query.limit)
    return Query(
        **{name: getattr(query, name) for name in Filters.__struct_fields__},
        sort=query.sort,
        limit=limit,
        offset=(_number_of(query) - 1) * limit,
    )


def _number_of(query: PageQuery) -> int:
    page = 1 if query.page is None else query.page
    if page < 1 or (page - 1) * limit_of(query.limit) > MAX_OFFSET:
        raise InvalidQuery("Pages count from 1, and there are not so many.")
    return page


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
    resource: Resource[Any],
    query: Paging,
    *,
    to_send: bool = False,
    most: int | None = None,
    in_sql: bool = False,
) -> Executable | Prepared:
    key = _key(query)
    if key is None:
        return _page(resource, query, to_send=to_send, most=most, in_sql=in_sql)
    return _kept_page(resource, key, to_send=to_send, most=most, in_sql=in_sql)


def _counted(resource: Resource[Any], filters: FilterBody) -> Executable | Prepared:
    key = _key(filters)
    return _count(resource, filters) if key is None else _kept_count(resource, key)


def prepared(
    statement: Select[Any], *, to_send: bool = False, most: int | None = None
) -> Executable | Prepared:
    """The statement, to be compiled once where its text does not depend on its values."""
    varies = any(
        isinstance(part, BindParameter) and part.expanding for part in visitors.iterate(statement)
    )
    return statement if varies else Prepared(statement, to_send=to_send, most=most)


# Dashboards and pollers ask the same again and again: the statement is built (and compiled) once.
@lru_cache(256)
def _kept_page(
    resource: Resource[Any],
    key: _Key,
    *,
    to_send: bool = False,
    most: int | None = None,
    in_sql: bool = False,
) -> Executable | Prepared:
    query = msgspec.json.decode(key[1], type=key[0])
    assert isinstance(query, Paging)  # noqa: S101  # `_filtered` takes no other
    return _page(resource, query, to_send=to_send, most=most, in_sql=in_sql)


@lru_cache(256)
def _kept_count(resource: Resource[Any], key: _Key) -> Executable | Prepared:
    return _count(resource, msgspec.json.decode(key[1], type=key[0]))


#: The column that says whether a page has its texts and documents.
_WHOLE = "is_whole"


def _page(
    resource: Resource[Any],
    query: Paging,
    *,
    to_send: bool,
    most: int | None = None,
    in_sql: bool = False,
) -> Executable | Prepared:
    """The statement of a page that has `most` bytes. Where the driver hands over all rows at once,
    the statement itself weighs them (`in_sql`), and leaves out what is heavy when it is too much.
    """
    page = _narrowed(resource, query, resource.select())
    if most is None or not in_sql:
        return prepared(page, to_send=to_send, most=most)
    weights = _narrowed(resource, query, _weights(resource))
    return prepared(_weighing(resource, page, weights, most), to_send=to_send)


def _weighing(
    resource: Resource[Any], rows: Select[Any], weights: Select[Any], most: int
) -> Select[Any]:
    """The rows without what is heavy in them, where it is more than so many bytes."""
    each_weight = weights.subquery("weights").c.weight
    total = select(func.coalesce(func.sum(each_weight), 0)).scalar_subquery()
    is_whole = total.correlate(None) <= most
    columns = [
        case((is_whole, each), else_=None).label(each.key or str(number))
        if is_heavy(each)
        else each
        for number, each in enumerate(resource.columns)
    ]
    return rows.with_only_columns(*columns, is_whole.label(_WHOLE), maintain_column_froms=True)


def _weights(resource: Resource[Any]) -> Select[Any]:
    source = resource.table if resource.source is None else resource.source
    weighed: Any = select(resource.table.c.id, resource.weight)
    return resource.within(weighed.select_from(source))


def _weighed(resource: Resource[Any], query: Paging) -> Executable:
    return _narrowed(resource, query, _weights(resource))


def _narrowed(resource: Resource[Any], query: Paging, every: Select[Any]) -> Select[Any]:
    offset = query.offset or 0
    if not 0 <= offset <= MAX_OFFSET:
        raise InvalidQuery(f"Invalid offset: {offset} is not between 0 and {MAX_OFFSET}.")
    limit = limit_of(query.limit)
    order = _order(resource, query.sort)
    conditions = page_conditions(resource.table, query, order, offset + limit, only=resource.only)
    return every.where(*conditions).order_by(*order).limit(limit).offset(offset)


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
