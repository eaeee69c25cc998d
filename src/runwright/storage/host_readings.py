"""How the machines of workers did over time: what stands beside a run that has failed."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select

from runwright.api.executions import HostFigures, HostReading, RunFigures
from runwright.storage.statements import Prepared
from runwright.storage.tables import host_reading

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = host_reading.c
_INSERT = Prepared(insert(host_reading), columns=[column.key for column in _c])
#: Beside the figures of the machine: those of the runs on it, by their ids.
_RUNS = "runs"
#: More would not be seen beside each other.
MOST_READINGS = 300


def keep_reading(
    tx: "Transaction",
    reading_id: UUID,
    worker_id: UUID,
    figures: HostFigures,
    usage: list[RunFigures],
) -> None:
    """Note how a worker's machine does now, and what its runs take of it."""
    told = msgspec.to_builtins(figures)
    if usage:
        told[_RUNS] = {str(each.flow_run_id): [each.cpu_cores, each.memory_bytes] for each in usage}
    tx.execute(_INSERT, {"id": reading_id, "worker_id": worker_id, "at": tx.now, "figures": told})


def readings_of(
    tx: "Transaction",
    worker_id: UUID,
    since: datetime,
    until: datetime,
    run_id: UUID | None = None,
) -> list[HostReading]:
    """A worker's readings in [since, until], the first one first; with what that run took.

    Of more than 300 every nth, the last one always.
    """
    mine = (_c.worker_id == worker_id, _c.at >= since, _c.at <= until)
    rows = tx.execute(select(_c.at, _c.figures).where(*mine).order_by(_c.at)).all()
    step = -(-len(rows) // MOST_READINGS) or 1
    return [_reading(row, str(run_id)) for row in reversed(rows[::-1][::step])]


def _reading(row: Any, run_id: str) -> HostReading:
    cores, memory = row.figures.get(_RUNS, {}).get(run_id, (None, None))
    own = {"run_cpu_cores": cores, "run_memory_bytes": memory}
    return msgspec.convert({**row.figures, "at": row.at, **own}, HostReading)
