"""`/deployments/{id}/schedules`."""

from litestar import Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.schedules import Schedule, ScheduleCreate, ScheduleUpdate
from runwright.server.injected import PathId, Wired
from runwright.server.use_cases.edit_schedules import (
    add_schedules,
    change_schedule,
    delete_schedule,
)
from runwright.server.use_cases.save_deployment import locked, read_deployment


@get("/{deployment_id:uuid}/schedules")
async def read(deployment_id: PathId, wiring: Wired) -> list[Schedule]:
    """The schedules of a deployment."""
    found = await wiring.storage.read(lambda tx: read_deployment(tx, deployment_id))
    return found.schedules


@post("/{deployment_id:uuid}/schedules", status_code=201)
async def create(
    deployment_id: PathId, data: JSONBody[list[ScheduleCreate]], wiring: Wired
) -> list[Schedule]:
    """Add schedules; one whose slug is there takes its place."""
    return await wiring.storage.write(
        lambda tx: add_schedules(tx, locked(tx, deployment_id), data, wiring.new_id)
    )


@patch("/{deployment_id:uuid}/schedules/{schedule_id:uuid}", status_code=204)
async def change(
    deployment_id: PathId, schedule_id: PathId, data: JSONBody[ScheduleUpdate], wiring: Wired
) -> None:
    """Change a schedule; it is planned anew from now."""
    await wiring.storage.write(
        lambda tx: change_schedule(tx, locked(tx, deployment_id), schedule_id, data)
    )


@delete("/{deployment_id:uuid}/schedules/{schedule_id:uuid}", status_code=204)
async def remove(deployment_id: PathId, schedule_id: PathId, wiring: Wired) -> None:
    """Delete a schedule and the runs made ahead for it."""
    await wiring.storage.write(
        lambda tx: delete_schedule(tx, locked(tx, deployment_id), schedule_id)
    )


router = Router(path="/deployments", route_handlers=[read, create, change, remove])
