"""Flow runs as an execution reads them: those that belong to its run, and no others.

Which these are is part of the statement. Were the others left out afterwards, pages would have
holes, and offsets would tell how many runs of others meet a filter.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, case, literal, or_, select, union

from runwright.api.flow_runs import FlowRun
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.queries import Resource
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run, flow_run_reader
from runwright.storage.types import Id

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c, _reader = flow_run.c, flow_run_reader.c
_asking, _attempt, _read = (flow_run.alias(name) for name in ("asking", "attempt", "read"))
#: The run whose execution asks: a parameter of every statement on `READABLE_RUNS`.
ASKING = "asking_run_id"

_root = (
    select(_asking.c.root_run_id).where(_asking.c.id == bindparam(ASKING, type_=Id()))
).scalar_subquery()
_attempts = select(_attempt.c.id).where(_attempt.c.root_run_id == _root)


def _of_lineage(run: Any) -> ColumnElement[bool]:
    """It is an attempt of the run that asks, or a subflow of one."""
    return or_(run.c.root_run_id == _root, run.c.execution_root_id.in_(_attempts))


def _ids() -> Select[Any]:
    """The ids of what may be read, each part by an index."""
    own, inner, given = (flow_run.alias(name) for name in ("own", "inner", "given"))
    asked_for = (
        select(_read.c.root_run_id)
        .select_from(flow_run_reader.join(_read, _read.c.id == _reader.flow_run_id))
        .where(_reader.root_run_id == _root)
    )
    every = union(
        select(own.c.id).where(own.c.root_run_id == _root),
        select(inner.c.id).where(inner.c.execution_root_id.in_(_attempts)),
        # With their later attempts, for which who has asked for the first one waits.
        select(given.c.id).where(given.c.root_run_id.in_(asked_for)),
    ).subquery("readable")
    return select(every.c.id)


def of_others(run: FlowRun) -> FlowRun:
    """What an execution sees of a run that it asked for, or was given: how it stands.

    Neither its parameters nor its job variables: some are those of its deployment.
    """
    return msgspec.structs.replace(
        run, parameters={}, context={}, job_variables=None, exit_report=None
    )


def _to_wire(row: Any, now: datetime) -> FlowRun:
    run = FLOW_RUNS.to_wire(row, now)
    return run if row.is_own else of_others(run)


READABLE_RUNS: Resource[FlowRun] = Resource(
    table=flow_run,
    columns=(
        *FLOW_RUNS.columns,
        case((_of_lineage(flow_run), literal(1)), else_=literal(0)).label("is_own"),
    ),
    source=FLOW_RUNS.source,
    to_wire=_to_wire,
    as_stored=True,
    sorts=FLOW_RUNS.sorts,
    only=_c.id.in_(_ids()),
)

_root_of = Prepared(select(_c.root_run_id).where(_c.id == bindparam("run_id")))
_let_read = Prepared(
    lambda dialect: dialect.insert_or_skip(flow_run_reader),
    columns=[column.key for column in _reader],
)


def let_read(tx: "Transaction", asking: UUID, run_id: UUID) -> None:
    """Let the lineage of the run that asks read another run, and later attempts of that."""
    root_id = tx.execute(_root_of, {"run_id": asking}).scalar()
    if root_id is not None:
        tx.execute(_let_read, {"flow_run_id": run_id, "root_run_id": root_id})
