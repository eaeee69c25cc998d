"""The tables. Constraints and partial indexes are the last guard of what the code promises."""

from runwright.storage.tables.acting import (
    automation_action,
    automation_bucket,
    automation_firing,
    event_queue,
)
from runwright.storage.tables.base import metadata
from runwright.storage.tables.placing import (
    deployment,
    deployment_version,
    flow,
    host_reading,
    schedule,
    work_pool,
    work_queue,
    worker,
)
from runwright.storage.tables.running import (
    flow_run,
    flow_run_input,
    flow_run_state,
    task_delivery,
    task_run,
    task_run_state,
    task_worker,
)
from runwright.storage.tables.sharing import (
    api_key,
    automation,
    block_document,
    block_schema,
    block_type,
    concurrency_limit,
    concurrency_slot,
    configuration,
    saved_search,
    service_pass,
    variable,
)
from runwright.storage.tables.telling import artifact, event, log

__all__ = [
    "api_key",
    "artifact",
    "automation",
    "automation_action",
    "automation_bucket",
    "automation_firing",
    "block_document",
    "block_schema",
    "block_type",
    "concurrency_limit",
    "concurrency_slot",
    "configuration",
    "deployment",
    "deployment_version",
    "event",
    "event_queue",
    "flow",
    "flow_run",
    "flow_run_input",
    "flow_run_state",
    "host_reading",
    "log",
    "metadata",
    "saved_search",
    "schedule",
    "service_pass",
    "task_delivery",
    "task_run",
    "task_run_state",
    "task_worker",
    "variable",
    "work_pool",
    "work_queue",
    "worker",
]
