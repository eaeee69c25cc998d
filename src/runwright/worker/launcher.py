"""What the worker needs of a way to start executions."""

from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from runwright.api.executions import ClaimedRun

#: Why an execution is to end before its flow does: the run was cancelled, the worker goes away,
#: or the run belongs to another execution now (then nothing is reported).
StopReason = Literal["cancelled", "shutdown", "lease_lost"]


class LaunchFailed(Exception):
    """An execution could not be started. The message says why, for the run's own record."""


@dataclass(frozen=True)
class Ended:
    """The processes of an execution are gone."""

    execution_id: UUID
    #: The supervisor has told the control plane (or there was nothing to tell).
    is_reported: bool
    #: Nothing of it was started, as far as this worker knows: the run is handed back. If something
    #: was, its first word finds the claim gone, or the hand-back finds the run started.
    never_began: bool = False
    reason: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    oom_killed: bool = False
    memory_limit_bytes: int | None = None
    last_lines: list[str] = field(default_factory=list)


class Launcher(Protocol):
    """Starts executions, and tells when they have ended."""

    #: Whether executions go on when the worker is stopped, and are found by the next one.
    executions_outlive_worker: bool

    async def adopt(self) -> list[ClaimedRun]:
        """Executions that this worker started in an earlier life and are not told yet."""
        ...

    async def launch(self, claimed: ClaimedRun) -> None:
        """Start the supervisor of one execution.

        Raises:
            LaunchFailed: it could not be started, and nothing of it is left.
        """
        ...

    async def stop(self, execution_id: UUID, reason: StopReason) -> None:
        """Ask an execution to end; asking again hurries it. Unknown executions are ignored."""
        ...

    def processes(self) -> dict[UUID, int]:
        """The first process of each execution; without those that cannot be seen from here."""
        ...

    async def next_end(self) -> Ended:
        """Wait for an execution to end. Each end is told once."""
        ...

    async def forget(self, execution_id: UUID) -> None:
        """Tidy up after an execution whose end the control plane knows."""
        ...

    async def close(self) -> None:
        """Start nothing more. Executions that still run go on, and report by themselves."""
        ...
