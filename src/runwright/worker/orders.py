"""What the worker and its zygote say to each other."""

from uuid import UUID

import msgspec

from runwright.api.executions import ExecutionSpec


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor must know beside its execution. It holds no credential of the worker."""

    api_url: str
    #: Folder for what cannot be sent while the control plane is away.
    spool: str
    tls_ca_file: str | None = None
    tls_verify: bool = True
    tls_client_cert: str | None = None
    tls_client_key: str | None = None
    #: Seconds for one request.
    request_timeout: float = 30.0
    #: Seconds between SIGTERM and SIGKILL.
    cancel_grace: float = 30.0
    #: Seconds without the control plane after which the execution is given up.
    outage_tolerance: float = 900.0


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
