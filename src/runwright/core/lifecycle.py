"""The legal moves of a run, as data. `docs/states.md` draws this table; a test compares them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from runwright.core.states import TERMINAL, StateType


class Edge(NamedTuple):
    """One legal move, and the word for it."""

    name: str
    #: Only a proposal with `force` makes this one; an event tells who it was.
    forced: bool = False


_SCHEDULED = StateType.SCHEDULED
_PENDING = StateType.PENDING
_RUNNING = StateType.RUNNING
_PAUSED = StateType.PAUSED
_CANCELLING = StateType.CANCELLING
_COMPLETED = StateType.COMPLETED
_FAILED = StateType.FAILED
_CANCELLED = StateType.CANCELLED
_CRASHED = StateType.CRASHED

_RECORD = {kind: Edge("record") for kind in (_COMPLETED, _FAILED, _CANCELLED, _CRASHED)}
_END = {_COMPLETED: Edge("complete"), _FAILED: Edge("fail"), _CRASHED: Edge("crash")}
_CANCEL = {_CANCELLING: Edge("ask to cancel"), _CANCELLED: Edge("cancel")}


def _after_the_end(ended: StateType) -> dict[StateType, Edge]:
    others = {
        kind: Edge("correct", forced=True)
        for kind in (_COMPLETED, _FAILED, _CANCELLED, _CRASHED)
        if kind is not ended
    }
    return {_SCHEDULED: Edge("retry", forced=True), **others}


#: From the present type (None: no state yet) to each type that may follow.
LIFECYCLE: Mapping[StateType | None, Mapping[StateType, Edge]] = MappingProxyType(
    {
        None: {
            _SCHEDULED: Edge("create"),
            _PENDING: Edge("create"),
            _RUNNING: Edge("begin by hand"),
            **_RECORD,
        },
        _SCHEDULED: {
            _SCHEDULED: Edge("reschedule"),
            _PENDING: Edge("claim"),
            _RUNNING: Edge("run again"),
            **_CANCEL,
            **_END,
        },
        _PENDING: {
            _PENDING: Edge("launch step"),
            _SCHEDULED: Edge("give back"),
            _RUNNING: Edge("start"),
            **_CANCEL,
            **_END,
        },
        _RUNNING: {
            _RUNNING: Edge("rename"),
            _SCHEDULED: Edge("await retry"),
            _PAUSED: Edge("pause"),
            **_CANCEL,
            **_END,
        },
        _PAUSED: {
            _RUNNING: Edge("resume"),
            _SCHEDULED: Edge("resume elsewhere"),
            **_CANCEL,
            **_END,
        },
        _CANCELLING: {
            _CANCELLED: Edge("cancel"),
            **{kind: edge._replace(forced=True) for kind, edge in _END.items()},
        },
        **{ended: _after_the_end(ended) for ended in sorted(TERMINAL)},
    }
)


def edge_between(current: StateType | None, proposed: StateType) -> Edge | None:
    """The edge of a move, or None where the lifecycle has none."""
    return LIFECYCLE[current].get(proposed)
