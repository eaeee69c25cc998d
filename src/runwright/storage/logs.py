"""How log records are read and written."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Integer, Text, and_, case, func, insert, literal, select, tuple_

from runwright.api.filters import LogFilter, LogQuery
from runwright.api.limits import (
    MAX_GATHERED,
    MAX_LOG_MESSAGE,
    MAX_NAME,
    MAX_SHOWN_LINE,
    shortened,
)
from runwright.api.logs import Log, LogCreate
from runwright.core.ids import NewId
from runwright.storage.filters import narrowed
from runwright.storage.queries import MAX_LIMIT, Resource
from runwright.storage.statements import Prepared
from runwright.storage.tables import log

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = log.c


def _to_wire(row: Any, _: datetime) -> Log:
    return Log(
        id=row.id,
        created=row.timestamp,
        updated=row.timestamp,
        name=row.name,
        level=row.level,
        message=_shown(row.message, row.length),
        timestamp=row.timestamp,
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
    )


def _shown(message: str, length: int) -> str:
    if length <= MAX_SHOWN_LINE:
        return message
    return f"{message}... (cut: it has {length:,} characters; the log's download has them all)"


#: A line as it is listed: at most so much of it is even read.
_SHOWN = (
    *(each for each in log.columns if each is not _c.message),
    func.substr(_c.message, 1, MAX_SHOWN_LINE, type_=Text).label("message"),
    func.length(_c.message, type_=Integer).label("length"),
)

LOGS: Resource[Log] = Resource(
    table=log,
    columns=_SHOWN,
    to_wire=_to_wire,
    sorts={
        "TIMESTAMP_ASC": (_c.timestamp.asc(), _c.id.asc()),
        "TIMESTAMP_DESC": (_c.timestamp.desc(), _c.id.desc()),
    },
)
_insert = Prepared(insert(log))


def add_logs(tx: "Transaction", records: Sequence[LogCreate], new_id: NewId) -> None:
    """Keep log records in the order in which they came."""
    if records:
        tx.execute(
            _insert,
            [
                {
                    "id": new_id(),
                    "flow_run_id": record.flow_run_id,
                    "task_run_id": record.task_run_id,
                    "timestamp": record.timestamp,
                    "level": record.level,
                    "name": shortened(record.name, MAX_NAME),
                    "message": shortened(record.message, MAX_LOG_MESSAGE),
                    "late_token": None,
                }
                for record in records
            ],
        )


def first_id_at(instant: datetime) -> UUID:
    """What the ids of records that are stored from then on are not below."""
    milliseconds = max(0, int(instant.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)


def logs_after(tx: "Transaction", wanted: LogFilter, after: UUID, most: int) -> list[Log]:
    """Records with larger ids, in the order in which they were stored; at most `most`."""
    conditions = narrowed(log, LogQuery(logs=wanted))
    statement = select(*_SHOWN).where(_c.id > after).order_by(_c.id).limit(most)
    if conditions:
        # The databases cannot see into this, and so go by the id: few records are new. By the index
        # of a run they would read all of its log each time.
        statement = statement.where(case((and_(*conditions), 1), else_=0) == 1)
    return [_to_wire(row, tx.now) for row in tx.execute(statement).all()]


_CUT = "... (cut: the log's download has it all)"


def fitted(page: list[Log]) -> list[Log]:
    """The page with its longest lines cut further, so that all of it stays within a size.

    Lines are cut and never left out: clients ask for the next page by the number of lines that
    they have.
    """
    lengths = sorted(len(each.message) for each in page)
    share = room = MAX_GATHERED
    if sum(lengths) <= room:
        return page
    for number, length in enumerate(lengths):
        share = room // (len(lengths) - number)
        if length > share:
            break
        room -= length
    return [
        each
        if len(each.message) <= share
        else replace(each, message=f"{each.message[:share]}{_CUT}")
        for each in page
    ]


def lines_of(tx: "Transaction", run_id: UUID, after: tuple[datetime, UUID] | None) -> Sequence[Any]:
    """Some lines of a run's log after this one, in order, whole: as many as fit into a size."""
    mine = _c.flow_run_id == run_id
    if after is not None:
        mine &= tuple_(_c.timestamp, _c.id) > tuple_(
            literal(after[0], _c.timestamp.type), literal(after[1], _c.id.type)
        )
    order = (_c.timestamp, _c.id)
    sizes = select(_c.id, func.length(_c.message, type_=Integer).label("length"))
    found = tx.execute(sizes.where(mine).order_by(*order).limit(MAX_LIMIT)).all()
    room, ids = MAX_GATHERED, list[UUID]()
    for each in found:
        room -= each.length
        if ids and room < 0:
            break
        ids.append(each.id)
    if not ids:
        return []
    whole = select(_c.id, _c.timestamp, _c.level, _c.name, _c.message)
    return tx.execute(whole.where(_c.id.in_(ids)).order_by(*order)).all()
