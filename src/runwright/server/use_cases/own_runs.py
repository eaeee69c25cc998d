"""What an execution reaches: its credential speaks for one run, and sees what belongs to it."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from runwright.api.deployments import Deployment
from runwright.api.filters import Filters, Query
from runwright.api.flow_runs import FlowRun
from runwright.server.keys import Principal
from runwright.server.problems import Denied
from runwright.storage.engine import Transaction
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.queries import Resource
from runwright.storage.readable_runs import ASKING, READABLE_RUNS
from runwright.storage.tables import flow_run, task_run

_c, _t = flow_run.c, task_run.c
#: What an execution may filter its runs by. The rest are properties of things that it sees nothing,
#: or little of: whether a run is found would tell them.
_FILTERS = frozenset({"flow_runs", "flows"})


def runs_for(principal: Principal) -> tuple[Resource[FlowRun], dict[str, Any]]:
    """The flow runs that the principal may read, and what their statements have to be told.

    A key reads all of them. An execution reads all attempts of its own run and its subflows. Of
    the runs that any of those attempts asked for, and of those that they were given by an
    idempotency key, it sees how they stand, but neither parameters nor job variables.
    """
    if principal.flow_run_id is None:
        return FLOW_RUNS, {}
    return READABLE_RUNS, {ASKING: principal.flow_run_id}


def refuse_foreign_filters(principal: Principal, query: Query) -> None:
    """Refuse an execution that filters by what it may not read.

    Raises:
        Denied: 403.
    """
    if principal.flow_run_id is None:
        return
    beyond = [
        name
        for name in Filters.__struct_fields__
        if name not in _FILTERS and getattr(query, name) is not None
    ]
    if beyond:
        raise Denied(
            f"An execution finds its flow runs by {' and '.join(sorted(_FILTERS))}, not by "
            f"{', '.join(beyond)}. Leave that out, or ask with a key that has runs:read.",
            status=403,
        )


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
