"""Calls about deployments and their schedules."""

from uuid import UUID

from runwright.api.deployments import Deployment, DeploymentRunCreate, DeploymentVersion, RollBack
from runwright.api.filters import DeploymentFilter, FlowFilter, IdIs, Query, TextIs
from runwright.api.flow_runs import FlowRun
from runwright.api.schedules import Schedule, ScheduleCreate, ScheduleUpdate
from runwright.client.call import Call, delete, get, join, patch, post, query


def read(deployment_id: UUID) -> Call[Deployment]:
    """One deployment."""
    return get(join("deployments", deployment_id), Deployment)


def by_name(flow: str, deployment: str) -> Call[Deployment]:
    """The deployment of that flow and name."""
    return get(join("deployments", "name", flow, deployment), Deployment)


def find(
    *,
    flow: str | None = None,
    name: str | None = None,
    ids: list[UUID] | None = None,
    limit: int = 200,
    offset: int = 0,
) -> Call[list[Deployment]]:
    """Deployments by name; those of one flow, of one name, or of `ids`."""
    wanted = DeploymentFilter(
        name=TextIs(any_=[name]) if name else None,
        id=IdIs(any_=ids) if ids is not None else None,
    )
    body = Query(
        flows=FlowFilter(name=TextIs(any_=[flow])) if flow else None,
        deployments=wanted if name or ids is not None else None,
        sort="NAME_ASC",
        limit=limit,
        offset=offset,
    )
    return query("/deployments/filter", list[Deployment], body)


def create_run(deployment_id: UUID, run: DeploymentRunCreate) -> Call[FlowRun]:
    """A run of a deployment. Repeatable when it has an idempotency key."""
    path = join("deployments", deployment_id, "create_flow_run")
    return Call(
        method="POST",
        path=path,
        answer=FlowRun,
        body=run,
        is_idempotent=run.idempotency_key is not None,
    )


def pause(deployment_id: UUID) -> Call[None]:
    """Nothing of it fires or is claimed from now on."""
    return post(join("deployments", deployment_id, "pause_deployment"))


def resume(deployment_id: UUID) -> Call[None]:
    """Undo `pause`."""
    return post(join("deployments", deployment_id, "resume_deployment"))


def remove(deployment_id: UUID) -> Call[None]:
    """Delete a deployment. Its runs stay."""
    return delete(join("deployments", deployment_id))


def versions(deployment_id: UUID) -> Call[list[DeploymentVersion]]:
    """What a deployment executed, the newest version first."""
    return get(join("deployments", deployment_id, "versions"), list[DeploymentVersion])


def roll_back(deployment_id: UUID, number: int | None) -> Call[Deployment]:
    """Execute again what version `number` executed; without one, the version before."""
    path = join("deployments", deployment_id, "rollback")
    return post(path, Deployment, RollBack(version_number=number))


def schedules(deployment_id: UUID) -> Call[list[Schedule]]:
    """The schedules of a deployment."""
    return get(join("deployments", deployment_id, "schedules"), list[Schedule])


def add_schedule(deployment_id: UUID, schedule: ScheduleCreate) -> Call[list[Schedule]]:
    """Give a deployment one more schedule."""
    path = join("deployments", deployment_id, "schedules")
    return post(path, list[Schedule], [schedule])


def edit_schedule(deployment_id: UUID, schedule_id: UUID, change: ScheduleUpdate) -> Call[None]:
    """Change a schedule."""
    return patch(join("deployments", deployment_id, "schedules", schedule_id), change)


def remove_schedule(deployment_id: UUID, schedule_id: UUID) -> Call[None]:
    """Take a schedule away; runs that it made and nobody has claimed go with it."""
    return delete(join("deployments", deployment_id, "schedules", schedule_id))
