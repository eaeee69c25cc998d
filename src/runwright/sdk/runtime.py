"""`runwright.runtime`: what the present code may ask about its run. Looked up when asked for."""

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runwright.sdk.context import current_flow_run, current_tags, current_task_run

if TYPE_CHECKING:
    from runwright.sdk.context import FlowRunContext, TaskRunContext


def overridden(section: str, name: str, found: Any) -> Any:
    """What a test put in the environment, as `RUNWRIGHT__RUNTIME__FLOW_RUN__NAME`, else `found`.

    The text becomes a value of the same type, where that is a simple one.
    """
    text = os.environ.get(f"RUNWRIGHT__RUNTIME__{section.upper()}__{name.upper()}")
    if text is None:
        return found
    if isinstance(found, bool):
        return text.lower() in {"1", "true", "yes", "on"}
    if isinstance(found, int | float):
        return type(found)(text)
    if isinstance(found, datetime):
        return datetime.fromisoformat(text)
    if isinstance(found, list):
        return [part.strip() for part in text.split(",")]
    return text


class FlowRunFacts:
    """The names of `runwright.runtime.flow_run`. None outside of a flow run."""

    def __init__(self, context: "FlowRunContext | None") -> None:
        self._context = context

    def id(self) -> str | None:
        return None if self._context is None else str(self._context.flow_run_id)

    def name(self) -> str | None:
        return None if self._context is None else self._context.name

    def flow_name(self) -> str | None:
        return None if self._context is None else self._context.flow.name

    def flow_version(self) -> str | None:
        return None if self._context is None else self._context.flow.version

    def parameters(self) -> dict[str, Any]:
        return {} if self._context is None else dict(self._context.parameters)

    def tags(self) -> list[str]:
        return sorted(current_tags()) if self._context is None else sorted(self._context.tags)

    def run_count(self) -> int:
        return 0 if self._context is None else self._context.run_count

    def start_time(self) -> datetime | None:
        return None if self._context is None else self._context.start_time

    def scheduled_start_time(self) -> datetime | None:
        if self._context is None:
            return None
        return self._context.scheduled_start_time or self._context.start_time

    def parent_flow_run_id(self) -> str | None:
        parent = self._context.parent if self._context else None
        return None if parent is None else str(parent.flow_run_id)

    def parent_deployment_id(self) -> str | None:
        parent = self._context.parent if self._context else None
        spec = parent.spec if parent else None
        return str(spec.deployment_id) if spec and spec.deployment_id else None

    def root_flow_run_id(self) -> str | None:
        root = _root(self._context)
        return None if root is None else str(root.flow_run_id)

    def lineage_id(self) -> str | None:
        root = _root(self._context)
        if root is None:
            return None
        first = root.spec.root_run_id if root.spec is not None else None
        return str(first or root.flow_run_id)

    def attempt(self) -> int:
        root = _root(self._context)
        return root.spec.attempt if root is not None and root.spec is not None else 1

    def execution_id(self) -> str | None:
        return None if self._context is None else str(self._context.channel.execution_id)

    def job_variables(self) -> dict[str, Any]:
        root = _root(self._context)
        return dict(root.spec.job_configuration) if root is not None and root.spec else {}


class TaskRunFacts:
    """The names of `runwright.runtime.task_run`. None outside of a task run."""

    def __init__(self, context: "TaskRunContext | None") -> None:
        self._context = context

    def id(self) -> str | None:
        return None if self._context is None else str(self._context.task_run_id)

    def name(self) -> str | None:
        return None if self._context is None else self._context.name

    def task_name(self) -> str | None:
        return None if self._context is None else self._context.task.name

    def tags(self) -> list[str]:
        return [] if self._context is None else list(self._context.tags)

    def parameters(self) -> dict[str, Any]:
        context = self._context
        if context is None:
            return {}
        if context.parameters is None and context.arguments is not None:
            context.parameters = context.task.bind(*context.arguments)
        return dict(context.parameters or {})

    def run_count(self) -> int:
        return 0 if self._context is None else self._context.run_count

    def start_time(self) -> datetime | None:
        return None if self._context is None else self._context.start_time


class DeploymentFacts:
    """The names of `runwright.runtime.deployment`. None in runs without a deployment."""

    def __init__(self, context: "FlowRunContext | None") -> None:
        root = _root(context)
        self._spec = None if root is None else root.spec

    def id(self) -> str | None:
        spec = self._spec
        return str(spec.deployment_id) if spec and spec.deployment_id else None

    def name(self) -> str | None:
        return None if self._spec is None else self._spec.deployment_name

    def version(self) -> str | None:
        return None if self._spec is None else self._spec.deployment_version

    def flow_run_id(self) -> str | None:
        return None if self._spec is None else str(self._spec.flow_run_id)


def _root(context: "FlowRunContext | None") -> "FlowRunContext | None":
    while context is not None and context.parent is not None:
        context = context.parent
    return context


_SECTIONS: dict[str, Any] = {
    "flow_run": lambda: FlowRunFacts(current_flow_run()),
    "task_run": lambda: TaskRunFacts(current_task_run()),
    "deployment": lambda: DeploymentFacts(current_flow_run()),
}
_CLASSES = {"flow_run": FlowRunFacts, "task_run": TaskRunFacts, "deployment": DeploymentFacts}


def look_up(section: str, name: str) -> Any:
    """One fact about the present run.

    Raises:
        AttributeError: there is no such fact.
    """
    if name.startswith("_") or not hasattr(_CLASSES[section], name):
        raise AttributeError(
            f"runwright.runtime.{section} has no {name!r}. It has: {', '.join(names(section))}."
        )
    return overridden(section, name, getattr(_SECTIONS[section](), name)())


def names(section: str) -> list[str]:
    """All facts of a section."""
    return sorted(name for name in vars(_CLASSES[section]) if not name.startswith("_"))
