"""How log records are read and written."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, case, insert, select

from runwright.api.filters import LogFilter, LogQuery
from runwright.api.logs import Log, LogCreate
from runwright.core.ids import NewId
from runwright.storage.filters import narrowed
from runwright.storage.queries import Resource
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
        message=row.message,
        timestamp=row.timestamp,
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
    )


LOGS: Resource[Log] = Resource(
    table=log,
    columns=tuple(log.columns),
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
                    "name": record.name,
                    "message": record.message,
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
    statement = select(*log.columns).where(_c.id > after).order_by(_c.id).limit(most)
    if conditions:
        # The databases cannot see into this, and so go by the id: few records are new. By the index
        # of a run they would read all of its log each time.
        statement = statement.where(case((and_(*conditions), 1), else_=0) == 1)
    return [_to_wire(row, tx.now) for row in tx.execute(statement).all()]
