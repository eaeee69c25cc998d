"""Subflows that have completed and kept their results: a retry of their caller finds them."""

from typing import TYPE_CHECKING, Any

from runwright.core.effects import Returned
from runwright.core.engine import Ended
from runwright.core.states import StateType
from runwright.errors import ResultError

if TYPE_CHECKING:
    from runwright.sdk.handlers.flows import FlowHandler


class KeptChildren:
    """Of one flow run, by flow and by the number of the call within a try of the caller."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}
        self._ended: dict[tuple[str, int], tuple[str, FlowHandler, Ended]] = {}

    def begin_try(self) -> None:
        """The caller runs from its beginning: its first call of a flow is number 0 again."""
        self._calls.clear()

    def next_call(self, flow_key: str) -> int:
        """The number of this call."""
        number = self._calls.get(flow_key, 0)
        self._calls[flow_key] = number + 1
        return number

    def keep(self, number: int, handler: "FlowHandler", ended: Ended, called_with: Any) -> None:
        """Remember a subflow that has completed, if its result is stored."""
        from runwright.sdk.results import ResultReference  # late: most flows keep no results

        reference = ResultReference.of(ended.state.data)
        if ended.state.type is not StateType.COMPLETED or reference is None:
            return
        digest = _digest(called_with)
        if digest is not None:
            self._ended[handler.flow.flow_key, number] = (digest, handler, ended)

    def find(
        self, flow_key: str, number: int, parameters: dict[str, Any]
    ) -> "tuple[FlowHandler, Ended] | None":
        """What the same call left in an earlier try, with its value read from the storage."""
        found = self._ended.get((flow_key, number))
        if found is None:
            return None
        from runwright.sdk.results import ResultReference  # late: as above

        digest, handler, ended = found
        reference, store = ResultReference.of(ended.state.data), handler.context.store
        if digest != _digest(parameters) or reference is None or store is None:
            return None
        try:
            value = store.read(reference)
        except ResultError:  # it is gone: the subflow runs again
            return None
        return handler, Ended(ended.state, Returned(value))


def _digest(parameters: Any) -> str | None:
    from runwright.core.stable_hash import stable_hash  # late: as above

    try:
        return stable_hash(parameters)
    except (TypeError, RecursionError):
        return None
