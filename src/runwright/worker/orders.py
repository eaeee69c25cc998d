"""What the worker and its zygote say to each other."""

from uuid import UUID

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.worker.surroundings import Surroundings


class Launch(msgspec.Struct, frozen=True, tag="launch"):
    """Down: fork a supervisor for this execution."""

    spec: ExecutionSpec
    lease_ttl_ms: int
    surroundings: Surroundings


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Down: make the supervisor of this execution end it."""

    execution_id: UUID
    reason: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Up: everything is imported, launches take a fork from now on."""


class Started(msgspec.Struct, frozen=True, tag="started"):
    """Up: the supervisor of the execution has this process id."""

    execution_id: UUID
    pid: int


class NotStarted(msgspec.Struct, frozen=True, tag="not_started"):
    """Up: no supervisor could be forked."""

    execution_id: UUID
    reason: str


class SupervisorEnded(msgspec.Struct, frozen=True, tag="ended"):
    """Up: the supervisor's own end; `code` as `os.waitstatus_to_exitcode` gives it."""

    execution_id: UUID
    code: int


DownOrder = Launch | Stop
UpOrder = Ready | Started | NotStarted | SupervisorEnded
