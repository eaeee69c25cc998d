"""Every router of the interface. A resource that is not here is not served."""

from runwright.server.api import (
    admin,
    artifacts,
    block_schemas,
    block_types,
    concurrency_limits,
    deployments,
    events,
    executions,
    flow_runs,
    flows,
    keys,
    logs,
    run_inputs,
    schedules,
    states,
    tag_limits,
    task_runs,
    variables,
    work_pools,
    work_queues,
    workers,
)
from runwright.server.api.admin import root

__all__ = ["ROUTERS", "root"]

ROUTERS = [
    admin.router,
    artifacts.router,
    block_schemas.capabilities_router,
    block_schemas.router,
    block_types.router,
    concurrency_limits.router,
    deployments.router,
    events.router,
    executions.router,
    flow_runs.router,
    flows.router,
    keys.router,
    logs.router,
    run_inputs.router,
    schedules.router,
    states.router,
    tag_limits.router,
    task_runs.router,
    variables.router,
    work_pools.router,
    work_queues.router,
    workers.router,
]
