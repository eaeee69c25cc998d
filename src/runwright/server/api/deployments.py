"""`/deployments`: what is deployed, and runs of it."""

import random
from contextlib import suppress
from uuid import UUID

from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.deployments import (
    CreatedRuns,
    Deployment,
    DeploymentCreate,
    DeploymentPage,
    DeploymentRunCreate,
    DeploymentsToDelete,
    DeploymentUpdate,
    DeploymentVersion,
    DueRunsOfDeployments,
    RollBack,
    ScheduleRuns,
)
from runwright.api.filters import Filters, PageQuery, Query
from runwright.api.flow_runs import DeletedIds, FlowRun
from runwright.api.work_queues import WorkQueue
from runwright.server.injected import Asker, PathId, PathName, Wired
from runwright.server.keys import Principal, creator
from runwright.server.pages import many, one_page
from runwright.server.problems import Missing
from runwright.server.use_cases.create_deployment_run import RunMaker
from runwright.server.use_cases.deployment_versions import roll_back
from runwright.server.use_cases.fire_schedules import Firing
from runwright.server.use_cases.job_overrides import may_override
from runwright.server.use_cases.own_runs import refuse_foreign_tasks, shown
from runwright.server.use_cases.save_deployment import (
    change_deployment,
    locked,
    pause_deployment,
    read_deployment,
    remove_deployment,
    resume_deployment,
    save_deployment,
)
from runwright.server.wiring import Wiring
from runwright.storage.criteria import among
from runwright.storage.deleting import detach_ended
from runwright.storage.deployment_versions import versions_of
from runwright.storage.deployments import (
    DEPLOYMENTS,
    deployment_with_pool,
    find_deployment_by_name,
    mark_polled,
    with_schedules,
)
from runwright.storage.due_runs import due_runs
from runwright.storage.engine import Transaction
from runwright.storage.queries import count, ids_of, limit_of, read_one
from runwright.storage.readable_runs import let_read, of_others
from runwright.storage.schedules import locked_schedules
from runwright.storage.tables import flow_run
from runwright.storage.work_pools import WORK_QUEUES

_MOST_VERSIONS = 200


@post("/", status_code=201)
async def create(
    data: JSONBody[DeploymentCreate], wiring: Wired, principal: Asker
) -> Response[Deployment]:
    """Deploy: 201 when it is new, 200 when it replaced the one of that flow and name."""
    made, is_new = await wiring.storage.write(
        lambda tx: save_deployment(tx, data, wiring.new_id, creator(principal))
    )
    return Response(made, status_code=201 if is_new else 200)


@get("/{deployment_id:uuid}")
async def read(deployment_id: PathId, wiring: Wired, principal: Asker) -> Deployment:
    """One deployment; an execution sees no more than it needs to run it."""
    found = await wiring.storage.read(lambda tx: read_deployment(tx, deployment_id))
    return shown(principal, found)


@get("/name/{flow_name:str}/{deployment_name:str}")
async def read_by_name(
    flow_name: PathName, deployment_name: PathName, wiring: Wired, principal: Asker
) -> Deployment:
    """The deployment of that name of the flow of that name; to an execution as above."""
    found = await wiring.storage.read(
        lambda tx: find_deployment_by_name(tx, flow_name, deployment_name)
    )
    if found is None:
        raise Missing(
            f"There is no deployment '{flow_name}/{deployment_name}'. "
            "To see which there are: runwright deployment ls",
            code="deployment_not_found",
        )
    return shown(principal, found)


@patch("/{deployment_id:uuid}", status_code=204)
async def change(
    deployment_id: PathId, data: JSONBody[DeploymentUpdate], wiring: Wired, principal: Asker
) -> None:
    """Change a deployment."""
    await wiring.storage.write(
        lambda tx: change_deployment(tx, deployment_id, data, wiring.new_id, creator(principal))
    )


@delete("/{deployment_id:uuid}", status_code=204)
async def remove(deployment_id: PathId, wiring: Wired) -> None:
    """Delete a deployment; runs that have begun go on."""
    await _remove(wiring, deployment_id)


async def _remove(wiring: Wiring, deployment_id: UUID) -> None:
    await detach_ended(wiring.storage, flow_run.c.deployment_id, deployment_id)
    await wiring.storage.write(lambda tx: remove_deployment(tx, deployment_id, wiring.policy))


@post("/filter", status_code=200)
async def filtered(data: JSONBody[Query], wiring: Wired) -> Response[list[Deployment]]:
    """Deployments that meet the filters."""
    return await many(wiring, DEPLOYMENTS, data, with_schedules)


@post("/count", status_code=200)
async def counted(data: JSONBody[Filters], wiring: Wired) -> int:
    """How many deployments meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, DEPLOYMENTS, data))


@post("/paginate", status_code=200)
async def paginated(data: JSONBody[PageQuery], wiring: Wired) -> Response[DeploymentPage]:
    """One page of the deployments that meet the filters."""
    return await one_page(wiring, DEPLOYMENTS, data, DeploymentPage, with_schedules)


@post("/bulk_delete", status_code=200)
async def bulk_delete(data: JSONBody[DeploymentsToDelete], wiring: Wired) -> DeletedIds:
    """Delete the deployments that meet the filter, 50 at a time."""
    query = Query(deployments=data.deployments, limit=data.limit)

    def chosen(tx: Transaction) -> list[UUID]:
        return ids_of(tx, DEPLOYMENTS, query)

    # Chosen where a long query holds nobody up, and each deleted in a transaction of its own.
    deleted: list[UUID] = []
    for id_ in await wiring.storage.read(chosen):
        with suppress(Missing):  # somebody else was faster
            await _remove(wiring, id_)
            deleted.append(id_)
    return DeletedIds(deleted=deleted)


@post("/{deployment_id:uuid}/create_flow_run", status_code=201)
async def create_flow_run(
    deployment_id: PathId, data: JSONBody[DeploymentRunCreate], wiring: Wired, principal: Asker
) -> Response[FlowRun]:
    """A run of the deployment: 201; 200 with the one there is for a known idempotency key."""
    maker = _maker(wiring, principal)

    def use_case(tx: Transaction) -> tuple[FlowRun, bool]:
        if data.parent_task_run_id is not None:
            refuse_foreign_tasks(tx, principal, [data.parent_task_run_id])
        run, is_new = maker.create(tx, deployment_id, data)
        if principal.flow_run_id is None:
            return run, is_new
        let_read(tx, principal.flow_run_id, run.id)
        return of_others(run), is_new

    run, is_new = await wiring.storage.jot(use_case)
    return Response(run, status_code=201 if is_new else 200)


@post("/{deployment_id:uuid}/create_flow_run/bulk", status_code=200)
async def create_flow_runs(
    deployment_id: PathId,
    data: JSONBody[list[DeploymentRunCreate]],
    wiring: Wired,
    principal: Asker,
) -> CreatedRuns:
    """Many runs of the deployment, each for itself."""
    maker = _maker(wiring, principal)
    return CreatedRuns(
        results=await wiring.storage.write(lambda tx: maker.create_many(tx, deployment_id, data))
    )


@post("/{deployment_id:uuid}/pause_deployment", status_code=200)
async def pause(deployment_id: PathId, wiring: Wired) -> None:
    """Let nothing of it fire or start."""
    await wiring.storage.write(lambda tx: pause_deployment(tx, deployment_id))


@post("/{deployment_id:uuid}/resume_deployment", status_code=200)
async def resume(deployment_id: PathId, wiring: Wired) -> None:
    """Let it fire and start again, from now on."""
    await wiring.storage.write(lambda tx: resume_deployment(tx, deployment_id))


@get("/{deployment_id:uuid}/versions")
async def versions(deployment_id: PathId, wiring: Wired) -> list[DeploymentVersion]:
    """What it executed, the newest version first; 200 at most."""

    def query(tx: Transaction) -> list[DeploymentVersion]:
        read_deployment(tx, deployment_id)
        return versions_of(tx, deployment_id, _MOST_VERSIONS)

    return await wiring.storage.read(query)


@post("/{deployment_id:uuid}/rollback", status_code=200)
async def rollback(
    deployment_id: PathId, data: JSONBody[RollBack], wiring: Wired, principal: Asker
) -> Deployment:
    """Execute again what an earlier version executed."""
    return await wiring.storage.write(
        lambda tx: roll_back(
            tx, deployment_id, data.version_number, wiring.new_id, creator(principal)
        )
    )


@post("/{deployment_id:uuid}/schedule", status_code=200)
async def schedule(deployment_id: PathId, data: JSONBody[ScheduleRuns], wiring: Wired) -> None:
    """Make the runs of its schedules now, as the scheduler would within moments."""
    del data  # the scheduler's own horizon holds: runs are made once, whoever asks
    firing = Firing(new_id=wiring.new_id, random=random.random)

    def use_case(tx: Transaction) -> None:
        if locked(tx, deployment_id).paused:
            return
        rows = [row for row in locked_schedules(tx, deployment_id) if row.active]
        firing.fire_now(tx, rows, deployment_with_pool(tx, deployment_id))

    await wiring.storage.write(use_case)


@post("/get_scheduled_flow_runs", status_code=200)
async def get_scheduled_flow_runs(
    data: JSONBody[DueRunsOfDeployments], wiring: Wired
) -> list[FlowRun]:
    """Runs that the process serving these deployments may propose PENDING for."""
    limit = limit_of(data.limit)
    mine = among(flow_run.c.deployment_id, data.deployment_ids)

    def query(tx: Transaction) -> list[FlowRun]:
        return due_runs(tx, data.scheduled_before or tx.now, limit, mine)

    found = await wiring.storage.read(query)
    await wiring.storage.write(lambda tx: mark_polled(tx, data.deployment_ids))
    return found


@get("/{deployment_id:uuid}/work_queue_check")
async def work_queue_check(deployment_id: PathId, wiring: Wired) -> list[WorkQueue]:
    """The queue that its runs go to."""

    def query(tx: Transaction) -> list[WorkQueue]:
        queue_id = read_deployment(tx, deployment_id).work_queue_id
        queue = None if queue_id is None else read_one(tx, WORK_QUEUES, queue_id)
        return [] if queue is None else [queue]

    return await wiring.storage.read(query)


def _maker(wiring: Wiring, principal: Principal) -> RunMaker:
    return RunMaker(
        new_id=wiring.new_id,
        random=random.random,
        creator=creator(principal),
        may_override=may_override(principal),
    )


router = Router(
    path="/deployments",
    route_handlers=[
        create,
        read,
        read_by_name,
        change,
        remove,
        filtered,
        counted,
        paginated,
        bulk_delete,
        create_flow_run,
        create_flow_runs,
        pause,
        resume,
        schedule,
        get_scheduled_flow_runs,
        work_queue_check,
        versions,
        rollback,
    ],
)
