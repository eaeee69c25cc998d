"""How deployments are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from runwright.api.deployments import ConcurrencyOptions, Deployment, DeploymentStatus
from runwright.storage.criteria import among
from runwright.storage.queries import Resource, read_one
from runwright.storage.schedules import schedules_of
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment, flow, schedule, work_pool, work_queue
from runwright.storage.weights import weight_of
from runwright.storage.workers import POLLED_LATELY, beats, is_alive

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = deployment.c
_SAME = """
    id created updated name flow_id version version_info description paused concurrency_limit
    job_variables parameters pull_steps tags labels work_queue_id work_queue_name work_pool_name
    parameter_openapi_schema path entrypoint created_by updated_by enforce_parameter_schema
    retries retry_delay_seconds version_number
""".split()  # noqa: SIM905  # a list of this length is not read


def _to_wire(row: Any, now: datetime) -> Deployment:
    polled = row.last_polled is not None and now - row.last_polled <= POLLED_LATELY
    served = row.work_queue_id is not None and is_alive(row.last_beat, row.beat_interval, now)
    status: DeploymentStatus = "READY" if polled or served else "NOT_READY"
    options = row.concurrency_options
    return Deployment(
        **{name: getattr(row, name) for name in _SAME},
        overridable_job_variables=row.overridable_job_variables or [],
        last_polled=row.last_polled,
        status=status,
        concurrency_options=None
        if options is None
        else msgspec.convert(options, ConcurrencyOptions),
    )


_schedules = (
    select(func.coalesce(func.sum(weight_of((schedule.c.schedule, schedule.c.parameters))), 0))
    .where(schedule.c.deployment_id == _c.id)
    .correlate(deployment)
    .scalar_subquery()
)
DEPLOYMENTS: Resource[Deployment] = Resource(
    table=deployment,
    columns=(
        *deployment.columns,
        work_queue.c.name.label("work_queue_name"),
        work_pool.c.name.label("work_pool_name"),
        *beats(work_queue.c.work_pool_id, of_queue=True),
    ),
    source=deployment.outerjoin(work_queue, work_queue.c.id == _c.work_queue_id).outerjoin(
        work_pool, work_pool.c.id == work_queue.c.work_pool_id
    ),
    to_wire=_to_wire,
    more_weight=_schedules,
    sorts={
        "NAME_ASC": (_c.name.asc(), _c.id),
        "NAME_DESC": (_c.name.desc(), _c.id),
        "CREATED_DESC": (_c.created.desc(), _c.id),
        "UPDATED_DESC": (_c.updated.desc(), _c.id),
    },
)

_by_name = DEPLOYMENTS.select().where(
    _c.name == bindparam("wanted_name"),
    _c.flow_id.in_(select(flow.c.id).where(flow.c.name == bindparam("wanted_flow"))),
)
#: A deployment with where its runs go: what making a run needs.
_with_pool = Prepared(
    select(
        deployment,
        work_queue.c.name.label("work_queue_name"),
        work_queue.c.work_pool_id,
        work_pool.c.name.label("work_pool_name"),
        work_pool.c.base_job_template,
        flow.c.name.label("flow_name"),
    )
    .join(flow, flow.c.id == _c.flow_id)
    .outerjoin(work_queue, work_queue.c.id == _c.work_queue_id)
    .outerjoin(work_pool, work_pool.c.id == work_queue.c.work_pool_id)
    .where(_c.id == bindparam("wanted_id"))
)
_row_by_id = select(deployment).where(_c.id == bindparam("wanted_id"))
_row_by_name = select(deployment).where(
    _c.flow_id == bindparam("wanted_flow_id"), _c.name == bindparam("wanted_name")
)


def find_deployment(tx: "Transaction", deployment_id: UUID) -> Deployment | None:
    """The deployment of that id, with its schedules."""
    found = read_one(tx, DEPLOYMENTS, deployment_id)
    return None if found is None else with_schedules(tx, [found])[0]


def find_deployment_by_name(
    tx: "Transaction", flow_name: str, deployment_name: str
) -> Deployment | None:
    """The deployment of that name of the flow of that name, with its schedules."""
    names = {"wanted_flow": flow_name, "wanted_name": deployment_name}
    row = tx.execute(_by_name, names).first()
    return None if row is None else with_schedules(tx, [_to_wire(row, tx.now)])[0]


def deployment_with_pool(tx: "Transaction", deployment_id: UUID) -> Any:
    """The row of a deployment with its flow's name, queue, pool and job template; or None."""
    return tx.execute(_with_pool, {"wanted_id": deployment_id}).first()


def locked_deployment(tx: "Transaction", deployment_id: UUID) -> Any:
    """The row of that id, or None. Nobody else changes it until the commit."""
    return tx.execute(_row_by_id.with_for_update(), {"wanted_id": deployment_id}).first()


def locked_deployment_by_name(tx: "Transaction", flow_id: UUID, name: str) -> Any:
    """The row of that name of that flow, or None."""
    names = {"wanted_flow_id": flow_id, "wanted_name": name}
    return tx.execute(_row_by_name.with_for_update(), names).first()


def insert_deployment(tx: "Transaction", values: dict[str, Any]) -> bool:
    """Store a new deployment, unless somebody else has just made one of that name."""
    statement = tx.dialect.insert(deployment).on_conflict_do_nothing(
        index_elements=["flow_id", "name"]
    )
    return tx.execute(statement.returning(_c.id), values).first() is not None


def update_deployment(tx: "Transaction", deployment_id: UUID, changes: dict[str, Any]) -> None:
    """Set some columns of a deployment."""
    tx.execute(update(deployment).where(_c.id == deployment_id).values(changes))


def delete_deployment(tx: "Transaction", deployment_id: UUID) -> bool:
    """Delete a deployment with its schedules. Its runs stay and lose their deployment."""
    tx.execute(delete(schedule).where(schedule.c.deployment_id == deployment_id))
    return tx.execute(delete(deployment).where(_c.id == deployment_id)).rowcount > 0


def mark_polled(tx: "Transaction", deployment_ids: list[UUID]) -> None:
    """Note that somebody serves these deployments."""
    tx.execute(
        update(deployment).where(among(_c.id, list(deployment_ids))).values(last_polled=tx.now)
    )


def with_schedules(tx: "Transaction", found: list[Deployment]) -> list[Deployment]:
    """The deployments, each with its schedules."""
    of_each = schedules_of(tx, [each.id for each in found])
    return [msgspec.structs.replace(each, schedules=of_each.get(each.id, [])) for each in found]
