"""What an execution reaches: its credential speaks for one run, and sees what belongs to it."""

from collections.abc import Collection, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import and_, bindparam, literal, or_, select

from runwright.api.deployments import Deployment
from runwright.api.flow_runs import FlowRun
from runwright.server.keys import Principal
from runwright.server.problems import Denied
from runwright.storage.engine import Transaction
from runwright.storage.json_columns import member
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, flow_run_reader, task_run

T = TypeVar("T", bound=FlowRun)
_c, _t, _reader = flow_run.c, task_run.c, flow_run_reader.c
_ROOT = Prepared(select(_c.root_run_id).where(_c.id == bindparam("run_id")))
_LINEAGE = Prepared(select(_c.id).where(_c.root_run_id == bindparam("root_id")))
_READER = Prepared(
    lambda dialect: dialect.insert_or_skip(flow_run_reader),
    columns=[column.key for column in _reader],
)
_by = member(_c.created_by, literal("id"))


def visible(tx: Transaction, principal: Principal, runs: Sequence[T]) -> list[T]:
    """Those of the runs that the principal may see, as far as it may: for a key, all.

    An execution sees all attempts of its own run and its subflows. Of the runs that any of those
    attempts asked for, and of those that they were given by an idempotency key, it sees how they
    stand, but neither parameters nor job variables: some are those of their deployment.
    """
    if principal.flow_run_id is None or not runs:
        return list(runs)
    root_id = tx.execute(_ROOT, {"run_id": principal.flow_run_id}).scalar()
    if root_id is None:
        return []
    lineage = tx.execute(_LINEAGE, {"root_id": root_id}).scalars()
    own = or_(_c.root_run_id == root_id, _c.execution_root_id.in_(lineage))
    given = select(_reader.flow_run_id).where(_reader.root_run_id == root_id)
    seen = tx.execute(
        select(_c.id, own.label("is_own")).where(
            _c.id.in_([UUID(str(run.id)) for run in runs]),
            or_(own, _by.in_([str(id_) for id_ in lineage]), _c.id.in_(given)),
        )
    )
    is_own = {str(row.id): row.is_own for row in seen}
    return [run if is_own[str(run.id)] else of_others(run) for run in runs if str(run.id) in is_own]


def of_others(run: T) -> T:
    """What an execution sees of a run that it asked for, or was given."""
    return msgspec.structs.replace(
        run, parameters={}, context={}, job_variables=None, exit_report=None
    )


def let_read(tx: Transaction, principal: Principal, run_id: UUID) -> None:
    """Note that an execution was given a run by its idempotency key: its lineage may read it."""
    root_id = tx.execute(_ROOT, {"run_id": principal.flow_run_id}).scalar()
    if root_id is not None:
        tx.execute(_READER, {"flow_run_id": run_id, "root_run_id": root_id})


def shown(principal: Principal, deployment: Deployment) -> Deployment:
    """What the principal may see of a deployment. An execution: enough to run it by its name."""
    if principal.flow_run_id is None:
        return deployment
    return Deployment(
        id=deployment.id,
        created=deployment.created,
        updated=deployment.updated,
        name=deployment.name,
        flow_id=deployment.flow_id,
        paused=deployment.paused,
        status=deployment.status,
    )


def refuse_foreign_tasks(
    tx: Transaction, principal: Principal, task_run_ids: Collection[UUID]
) -> None:
    """Refuse an execution that names a task run of another one. Unknown ones are nobody's yet.

    Raises:
        Denied: 403.
    """
    own_id = principal.flow_run_id
    if own_id is None or not task_run_ids:
        return
    is_foreign = or_(
        _t.flow_run_id.is_(None),
        and_(
            _t.flow_run_id != own_id,
            or_(_c.execution_root_id.is_(None), _c.execution_root_id != own_id),
        ),
    )
    found = tx.execute(
        select(_t.id)
        .select_from(task_run.outerjoin(flow_run, _c.id == _t.flow_run_id))
        .where(_t.id.in_(list(task_run_ids)), is_foreign)
        .limit(1)
    ).scalar()
    if found is not None:
        raise Denied(f"Task run {found} belongs to another execution.", status=403)
