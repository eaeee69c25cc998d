"""An execution's credential speaks for one run, and sees what belongs to that run."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import bindparam, literal, or_, select

from runwright.api.flow_runs import FlowRun
from runwright.server.keys import Principal
from runwright.storage.engine import Transaction
from runwright.storage.json_columns import member
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run

T = TypeVar("T", bound=FlowRun)
_c = flow_run.c
_ROOT = Prepared(select(_c.root_run_id).where(_c.id == bindparam("run_id")))
_LINEAGE = Prepared(select(_c.id).where(_c.root_run_id == bindparam("root_id")))
_by = member(_c.created_by, literal("id"))
_by_type = member(_c.created_by, literal("type"))


def visible(tx: Transaction, principal: Principal, runs: Sequence[T]) -> list[T]:
    """Those of the runs that the principal may see: for a key, all.

    An execution sees all attempts of its own run, its subflows, and the runs of deployments that
    any of those attempts asked for; also those another flow asked for under an idempotency key,
    since a flow that uses the key is given that run.
    """
    if principal.flow_run_id is None or not runs:
        return list(runs)
    root_id = tx.execute(_ROOT, {"run_id": principal.flow_run_id}).scalar()
    if root_id is None:
        return []
    lineage = tx.execute(_LINEAGE, {"root_id": root_id}).scalars()
    seen = tx.execute(
        select(_c.id).where(
            _c.id.in_([UUID(str(run.id)) for run in runs]),
            or_(
                _c.root_run_id == root_id,
                _c.execution_root_id.in_(lineage),
                _by.in_([str(id_) for id_ in lineage]),
                _c.idempotency_key.is_not(None) & (_by_type == "EXECUTION"),
            ),
        )
    ).scalars()
    ids = {str(id_) for id_ in seen}
    return [run for run in runs if str(run.id) in ids]
