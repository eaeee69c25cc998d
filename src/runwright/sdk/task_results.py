"""What a task run does with its result: keeps it, and finds one that was kept."""

from typing import TYPE_CHECKING, Any

import msgspec

from runwright.core.caching import CacheContext
from runwright.core.effects import Hit
from runwright.errors import ResultError
from runwright.sdk.caching import NoCacheKey, compute_key
from runwright.sdk.context import FlowRunContext, TaskRunContext, environment_here
from runwright.sdk.results import ResultStore, result_store
from runwright.sdk.signatures import receiver

if TYPE_CHECKING:
    from runwright.sdk.declared import DeclaredTask

#: Tasks whose log says already that they run uncached: a mapped one would say it for each run.
_said: set[str] = set()


def _say_once(context: TaskRunContext, task_key: str, message: str) -> None:
    if task_key in _said:
        return
    _said.add(task_key)
    from runwright.sdk.logging import run_logger

    run_logger(context).warning("%s", message)


class TaskResults:
    """The result of one task run."""

    def __init__(self, task: "DeclaredTask", store: ResultStore) -> None:
        self.task = task
        self.store = store
        self.cache_key: str | None = None

    def read_cache(self, context: TaskRunContext, parameters: dict[str, Any]) -> Hit | None:
        """A result of the same key, unless the task wants to compute it anew."""
        self.cache_key = self._key(context, parameters)
        if self.cache_key is None or self.task.refresh_cache:
            return None
        try:
            if not self.store.exists(self.cache_key):
                return None
            return Hit(self.store.read(self.cache_key), self.store.reference(self.cache_key))
        except ResultError as error:
            from runwright.sdk.logging import run_logger

            run_logger(context).warning("A cached result is not used: %s", error)
            return None

    def _key(self, context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
        flow_run = context.flow_run
        inputs = {**receiver(self.task.fn), **parameters}
        try:
            return compute_key(
                self.task,
                inputs,
                CacheContext(
                    task_key=self.task.task_key,
                    flow_run_id=None if flow_run is None else flow_run.lineage,
                    task_run_id=str(context.task_run_id),
                    flow_parameters=None if flow_run is None else flow_run.parameters,
                    run_context=context,
                ),
            )
        except NoCacheKey as error:
            _say_once(context, self.task.task_key, f"It runs without its cache. {error}")
            return None

    def persist(self, value: Any) -> Any:
        """Keep the value. What it returns goes into `State.data`."""
        expires_at = None
        if self.task.cache_expiration is not None:
            expires_at = environment_here().clock.now() + self.task.cache_expiration
        key = self.task.result_storage_key or self.cache_key or self.store.new_key()
        return self.store.write(key, value, expires_at, owner=f"task {self.task.name!r}")


def results_of(task: "DeclaredTask", flow_run: FlowRunContext | None) -> TaskResults | None:
    """None when the task's results are not persisted."""
    environment = environment_here()
    store = result_store(
        environment.settings,
        persist=task.persist_result,
        storage=task.result_storage,
        serializer=task.result_serializer,
        cache_in_memory=task.cache_result_in_memory,
        parent=None if flow_run is None else flow_run.store,
    )
    if not store.persists:
        return None
    return TaskResults(task, msgspec.structs.replace(store, clock=environment.clock))
