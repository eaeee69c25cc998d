"""Futures and states among the arguments: found at any depth, replaced by what they stand for."""

import contextlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID

from runwright.core.effects import UpstreamFailed
from runwright.core.states import TERMINAL
from runwright.sdk.annotations import Annotated, allow_failure, quote
from runwright.sdk.futures import Future, FutureList
from runwright.sdk.states import State

#: Values that hold nothing: most arguments are one of these, and are not looked into.
PLAIN = frozenset(
    {int, str, float, bool, NoneType, bytes, complex, datetime, date, timedelta, Decimal, UUID}
    | {type, range}
)

#: Gives what stands in for a future or a state. The flag: failures are allowed.
Swap = Callable[[Future[Any] | State[Any], bool], Any]


def need_no_resolving(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether no argument can hold a future: quick, and the common case."""
    for value in args:
        if type(value) not in PLAIN:
            return False
    return not kwargs or all(type(value) in PLAIN for value in kwargs.values())


def replaced(  # noqa: PLR0911  # one for each kind
    value: Any,
    swap: Swap,
    *,
    allowed: bool = False,
    above: tuple[int, ...] = (),
    keeps_quotes: bool = False,
) -> Any:
    """The value with every future and state in it replaced; the same object if it holds none."""
    kind = type(value)
    if kind in PLAIN:
        return value
    # By the type alone: `isinstance` would ask the user's object for its `__class__` too.
    if issubclass(kind, Future | State):
        return swap(value, allowed)
    if issubclass(kind, Annotated):
        if issubclass(kind, quote):
            return value if keeps_quotes else value.value
        allowed = allowed or issubclass(kind, allow_failure)
        return replaced(value.value, swap, allowed=allowed, above=above, keeps_quotes=keeps_quotes)
    if id(value) in above:
        return value  # it holds itself
    is_outermost = not above
    above = (*above, id(value))

    def inner(item: Any) -> Any:
        if type(item) in PLAIN:
            return item
        return replaced(item, swap, allowed=allowed, above=above, keeps_quotes=keeps_quotes)

    if not is_outermost:
        return _replaced_in(value, kind, inner)
    with contextlib.suppress(RecursionError):
        return _replaced_in(value, kind, inner)
    return value  # nested too deeply to look for futures in it


def _replaced_in(value: Any, kind: type, inner: Callable[[Any], Any]) -> Any:
    if kind is list or kind is tuple or kind is FutureList:
        items = [inner(item) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return tuple(items) if kind is tuple else items
    if kind is dict:
        pairs = {inner(key): inner(item) for key, item in value.items()}
        same = all(pairs.get(key, pairs) is item for key, item in value.items())
        return value if same and len(pairs) == len(value) else pairs
    if kind is set or kind is frozenset:
        items = [inner(item) for item in value]
        return value if all(item in value for item in items) else kind(items)
    if issubclass(kind, tuple) and hasattr(value, "_fields"):
        return type(value)(*(inner(item) for item in value))
    return _replaced_fields(value, kind, inner)


def _replaced_fields(value: Any, kind: type, inner: Callable[[Any], Any]) -> Any:
    """In dataclasses and pydantic models, known by what they have."""
    if hasattr(kind, "__dataclass_fields__"):
        changes = _changes(value, kind.__dataclass_fields__, inner)
        if not changes:
            return value
        from dataclasses import replace

        return replace(value, **changes)
    if hasattr(kind, "model_fields") and hasattr(value, "model_copy"):
        changes = _changes(value, kind.model_fields, inner)
        return value.model_copy(update=changes) if changes else value
    return value


def _changes(value: Any, names: Any, inner: Callable[[Any], Any]) -> dict[str, Any]:
    changes = {}
    for name in names:
        old = getattr(value, name, None)
        new = inner(old)
        if new is not old:
            changes[name] = new
    return changes


def upstreams(value: Any) -> list[Future[Any] | State[Any]]:
    """Every future and state in the value."""
    found: list[Future[Any] | State[Any]] = []

    def note(upstream: Future[Any] | State[Any], _allowed: bool) -> Any:
        found.append(upstream)
        return upstream

    replaced(value, note)
    return found


class _Taken(Annotated[Any]):
    """A future or a state among the arguments of a run, as they were when it was submitted."""

    __slots__ = ()


def taken(value: Any) -> tuple[Any, bool]:
    """The value with its collections as they are now, and whether it holds any future or state.

    Who adds to a list afterwards changes nothing for a run that has been submitted already: that
    run could otherwise wait for itself. What holds none needs no resolving any more.
    """
    holds_any = False

    def take(upstream: Future[Any] | State[Any], allowed: bool) -> Any:
        nonlocal holds_any
        holds_any = True
        return allow_failure(upstream) if allowed else _Taken(upstream)

    copy = replaced(value, take, keeps_quotes=True)
    return copy if holds_any else replaced(value, resolve), holds_any


def resolve(upstream: Future[Any] | State[Any], allowed: bool) -> Any:  # a `Swap`
    """The result of an upstream run that has ended.

    Raises:
        UpstreamFailed: it did not complete, and that is not allowed.
    """
    if isinstance(upstream, Future):
        upstream.wait()
    state = upstream.state if isinstance(upstream, Future) else upstream
    if state.is_completed():
        return state.result()
    if allowed and (state.type in TERMINAL or state.name == "NotReady"):
        return state.result(raise_on_failure=False)
    name = f"Task run {upstream.name!r}" if isinstance(upstream, Future) else "An upstream run"
    because = f": {state.message}" if state.message else ""
    raise UpstreamFailed(f"{name}, which this one needs, ended as {state.name}{because}"[:2000])


def check_completed(value: Any) -> None:
    """For `wait_for`: every future and state in the value has completed.

    Raises:
        UpstreamFailed: one has not.
    """
    replaced(value, resolve)


def lineage_of(parameters: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Which task runs each parameter came from, for the run's graph."""
    lineage: dict[str, list[dict[str, Any]]] = {}
    for name, value in parameters.items():
        if type(value) in PLAIN:
            continue
        sources = [
            {"input_type": "task_run", "id": str(found)}
            for upstream in upstreams(value)
            if (found := _task_run_of(upstream)) is not None
        ]
        if sources:
            lineage[name] = sources
    return lineage


def _task_run_of(upstream: Future[Any] | State[Any]) -> UUID | None:
    return upstream.task_run_id
