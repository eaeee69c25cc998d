"""Tasks: functions whose runs are recorded, retried, cached and run side by side."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload

from runwright.core.engine import TaskPlan
from runwright.errors import FlowError
from runwright.sdk import task_calls
from runwright.sdk.callables import Colour, bound, colour_of, plain_function, reduced
from runwright.sdk.retry_delays import Delay, delays_of, exponential_backoff

if TYPE_CHECKING:
    from pathlib import Path

    from runwright.core.caching import CachePolicy
    from runwright.sdk.futures import Future, FutureList
    from runwright.sdk.hooks import Hook
    from runwright.sdk.result_storage import ResultStorage
    from runwright.sdk.run_names import NameOption
    from runwright.sdk.serializers import Serializer
    from runwright.sdk.states import State

__all__ = ["Task", "exponential_backoff", "task"]

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R", covariant=True)  # noqa: PLC0105
T = TypeVar("T")

_UNSET: Any = object()


class Task(Generic[P, R]):
    """A function whose runs are recorded, retried, cached and run side by side.

    Made by `@task`. Call it, `submit` it to the flow's task runner, or `map` it over iterables.
    """

    def __init__(  # noqa: PLR0913  # the options, by keyword
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        cache_policy: "CachePolicy | None" = _UNSET,
        cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None = None,
        cache_expiration: timedelta | None = None,
        refresh_cache: bool | None = None,
        task_run_name: "NameOption" = None,
        retries: int | None = None,
        retry_delay_seconds: Delay = None,
        retry_jitter_factor: float | None = None,
        retry_condition_fn: "Callable[[Task[..., Any], Any, State[Any]], Any] | None" = None,
        persist_result: bool | None = None,
        result_storage: "ResultStorage | Path | str | None" = None,
        result_storage_key: str | None = None,
        result_serializer: "Serializer | str | None" = None,
        cache_result_in_memory: bool = True,
        timeout_seconds: float | None = None,
        log_prints: bool | None = None,
        on_completion: "Sequence[Hook] | None" = None,
        on_failure: "Sequence[Hook] | None" = None,
        on_running: "Sequence[Hook] | None" = None,
    ) -> None:
        self._options = {
            key: value
            for key, value in locals().items()
            if key not in {"self", "fn"} and value is not _UNSET
        }
        self._declared = fn
        self.fn, self._binding = plain_function(fn, "task")
        self.colour = colour_of(self.fn)
        self.__name__ = getattr(self.fn, "__name__", type(self.fn).__name__)
        self.__qualname__ = getattr(self.fn, "__qualname__", self.__name__)
        self.__module__ = getattr(self.fn, "__module__", "__main__")
        self.__doc__ = self.fn.__doc__
        self.__wrapped__ = self.fn
        self.name = name or self.__name__
        self.description = description if description is not None else self.__doc__
        self.task_key = f"{self.__module__}.{self.__qualname__}"
        self.version = version
        self.tags = frozenset(tags or ())
        self.tag_list = sorted(self.tags)
        self.task_run_name = task_run_name
        self.timeout_seconds = None if timeout_seconds is None else float(timeout_seconds)
        self.log_prints = log_prints
        self.retry_condition_fn: Any = retry_condition_fn
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_storage_key = result_storage_key
        self.result_serializer = result_serializer
        self.cache_result_in_memory = cache_result_in_memory
        self.cache_expiration = cache_expiration
        self.refresh_cache = bool(refresh_cache)
        self._cache_policy = cache_policy
        self.cache_key_fn = cache_key_fn
        self.on_completion_hooks: list[Hook] = list(on_completion or ())
        self.on_failure_hooks: list[Hook] = list(on_failure or ())
        self.on_running_hooks: list[Hook] = list(on_running or ())
        self._set_retries(retries, retry_delay_seconds, retry_jitter_factor)
        self._settle_persistence()
        #: How a run goes whose arguments hold no futures, and one that has to wait for others.
        self.plans: list[TaskPlan] = []
        self._make_plans()
        self._collecting: Task[..., Any] | None = None
        #: Twins by their number of retries, each with the plan that it was made after.
        self._retried: dict[int, tuple[TaskPlan, Task[P, R]]] = {}

    def _set_retries(self, retries: int | None, delay: Delay, jitter: float | None) -> None:
        self.retries = retries or 0
        if self.retries < 0 or (jitter is not None and jitter < 0):
            raise FlowError(
                f"Task {self.name!r}: retries and retry_jitter_factor cannot be negative."
            )
        self.retry_jitter_factor = jitter
        self.retry_delays = delays_of(self.name, delay, self.retries)
        self.recorded_delay: float | list[float] | None = None
        if self.retry_delays:
            many = len(self.retry_delays) > 1
            self.recorded_delay = list(self.retry_delays) if many else self.retry_delays[0]

    def _settle_persistence(self) -> None:
        """A cache or a storage of one's own means that results are to be kept."""
        wants_cache = self.cache_key_fn is not None or (
            self._cache_policy is not _UNSET and self._cache_policy is not None
        )
        if wants_cache and self.persist_result is None and self.is_cached:
            self.persist_result = True
        self.may_persist = self.persist_result is True or (
            self.persist_result is None
            and (self.result_storage is not None or self.result_serializer is not None)
        )

    def _make_plans(self) -> None:
        options: Any = {
            "retries": self.retries,
            "retry_delays": self.retry_delays,
            "retry_jitter": self.retry_jitter_factor or 0.0,
            "has_retry_condition": self.retry_condition_fn is not None,
            "has_hooks": bool(
                self.on_completion_hooks or self.on_failure_hooks or self.on_running_hooks
            ),
        }
        # Shared with the same task bound to an object: hooks may be added through either.
        self.plans[:] = TaskPlan(has_inputs=False, **options), TaskPlan(has_inputs=True, **options)

    @property
    def cache_policy(self) -> "CachePolicy":
        """From what the cache key of a run is made."""
        from runwright.sdk.caching import policy_of  # late: most tasks are not cached

        if self._cache_policy is _UNSET:
            return policy_of(cache_key_fn=self.cache_key_fn, persist_result=self.persist_result)
        return policy_of(self._cache_policy, self.cache_key_fn, persist_result=self.persist_result)

    @property
    def is_cached(self) -> bool:
        """Whether its runs look for earlier results."""
        from runwright.core.caching import NO_CACHE

        return self.cache_policy != NO_CACHE

    @property
    def isasync(self) -> bool:
        """Whether a call has to be awaited."""
        return self.colour is Colour.ASYNC

    @property
    def isgenerator(self) -> bool:
        """Whether a call gives something to iterate over."""
        return self.colour in {Colour.GENERATOR, Colour.ASYNC_GENERATOR}

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name.

        Raises:
            ParameterError: they do not fit the signature.
        """
        from runwright.sdk.signatures import bind

        return bind(self.fn, args, kwargs)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]  # a coroutine is the special case
        self: "Task[P, Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "Coroutine[Any, Any, State[T]]": ...
    @overload
    def __call__(
        self: "Task[P, T]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "State[T]": ...
    @overload
    def __call__(self, *args: Any, wait_for: Iterable[Any], **kwargs: Any) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task here and give its value.

        `return_state=True` gives its state, whatever became of it. `wait_for` names runs that have
        to complete first.
        """
        if kwargs and ("return_state" in kwargs or "wait_for" in kwargs):
            return_state = kwargs.pop("return_state", False)
            wait_for = kwargs.pop("wait_for", None)
            return task_calls.call(self, args, kwargs, wait_for, return_state)
        return task_calls.call(self, args, kwargs, None, False)

    @overload
    def submit(
        self: "Task[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]": ...
    @overload
    def submit(self: "Task[P, T]", *args: P.args, **kwargs: P.kwargs) -> "Future[T]": ...
    @overload
    def submit(  # pyright: ignore[reportOverlappingOverload]  # as above
        self: "Task[P, Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "State[T]": ...
    @overload
    def submit(
        self: "Task[P, T]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "State[T]": ...
    @overload
    def submit(
        self: "Task[P, Coroutine[Any, Any, T]]",
        *args: Any,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "Future[T]": ...
    @overload
    def submit(
        self: "Task[P, T]", *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> "Future[T]": ...
    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Start the task on the flow's task runner and give its future.

        Futures among the arguments, at any depth, are waited for and replaced by their results.

        Raises:
            MissingContextError: there is no flow run here.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        future = task_calls.submit(self, args, kwargs, wait_for)
        if not return_state:
            return future
        future.wait()
        return future.state

    @overload
    def map(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "FutureList[T]": ...
    @overload
    def map(
        self: "Task[..., T]", *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> "FutureList[T]": ...
    def map(self, *args: Any, **kwargs: Any) -> Any:
        """Submit the task once for each element of its iterable arguments.

        Strings, and what is wrapped in `unmapped`, are passed whole to every run.

        Raises:
            FlowError: no argument is iterable, or they differ in length.
            MissingContextError: there is no flow run here.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        futures = task_calls.map_over(self, args, kwargs, wait_for)
        if not return_state:
            return futures
        futures.wait()
        return futures.state

    def with_options(self, **options: Any) -> "Task[P, R]":
        """A copy with other options; those of `@task`.

        Raises:
            FlowError: there is no such option.
        """
        unknown = [key for key in options if key not in {*self._options, "cache_policy"}]
        if unknown:
            raise FlowError(
                f"Task {self.name!r} has no option {', '.join(map(repr, unknown))}. "
                f"Options: {', '.join(self._options)}."
            )
        own: dict[str, Any] = {
            **self._options,
            "on_completion": self.on_completion_hooks,
            "on_failure": self.on_failure_hooks,
            "on_running": self.on_running_hooks,
        }
        return Task(self._declared, **{**own, **options})

    def by_default_retried(self, retries: int) -> "Task[P, R]":
        """The same task with so many retries, unless it says itself how many it wants."""
        if self._options["retries"] is not None:
            return self
        known: tuple[Any, Task[P, R]] = self._retried.get(retries, (None, self))
        made_after, twin = known
        if made_after is not self.plans[0]:
            twin = self.with_options(retries=retries)
            if twin.fn is not self.fn:  # bound to an object, or collecting
                twin = twin._like(self.fn)  # noqa: SLF001  # one of ours
            self._retried[retries] = self.plans[0], twin
        return twin

    @property
    def collecting(self) -> "Task[..., Any]":
        """For generators: the task that gives the list of what this one yields."""
        if self._collecting is None:
            from runwright.sdk.collecting import collecting

            self._collecting = self._like(collecting(self.fn, self.colour))
        return self._collecting

    def _like(self, fn: Callable[..., Any]) -> "Task[..., Any]":
        """The same task with another function behind it."""
        twin: Task[..., Any] = Task.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.fn = fn
        twin.colour = colour_of(fn)
        twin._collecting = None
        twin._retried = {}
        twin._binding = "static"
        return twin

    def on_completion(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(task, task_run, state)` when a run has completed."""
        return self._add_hook(self.on_completion_hooks, hook)

    def on_failure(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(task, task_run, state)` when a run has failed for good."""
        return self._add_hook(self.on_failure_hooks, hook)

    def on_running(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(task, task_run, state)` when a run starts."""
        return self._add_hook(self.on_running_hooks, hook)

    def _add_hook(self, hooks: "list[Hook]", hook: "Hook") -> "Hook":
        hooks.append(hook)
        self._make_plans()
        return hook

    @overload
    def __get__(self, instance: None, owner: type) -> "Task[P, R]": ...
    @overload
    def __get__(
        self: "Task[Concatenate[Any, P2], R]", instance: object, owner: type | None = None
    ) -> "Task[P2, R]": ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        fn = bound(self.fn, self._binding, instance, owner)
        return self if fn is None else self._like(fn)

    def __reduce__(self) -> Any:
        return reduced(self, _rebuilt)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"


def _rebuilt(fn: Callable[..., Any], options: dict[str, Any]) -> Task[..., Any]:
    return Task(fn, **options)


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *,
    name: str | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    version: str | None = None,
    cache_policy: "CachePolicy | None" = ...,
    cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None = None,
    cache_expiration: timedelta | None = None,
    refresh_cache: bool | None = None,
    task_run_name: "NameOption" = None,
    retries: int | None = None,
    retry_delay_seconds: Delay = None,
    retry_jitter_factor: float | None = None,
    retry_condition_fn: "Callable[[Task[..., Any], Any, State[Any]], Any] | None" = None,
    persist_result: bool | None = None,
    result_storage: "ResultStorage | Path | str | None" = None,
    result_storage_key: str | None = None,
    result_serializer: "Serializer | str | None" = None,
    cache_result_in_memory: bool = True,
    timeout_seconds: float | None = None,
    log_prints: bool | None = None,
    on_completion: "Sequence[Hook] | None" = None,
    on_failure: "Sequence[Hook] | None" = None,
    on_running: "Sequence[Hook] | None" = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(fn: Any = None, /, **options: Any) -> Any:
    """Make a task of a function.

    Durations are in seconds. `retry_delay_seconds` may be one number, a list, or a function of
    the number of retries, such as `exponential_backoff(backoff_factor=2)`.

    Raises:
        FlowError: the options make no sense.
    """
    if fn is None:
        return lambda wrapped: Task(wrapped, **options)
    return Task(fn, **options)
