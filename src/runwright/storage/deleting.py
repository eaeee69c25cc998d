"""Runs are deleted with all that they have told, a little at a time.

Lines and artifacts know their run by its id alone, so the database deletes none of them by itself.
A run may have a million lines: in one transaction they would keep every lease from being renewed.
"""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, and_, delete, select, update

from runwright.core.states import TERMINAL
from runwright.storage.criteria import among
from runwright.storage.engine import Storage, Transaction
from runwright.storage.tables import artifact, flow_run, log, task_run

_RUNS = 500
_LINES = 5_000
#: Each goes with its states.
_TASK_RUNS = 1_000
_ENDED = sorted(str(kind) for kind in TERMINAL)


async def delete_runs(storage: Storage, runs: ColumnElement[bool]) -> int:
    """Delete these runs, with the subflows in their processes; how many rows went in all.

    They are looked for beside the writer, which a search through all runs would hold up.
    """
    rows = 0
    while ids := await storage.survey(partial(_some, runs)):
        rows += await storage.write(partial(_delete_these, runs, ids))
    return rows


async def detach_ended(storage: Storage, reference: Column[Any], id_: UUID) -> None:
    """Let runs that have ended forget what `reference` names, before that is deleted: in one
    transaction with it, a million of them would hold up everybody.
    """
    mine = and_(reference == id_, flow_run.c.state_type.in_(_ENDED))
    while ids := await storage.survey(partial(_some, mine)):
        await storage.write(partial(_detach, reference, ids))


def _detach(reference: Column[Any], ids: list[UUID], tx: Transaction) -> None:
    these = update(flow_run).where(among(flow_run.c.id, ids))
    tx.execute(these.values({reference.name: None}))


def _delete_these(runs: ColumnElement[bool], ids: list[UUID], tx: Transaction) -> int:
    return delete_some(tx, runs, ids)


def _some(runs: ColumnElement[bool], tx: Transaction) -> list[UUID]:
    return tx.execute(select(flow_run.c.id).where(runs).limit(_RUNS)).scalars()


def delete_some(tx: Transaction, runs: ColumnElement[bool], ids: list[UUID]) -> int:
    """One step: lines or task runs, or when few are left, the runs. How many rows; 0: none of the
    ids is one of these runs.

    A run goes last: what is interrupted can be asked for again.
    """
    ids = tx.execute(select(flow_run.c.id).where(among(flow_run.c.id, ids), runs)).scalars()
    if not ids:
        return 0
    inside = select(flow_run.c.id).where(among(flow_run.c.execution_root_id, ids))
    ids = [*ids, *tx.execute(inside).scalars()]
    some = select(log.c.id).where(among(log.c.flow_run_id, ids)).limit(_LINES)
    lines = tx.execute(delete(log).where(log.c.id.in_(some))).rowcount
    if lines == _LINES:
        return lines
    some = select(task_run.c.id).where(among(task_run.c.flow_run_id, ids)).limit(_TASK_RUNS)
    tasks = tx.execute(delete(task_run).where(task_run.c.id.in_(some))).rowcount
    if tasks == _TASK_RUNS:
        return lines + tasks
    tx.execute(delete(artifact).where(among(artifact.c.flow_run_id, ids)))
    return lines + tasks + tx.execute(delete(flow_run).where(among(flow_run.c.id, ids))).rowcount
