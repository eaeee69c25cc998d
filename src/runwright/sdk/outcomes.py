"""How a run ends, by what its function returned."""

from typing import Any

from runwright.core.effects import Chosen, Returned, Verdict
from runwright.core.states import StateName, StateType
from runwright.sdk.futures import Future
from runwright.sdk.inputs import PLAIN
from runwright.sdk.states import State, summarize


def verdict_of(value: Any) -> Verdict:
    """Data completes the run. A state is its last state; futures and collections of states or
    futures complete it only if all of them completed.
    """
    if type(value) in PLAIN:
        return Returned(value)
    if issubclass(type(value), State):
        return _of_one(value)
    states = _all_states(value)
    if states is None:
        return Returned(value)
    if all(state.is_completed() for state in states):
        results = [state.result() for state in states]
        return Returned(results[0] if isinstance(value, Future) else _like(value, results))
    unfinished = [state for state in states if not state.is_completed()]
    if len(states) == 1:
        return _failure_by(states[0])
    message = (
        f"{len(unfinished)} of {len(states)} states did not complete: {summarize(unfinished)}."
    )
    return Chosen(StateType.FAILED, StateName.FAILED, message, states)


def _of_one(state: State[Any]) -> Verdict:
    if not state.is_final():
        return _failure_by(state)
    if state.is_completed() and state.name == "Completed" and state.message is None:
        return Returned(state.result())
    return Chosen(state.type, state.name, state.message, state.data)


def _failure_by(state: State[Any]) -> Chosen:
    if state.is_final():
        return Chosen(state.type, state.name, state.message, state.data or state)
    message = f"The run was left {state.name}: {state.message or 'it has not ended'}"
    return Chosen(StateType.FAILED, StateName.FAILED, message, state)


def _all_states(value: Any) -> list[State[Any]] | None:
    """None unless the value is a future, or a collection of states and futures only."""
    if issubclass(type(value), Future):
        value.wait()
        return [value.state]
    if issubclass(type(value), dict):
        items = list(value.values())
    elif issubclass(type(value), list | tuple | set | frozenset):
        items = list(value)
    else:
        return None
    if not items or not issubclass(type(items[0]), State | Future):
        return None
    if not all(issubclass(type(item), State | Future) for item in items):
        return None
    for item in items:
        if isinstance(item, Future):
            item.wait()
    return [item.state if isinstance(item, Future) else item for item in items]


def _like(value: Any, results: list[Any]) -> Any:
    if isinstance(value, dict):
        return dict(zip(value, results, strict=True))
    return tuple(results) if isinstance(value, tuple) else results
