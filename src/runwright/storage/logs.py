"""How log records are read and written."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from runwright.api.logs import Log, LogCreate
from runwright.core.ids import NewId
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
