"""Flows: functions whose runs are recorded, retried, deployed and observed."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload

from runwright.errors import FlowError
from runwright.sdk import flow_calls
from runwright.sdk.callables import Colour, bound, colour_of, plain_function, reduced
from runwright.sdk.flow_calls import run_claimed_flow

__all__ = ["Flow", "flow", "run_claimed_flow"]

if TYPE_CHECKING:
    from pathlib import Path

    from runwright.sdk.declared import TaskRunner
    from runwright.sdk.hooks import Hook
    from runwright.sdk.result_storage import ResultStorage
    from runwright.sdk.run_names import NameOption
    from runwright.sdk.serializers import Serializer
    from runwright.sdk.states import State

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R", covariant=True)  # noqa: PLC0105
T = TypeVar("T")

_HOOKS = ("on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running")


class Flow(Generic[P, R]):
    """A function whose runs are recorded, retried, deployed and observed. Made by `@flow`."""

    def __init__(  # noqa: PLR0913  # the options, by keyword
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        version: str | None = None,
        description: str | None = None,
        flow_run_name: "NameOption" = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        timeout_seconds: float | None = None,
        task_runner: "TaskRunner | None" = None,
        validate_parameters: bool = True,
        log_prints: bool | None = None,
        persist_result: bool | None = None,
        result_storage: "ResultStorage | Path | str | None" = None,
        result_storage_key: str | None = None,
        result_serializer: "Serializer | str | None" = None,
        cache_result_in_memory: bool = True,
        on_completion: "Sequence[Hook] | None" = None,
        on_failure: "Sequence[Hook] | None" = None,
        on_cancellation: "Sequence[Hook] | None" = None,
        on_crashed: "Sequence[Hook] | None" = None,
        on_running: "Sequence[Hook] | None" = None,
    ) -> None:
        self._options = {
            key: value for key, value in locals().items() if key not in {"self", "fn", "__class__"}
        }
        self._declared = fn
        self.fn, self._binding = plain_function(fn, "flow")
        self.colour = colour_of(self.fn)
        self.__name__ = getattr(self.fn, "__name__", type(self.fn).__name__)
        self.__qualname__ = getattr(self.fn, "__qualname__", self.__name__)
        self.__module__ = getattr(self.fn, "__module__", "__main__")
        self.__doc__ = self.fn.__doc__
        self.__wrapped__ = self.fn
        if name and (banned := sorted(set(name) & set("/%&<>"))):
            raise FlowError(
                f"{name!r} cannot name a flow: it has {' '.join(banned)}. Names stand in addresses "
                "and in flow/deployment. Use letters, digits, blanks, dots and dashes."
            )
        self.name = name or self.__name__.replace("_", "-")
        self.description = description if description is not None else self.__doc__
        self.flow_key = f"{self.__module__}.{self.__qualname__}"
        self.version = version
        self.flow_run_name = flow_run_name
        self.retries = retries or 0
        self.retry_delay_seconds = (
            None if retry_delay_seconds is None else float(retry_delay_seconds)
        )
        self.timeout_seconds = None if timeout_seconds is None else float(timeout_seconds)
        if self.retries < 0 or (self.retry_delay_seconds or 0) < 0:
            raise FlowError(
                f"Flow {self.name!r}: retries and retry_delay_seconds cannot be negative."
            )
        self.task_runner = task_runner
        self.validates_parameters = validate_parameters
        self.log_prints = log_prints
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_storage_key = result_storage_key
        self.result_serializer = result_serializer
        self.cache_result_in_memory = cache_result_in_memory
        self.on_completion_hooks: list[Hook] = list(on_completion or ())
        self.on_failure_hooks: list[Hook] = list(on_failure or ())
        self.on_cancellation_hooks: list[Hook] = list(on_cancellation or ())
        self.on_crashed_hooks: list[Hook] = list(on_crashed or ())
        self.on_running_hooks: list[Hook] = list(on_running or ())

    @property
    def isasync(self) -> bool:
        """Whether a call has to be awaited."""
        return self.colour is Colour.ASYNC

    @property
    def isgenerator(self) -> bool:
        """Whether a call gives something to iterate over."""
        return self.colour in {Colour.GENERATOR, Colour.ASYNC_GENERATOR}

    @property
    def has_hooks(self) -> bool:
        """Whether anything is to be called when a run enters a state."""
        return any(getattr(self, f"{hook}_hooks") for hook in _HOOKS)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]  # a coroutine is the special case
        self: "Flow[P, Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "Coroutine[Any, Any, State[T]]": ...
    @overload
    def __call__(
        self: "Flow[P, T]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "State[T]": ...
    @overload
    def __call__(self, *args: Any, wait_for: Iterable[Any], **kwargs: Any) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow here and give its value.

        `return_state=True` gives its state, whatever became of it. `wait_for` names runs that have
        to complete first.

        Raises:
            ParameterError: the arguments do not fit the signature.
        """
        return_state, wait_for = False, None
        if kwargs and ("return_state" in kwargs or "wait_for" in kwargs):
            return_state = kwargs.pop("return_state", False)
            wait_for = kwargs.pop("wait_for", None)
        return flow_calls.call(self, self.bind(args, kwargs), wait_for, return_state)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name, defaults filled in.

        Raises:
            ParameterError: they do not fit the signature.
        """
        from runwright.sdk.signatures import bind

        return bind(self.fn, args, kwargs)

    def checked_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters, checked and coerced unless the flow has that turned off.

        Raises:
            ParameterError: they do not fit.
        """
        if not self.validates_parameters:
            return parameters
        from runwright.sdk.parameters import validate

        return validate(self.fn, parameters, flow_name=self.name)

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as a run would get them.

        Raises:
            ParameterError: they do not fit.
        """
        from runwright.sdk.parameters import validate

        return validate(self.fn, parameters, flow_name=self.name)

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as JSON can hold them."""
        from runwright.sdk.parameters import jsonable

        return jsonable(parameters)

    def parameter_schema(self) -> dict[str, Any]:
        """JSON Schema of the parameters."""
        from runwright.sdk.parameters import parameter_schema

        return parameter_schema(self.fn)

    def call_arguments(self, parameters: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """How to call the function so that it gets these parameters."""
        from runwright.sdk.signatures import call_arguments

        return call_arguments(self.fn, parameters)

    def with_options(self, **options: Any) -> "Flow[P, R]":
        """A copy with other options; those of `@flow`.

        Raises:
            FlowError: there is no such option.
        """
        unknown = [key for key in options if key not in self._options]
        if unknown:
            raise FlowError(
                f"Flow {self.name!r} has no option {', '.join(map(repr, unknown))}. "
                f"Options: {', '.join(self._options)}."
            )
        hooks: dict[str, Any] = {hook: getattr(self, f"{hook}_hooks") for hook in _HOOKS}
        own: dict[str, Any] = {**self._options, **hooks}
        return Flow(self._declared, **{**own, **options})

    def on_completion(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(flow, flow_run, state)` when a run has completed."""
        self.on_completion_hooks.append(hook)
        return hook

    def on_failure(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(flow, flow_run, state)` when a run has failed for good."""
        self.on_failure_hooks.append(hook)
        return hook

    def on_cancellation(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(flow, flow_run, state)` when a run is cancelled.

        It is called in the run's process, which has the worker's grace (`cancel_grace`) for it.
        """
        self.on_cancellation_hooks.append(hook)
        return hook

    def on_crashed(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(flow, flow_run, state)` when a run crashes and can still tell.

        It is called in the run's process, when the flow was interrupted or left by `sys.exit`.
        A process that was killed, ran out of memory or was ended with its worker calls nothing
        any more. Its run is CRASHED all the same, and tried again as often as `retries` says.
        """
        self.on_crashed_hooks.append(hook)
        return hook

    def on_running(self, hook: "Hook") -> "Hook":
        """Decorator: call `hook(flow, flow_run, state)` when a run starts."""
        self.on_running_hooks.append(hook)
        return hook

    def deploy(self, name: str, **options: Any) -> Any:
        """Deploy the flow to a work pool: see `runwright.sdk.deploy.deploy`."""
        from runwright.sdk.deploy import deploy

        return deploy(self, name, **options)

    def to_deployment(self, name: str, **options: Any) -> Any:
        """What `deploy` would create, for `serve(...)` and for deploying several at once."""
        from runwright.sdk.deploy import to_deployment

        return to_deployment(self, name, **options)

    def serve(self, name: str | None = None, **options: Any) -> None:
        """Deploy the flow and run it from this process until that ends: see
        `runwright.sdk.serving.serve_flow`.
        """
        from runwright.sdk.serving import serve_flow

        serve_flow(self, name or self.name, **options)

    @classmethod
    def from_source(
        cls, source: Any, entrypoint: str, *, python_path: Sequence[str] = ()
    ) -> "Flow[..., Any]":
        """The flow at `entrypoint` ("path/to/file.py:name") of a directory or git repository."""
        from runwright.sdk.deploy import from_source

        return from_source(source, entrypoint, python_path=python_path)

    @overload
    def __get__(self, instance: None, owner: type) -> "Flow[P, R]": ...
    @overload
    def __get__(
        self: "Flow[Concatenate[Any, P2], R]", instance: object, owner: type | None = None
    ) -> "Flow[P2, R]": ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        fn = bound(self.fn, self._binding, instance, owner)
        if fn is None:
            return self
        return self._like(fn)

    @property
    def collecting(self) -> "Flow[..., Any]":
        """For generators: the flow that gives the list of what this one yields."""
        from runwright.sdk.collecting import collecting

        return self._like(collecting(self.fn, self.colour))

    def _like(self, fn: Callable[..., Any]) -> "Flow[..., Any]":
        """The same flow with another function behind it."""
        twin: Flow[..., Any] = Flow.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.fn = fn
        twin.colour = colour_of(fn)
        twin._binding = "static"
        return twin

    def __reduce__(self) -> Any:
        return reduced(self, _rebuilt)

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


def _rebuilt(fn: Callable[..., Any], options: dict[str, Any]) -> Flow[..., Any]:
    return Flow(fn, **options)


@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(
    *,
    name: str | None = None,
    version: str | None = None,
    description: str | None = None,
    flow_run_name: "NameOption" = None,
    retries: int | None = None,
    retry_delay_seconds: float | None = None,
    timeout_seconds: float | None = None,
    task_runner: "TaskRunner | None" = None,
    validate_parameters: bool = True,
    log_prints: bool | None = None,
    persist_result: bool | None = None,
    result_storage: "ResultStorage | Path | str | None" = None,
    result_storage_key: str | None = None,
    result_serializer: "Serializer | str | None" = None,
    cache_result_in_memory: bool = True,
    on_completion: "Sequence[Hook] | None" = None,
    on_failure: "Sequence[Hook] | None" = None,
    on_cancellation: "Sequence[Hook] | None" = None,
    on_crashed: "Sequence[Hook] | None" = None,
    on_running: "Sequence[Hook] | None" = None,
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(fn: Any = None, /, **options: Any) -> Any:
    """Make a flow of a function. Durations are in seconds.

    Raises:
        FlowError: the options make no sense.
    """
    if fn is None:
        return lambda wrapped: Flow(wrapped, **options)
    return Flow(fn, **options)
