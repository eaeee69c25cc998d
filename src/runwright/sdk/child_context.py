"""The run of a flow in a process that was started anew for some of its work."""

from types import SimpleNamespace
from typing import Any

from runwright.sdk.context import FlowRunContext, TaskRunContext, enter_flow_run, enter_task_run
from runwright.sdk.environment import current_environment
from runwright.sdk.flows import Flow
from runwright.sdk.logging import set_up_logging
from runwright.sdk.prints import watch_prints
from runwright.sdk.runners.threads import ThreadPoolTaskRunner


def flow_run_here(channel: Any, told: dict[str, Any]) -> FlowRunContext:
    """The flow run as this process knows it: its names, and a way to its journal."""
    flow_run = FlowRunContext(
        flow=Flow(_elsewhere, name=told["flow_name"], version=told["flow_version"]),
        flow_run_id=told["flow_run_id"],
        name=told["flow_run_name"],
        parameters={},
        tags=told["tags"],
        channel=channel,
        environment=current_environment(),
        spec=told["spec"],
    )
    flow_run.lineage = told["lineage"]
    flow_run.task_runner = ThreadPoolTaskRunner()
    return flow_run


def enter_run(channel: Any, told: dict[str, Any]) -> None:
    """For good: what is called in this thread belongs to the run."""
    set_up_logging(current_environment().settings)
    flow_run = flow_run_here(channel, told)
    flow_run.log_prints = told["log_prints"]
    enter_flow_run(flow_run)
    if told["log_prints"]:
        watch_prints()
    if told["task_run"] is not None:
        task_run_id, name = told["task_run"]
        task: Any = SimpleNamespace(name=name, task_key=name)
        task_run = TaskRunContext(task, task_run_id, name, name, [], flow_run, None, flow_run.life)
        task_run.log_prints = told["log_prints"]
        enter_task_run(task_run)


def _elsewhere() -> None:
    """Stands for the flow's function, which runs in another process."""
