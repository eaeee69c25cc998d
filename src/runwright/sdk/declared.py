"""What runs need of flows, tasks and task runners: contracts without their implementations."""

from collections.abc import Callable
from typing import Any, Protocol

from runwright.core.engine import TaskPlan
from runwright.sdk.callables import Colour


class TaskRunner(Protocol):
    """Runs submitted tasks at the same time: the contract of `runners/`.

    One object is an option of a flow; each run of the flow has a copy of its own.
    """

    def duplicate(self) -> "TaskRunner":
        """A fresh one with the same options."""
        ...

    def submit(self, job: Any) -> None:
        """Run the `task_runner.Job`, now or when there is room."""
        ...

    def drop(self, reason: str) -> None:
        """Begin no more jobs. Those that run go on."""
        ...

    def shutdown(self, reason: str | None) -> None:
        """Wait for all jobs. With a reason, begin no more and interrupt those that run."""
        ...


class UnfinishedRun(Protocol):
    """A run of a task or a subflow inside of a flow run."""

    def abandon(self, message: str) -> Any:
        """End its record, unless it has ended: what it still does is not recorded."""
        ...


class DeclaredTask(Protocol):
    """A task as its runs see it."""

    fn: Callable[..., Any]
    name: str
    task_key: str
    version: str | None
    colour: Colour
    tags: frozenset[str]
    tag_list: list[str]
    task_run_name: Any
    retries: int
    recorded_delay: float | list[float] | None
    retry_condition_fn: Any
    timeout_seconds: float | None
    log_prints: bool | None
    persist_result: bool | None
    result_storage: Any
    result_storage_key: str | None
    result_serializer: Any
    cache_result_in_memory: bool
    cache_expiration: Any
    refresh_cache: bool
    may_persist: bool
    plans: list[TaskPlan]
    on_completion_hooks: list[Callable[..., Any]]
    on_failure_hooks: list[Callable[..., Any]]
    on_running_hooks: list[Callable[..., Any]]

    @property
    def is_cached(self) -> bool: ...

    @property
    def collecting(self) -> "DeclaredTask": ...

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]: ...

    def by_default_retried(self, retries: int) -> "DeclaredTask": ...


class DeclaredFlow(Protocol):
    """A flow as its runs see it."""

    fn: Callable[..., Any]
    name: str
    flow_key: str
    version: str | None
    colour: Colour
    flow_run_name: Any
    retries: int
    retry_delay_seconds: float | None
    timeout_seconds: float | None
    task_runner: TaskRunner | None
    log_prints: bool | None
    persist_result: bool | None
    result_storage: Any
    result_storage_key: str | None
    result_serializer: Any
    cache_result_in_memory: bool

    @property
    def has_hooks(self) -> bool: ...

    @property
    def collecting(self) -> "DeclaredFlow": ...

    def checked_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]: ...

    def call_arguments(
        self, parameters: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]: ...
