"""How the machines of workers did over time: what stands beside a run that has failed."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select

from runwright.api.executions import HostFigures, HostReading
from runwright.storage.statements import Prepared
from runwright.storage.tables import host_reading

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = host_reading.c
_INSERT = Prepared(insert(host_reading), columns=[column.key for column in _c])
#: More would not be seen beside each other.
MOST_READINGS = 300


def keep_reading(
    tx: "Transaction", reading_id: UUID, worker_id: UUID, figures: HostFigures
) -> None:
    """Note how a worker's machine does now."""
    told = msgspec.to_builtins(figures)
    tx.execute(_INSERT, {"id": reading_id, "worker_id": worker_id, "at": tx.now, "figures": told})


def readings_of(
    tx: "Transaction", worker_id: UUID, since: datetime, until: datetime
) -> list[HostReading]:
    """A worker's readings in [since, until], the first one first.

    Of more than 300 every nth, the last one always.
    """
    mine = (_c.worker_id == worker_id, _c.at >= since, _c.at <= until)
    rows = tx.execute(select(_c.at, _c.figures).where(*mine).order_by(_c.at)).all()
    step = -(-len(rows) // MOST_READINGS) or 1
    return [_reading(row) for row in reversed(rows[::-1][::step])]


def _reading(row: Any) -> HostReading:
    return msgspec.convert({**row.figures, "at": row.at}, HostReading)
