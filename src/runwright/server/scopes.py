"""The one table of routes and what each needs. A route that is not here cannot exist.

A route with `EXECUTION` sees to it that an execution reaches what belongs to its run, no more.

`ANYONE`: no key. `ANY_KEY`: any valid one. A tuple lists alternatives. Paths are below `/api`.
"""

from runwright.server.keys import EXECUTION

ANYONE = "anyone"
ANY_KEY = "any-key"

#: In the place of a method.
WEBSOCKET = "WS"

_POLL = ("pools:read", "pools:poll")

#: Also served outside of /api, for load balancers.
ROOT = {
    ("GET", "/health"): ANYONE,
    ("GET", "/ready"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
}

SCOPES: dict[tuple[str, str], str | tuple[str, ...]] = {
    ("GET", "/health"): ANYONE,
    ("GET", "/ready"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("GET", "/hello"): ANY_KEY,
    ("GET", "/version"): ANY_KEY,
    ("GET", "/csrf-token"): ANY_KEY,
    ("GET", "/admin/version"): ANY_KEY,
    ("GET", "/admin/storage"): ANY_KEY,
    ("GET", "/admin/settings"): "admin:settings",
    ("POST", "/session"): ANYONE,
    ("DELETE", "/session"): ANY_KEY,
    ("POST", "/sign_in_links"): "admin:keys",
    ("POST", "/keys"): "admin:keys",
    ("POST", "/keys/filter"): "admin:keys",
    ("DELETE", "/keys/{id}"): "admin:keys",
    # flows
    ("POST", "/flows"): ("flows:write", "runs:create"),
    ("GET", "/flows/{id}"): "flows:read",
    ("GET", "/flows/name/{name}"): "flows:read",
    ("PATCH", "/flows/{id}"): "flows:write",
    ("DELETE", "/flows/{id}"): "runs:delete",
    ("POST", "/flows/filter"): "flows:read",
    ("POST", "/flows/count"): "flows:read",
    ("POST", "/flows/paginate"): "flows:read",
    ("POST", "/flows/bulk_delete"): "runs:delete",
    # flow runs
    ("POST", "/flow_runs"): "runs:create",
    ("GET", "/flow_runs/{id}"): ("runs:read", EXECUTION),
    ("PATCH", "/flow_runs/{id}"): "runs:write",
    ("PATCH", "/flow_runs/{id}/labels"): "runs:write",
    ("DELETE", "/flow_runs/{id}"): "runs:delete",
    ("POST", "/flow_runs/filter"): ("runs:read", EXECUTION),
    ("POST", "/flow_runs/count"): "runs:read",
    ("POST", "/flow_runs/paginate"): "runs:read",
    ("POST", "/flow_runs/history"): "runs:read",
    ("POST", "/flow_runs/lateness"): "runs:read",
    ("POST", "/flow_runs/bulk_set_state"): "runs:write",
    ("POST", "/flow_runs/bulk_delete"): "runs:delete",
    ("POST", "/flow_runs/{id}/set_state"): "runs:write",
    ("POST", "/flow_runs/{id}/resume"): "runs:write",
    ("POST", "/flow_runs/{id}/rerun"): "runs:create",
    ("GET", "/flow_runs/{id}/logs/download"): "logs:read",
    ("POST", "/flow_runs/{id}/journal"): "runs:report",
    ("POST", "/flow_runs/{id}/exit"): "runs:report",
    ("POST", "/flow_runs/{id}/release"): "runs:report",
    ("GET", "/flow_run_states"): "runs:read",
    ("GET", "/flow_run_states/{id}"): "runs:read",
    # task runs
    ("POST", "/task_runs"): "runs:create",
    ("GET", "/task_runs/{id}"): "runs:read",
    ("PATCH", "/task_runs/{id}"): "runs:write",
    ("DELETE", "/task_runs/{id}"): "runs:delete",
    ("POST", "/task_runs/filter"): "runs:read",
    ("POST", "/task_runs/count"): "runs:read",
    ("POST", "/task_runs/paginate"): "runs:read",
    ("POST", "/task_runs/history"): "runs:read",
    ("POST", "/task_runs/{id}/set_state"): "runs:write",
    ("GET", "/task_run_states"): "runs:read",
    ("GET", "/task_run_states/{id}"): "runs:read",
    # events
    ("POST", "/events"): "events:write",
    ("WS", "/events/in"): "events:write",
    ("WS", "/events/out"): "events:read",
    ("POST", "/events/filter"): "events:read",
    ("GET", "/events/filter/next"): "events:read",
    ("POST", "/events/count-by/{countable}"): "events:read",
    # concurrency limits
    ("POST", "/v2/concurrency_limits"): "limits:write",
    ("GET", "/v2/concurrency_limits/{id_or_name}"): ("limits:write", "limits:use"),
    ("POST", "/v2/concurrency_limits/filter"): ("limits:write", "limits:use"),
    ("PATCH", "/v2/concurrency_limits/{id_or_name}"): "limits:write",
    ("DELETE", "/v2/concurrency_limits/{id_or_name}"): "limits:write",
    ("POST", "/v2/concurrency_limits/increment"): "limits:use",
    ("POST", "/v2/concurrency_limits/decrement"): "limits:use",
    ("POST", "/v2/concurrency_limits/increment-with-lease"): "limits:use",
    ("POST", "/v2/concurrency_limits/decrement-with-lease"): "limits:use",
    ("POST", "/v2/concurrency_limits/leases/{lease_id}/renew"): "limits:use",
    ("POST", "/concurrency_limits"): "limits:write",
    ("POST", "/concurrency_limits/filter"): ("limits:write", "limits:use"),
    ("GET", "/concurrency_limits/{id}"): ("limits:write", "limits:use"),
    ("DELETE", "/concurrency_limits/{id}"): "limits:write",
    ("GET", "/concurrency_limits/tag/{tag}"): ("limits:write", "limits:use"),
    ("DELETE", "/concurrency_limits/tag/{tag}"): "limits:write",
    ("POST", "/concurrency_limits/tag/{tag}/reset"): "limits:write",
    ("POST", "/concurrency_limits/increment"): "limits:use",
    ("POST", "/concurrency_limits/decrement"): "limits:use",
    # logs and artifacts
    ("WS", "/logs/out"): "logs:read",
    ("POST", "/logs"): ("logs:write", EXECUTION),
    ("POST", "/logs/filter"): "logs:read",
    ("POST", "/artifacts/filter"): "artifacts:read",
    ("POST", "/artifacts/count"): "artifacts:read",
    ("GET", "/artifacts/{id}"): "artifacts:read",
    ("GET", "/artifacts/{key}/latest"): "artifacts:read",
    ("POST", "/artifacts/latest/filter"): "artifacts:read",
    ("POST", "/artifacts/latest/count"): "artifacts:read",
    ("POST", "/artifacts"): "artifacts:write",
    ("PATCH", "/artifacts/{id}"): "artifacts:write",
    ("DELETE", "/artifacts/{id}"): "artifacts:write",
    # deployments and their schedules
    ("POST", "/deployments"): "deployments:write",
    ("GET", "/deployments/{id}"): ("deployments:read", EXECUTION),
    ("GET", "/deployments/name/{flow_name}/{deployment_name}"): ("deployments:read", EXECUTION),
    ("PATCH", "/deployments/{id}"): "deployments:write",
    ("DELETE", "/deployments/{id}"): "deployments:write",
    ("POST", "/deployments/filter"): "deployments:read",
    ("POST", "/deployments/count"): "deployments:read",
    ("POST", "/deployments/paginate"): "deployments:read",
    ("POST", "/deployments/bulk_delete"): "deployments:write",
    ("POST", "/deployments/get_scheduled_flow_runs"): "runs:write",
    ("POST", "/deployments/{id}/create_flow_run"): ("runs:create", EXECUTION),
    ("POST", "/deployments/{id}/create_flow_run/bulk"): "runs:create",
    ("POST", "/deployments/{id}/pause_deployment"): "deployments:write",
    ("POST", "/deployments/{id}/resume_deployment"): "deployments:write",
    ("POST", "/deployments/{id}/schedule"): "deployments:write",
    ("GET", "/deployments/{id}/schedules"): "deployments:read",
    ("POST", "/deployments/{id}/schedules"): "deployments:write",
    ("PATCH", "/deployments/{id}/schedules/{schedule_id}"): "deployments:write",
    ("DELETE", "/deployments/{id}/schedules/{schedule_id}"): "deployments:write",
    ("GET", "/deployments/{id}/work_queue_check"): "deployments:read",
    # work pools, queues, workers
    ("POST", "/work_pools"): "pools:write",
    ("GET", "/work_pools/{name}"): _POLL,
    ("PATCH", "/work_pools/{name}"): "pools:write",
    ("DELETE", "/work_pools/{name}"): "pools:write",
    ("POST", "/work_pools/filter"): "pools:read",
    ("POST", "/work_pools/count"): "pools:read",
    ("POST", "/work_pools/{name}/concurrency_status"): "pools:read",
    ("POST", "/work_pools/{name}/get_scheduled_flow_runs"): "runs:write",
    ("POST", "/work_pools/{name}/queues"): "pools:write",
    ("POST", "/work_pools/{name}/queues/filter"): _POLL,
    ("GET", "/work_pools/{name}/queues/{queue_name}"): _POLL,
    ("PATCH", "/work_pools/{name}/queues/{queue_name}"): "pools:write",
    ("DELETE", "/work_pools/{name}/queues/{queue_name}"): "pools:write",
    ("POST", "/work_pools/{name}/workers/filter"): "pools:read",
    ("POST", "/work_pools/{name}/workers/heartbeat"): "pools:poll",
    ("DELETE", "/work_pools/{name}/workers/{worker_name}"): "pools:write",
    ("POST", "/work_pools/{name}/workers/{instance_id}/sync"): "pools:poll",
    ("POST", "/work_queues"): "pools:write",
    ("POST", "/work_queues/filter"): "pools:read",
    ("GET", "/work_queues/name/{name}"): "pools:read",
    ("GET", "/work_queues/{id}"): "pools:read",
    ("PATCH", "/work_queues/{id}"): "pools:write",
    ("DELETE", "/work_queues/{id}"): "pools:write",
    ("GET", "/work_queues/{id}/status"): "pools:read",
    ("POST", "/work_queues/{id}/get_runs"): "runs:write",
    ("POST", "/work_queues/{id}/concurrency_status"): "pools:read",
    ("GET", "/collections/views/{view}"): ANY_KEY,
    # blocks: their types and schemas
    ("GET", "/block_capabilities"): "blocks:read",
    ("POST", "/block_types"): "blocks:write",
    ("GET", "/block_types/{id}"): "blocks:read",
    ("GET", "/block_types/slug/{slug}"): "blocks:read",
    ("PATCH", "/block_types/{id}"): "blocks:write",
    ("DELETE", "/block_types/{id}"): "blocks:write",
    ("POST", "/block_types/filter"): "blocks:read",
    ("POST", "/block_schemas"): "blocks:write",
    ("GET", "/block_schemas/{id}"): "blocks:read",
    ("GET", "/block_schemas/checksum/{checksum}"): "blocks:read",
    ("DELETE", "/block_schemas/{id}"): "blocks:write",
    ("POST", "/block_schemas/filter"): "blocks:read",
    # variables
    ("POST", "/variables"): "variables:write",
    ("GET", "/variables/{id}"): "variables:read",
    ("GET", "/variables/name/{name}"): "variables:read",
    ("PATCH", "/variables/{id}"): "variables:write",
    ("PATCH", "/variables/name/{name}"): "variables:write",
    ("DELETE", "/variables/{id}"): "variables:write",
    ("DELETE", "/variables/name/{name}"): "variables:write",
    ("POST", "/variables/filter"): "variables:read",
    ("POST", "/variables/count"): "variables:read",
}


def scope_of(method: str, template: str) -> str | tuple[str, ...] | None:
    """What the route of a path template needs; None for a route that is not in the table."""
    if template.startswith("/api/"):
        return SCOPES.get((method, template[4:]))
    return ROOT.get((method, template))
