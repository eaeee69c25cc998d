"""Runs are deleted with all that they have told, a little at a time.

Lines and artifacts know their run by its id alone, so the database deletes none of them by itself.
A run may have a million lines: in one transaction they would keep every lease from being renewed.
"""

from sqlalchemy import ColumnElement, delete, select

from runwright.storage.engine import Storage, Transaction
from runwright.storage.tables import artifact, flow_run, log

_RUNS = 500
_LINES = 5_000


async def delete_runs(storage: Storage, runs: ColumnElement[bool]) -> int:
    """Delete these runs, with the subflows in their processes; how many rows went in all."""
    rows = 0
    while some := await storage.write(lambda tx: delete_some(tx, runs)):
        rows += some
    return rows


def delete_some(tx: Transaction, runs: ColumnElement[bool]) -> int:
    """One step: lines, or when few are left, a few hundred runs. How many rows; 0: there is none.

    A run goes last: what is interrupted can be asked for again.
    """
    ids = tx.execute(select(flow_run.c.id).where(runs).limit(_RUNS)).scalars()
    if not ids:
        return 0
    inside = select(flow_run.c.id).where(flow_run.c.execution_root_id.in_(ids))
    ids = [*ids, *tx.execute(inside).scalars()]
    some = select(log.c.id).where(log.c.flow_run_id.in_(ids)).limit(_LINES)
    lines = tx.execute(delete(log).where(log.c.id.in_(some))).rowcount
    if lines == _LINES:
        return lines
    tx.execute(delete(artifact).where(artifact.c.flow_run_id.in_(ids)))
    return lines + tx.execute(delete(flow_run).where(flow_run.c.id.in_(ids))).rowcount
