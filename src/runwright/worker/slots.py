"""What a worker holds, and how much more it can take."""

import os
from dataclasses import dataclass, field
from uuid import UUID

from runwright.api.executions import ClaimedRun, ExecutionRef


def default_limit() -> int:
    """Runs at once where the user has not said: flows mostly wait for something else."""
    return 4 * (os.cpu_count() or 1)


@dataclass
class Held:
    """One execution, from its claim until its end has been told."""

    claimed: ClaimedRun
    #: Its launcher is still at it.
    is_launching: bool = True
    #: Stop orders that have been passed on; each goes out once.
    orders: set[str] = field(default_factory=set)

    @property
    def ref(self) -> ExecutionRef:
        """As the control plane names it."""
        spec = self.claimed.spec
        return ExecutionRef(
            flow_run_id=spec.flow_run_id, token=spec.token, execution_id=spec.execution_id
        )


class Slots:
    """The executions of one worker, `limit` at most."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a worker needs at least one slot, not {limit}")
        self.limit = limit
        self._held: dict[UUID, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, execution_id: UUID) -> bool:
        return execution_id in self._held

    @property
    def free(self) -> int:
        """How many runs may be claimed now."""
        return max(0, self.limit - len(self._held))

    def hold(self, claimed: ClaimedRun) -> bool:
        """Take a claimed run; False when it is held already, since claims are told again."""
        execution_id = claimed.spec.execution_id
        if execution_id in self._held:
            return False
        self._held[execution_id] = Held(claimed)
        return True

    def release(self, execution_id: UUID) -> Held | None:
        """Free the slot of an execution that is gone."""
        return self._held.pop(execution_id, None)

    def order(self, execution_id: UUID, reason: str) -> bool:
        """Note a stop order; True when it is new and about an execution that is held."""
        held = self._held.get(execution_id)
        if held is None or reason in held.orders:
            return False
        held.orders.add(reason)
        return True

    def launched(self, execution_id: UUID) -> None:
        """Note that an execution has been started."""
        if execution_id in self._held:
            self._held[execution_id].is_launching = False

    def launching(self) -> list[UUID]:
        """Those that are not started yet."""
        return [execution_id for execution_id, held in self._held.items() if held.is_launching]

    def refs(self) -> list[ExecutionRef]:
        """Everything held, as each sync lists it."""
        return [held.ref for held in self._held.values()]
