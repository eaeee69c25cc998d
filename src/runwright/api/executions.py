"""What workers and supervisors say about the executions they hold."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.states import State


class ExecutionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process needs to run one claimed flow run."""

    flow_run_id: UUID
    flow_run_name: str
    flow_id: UUID
    flow_name: str
    token: int
    execution_id: UUID
    #: A bearer credential for this execution alone; it dies with the claim.
    credential: str
    attempt: int = 1
    root_run_id: UUID | None = None
    run_count: int = 0
    #: Of the lineage's `retries`, by crashes and in earlier processes.
    retries_used: int = 0
    parameters: dict[str, Any] = {}
    tags: list[str] = []
    scheduled_start_time: datetime | None = None
    deployment_id: UUID | None = None
    deployment_name: str | None = None
    deployment_version: str | None = None
    #: `path/to/file.py:flow` or `package.module:flow`, relative to `path`.
    entrypoint: str | None = None
    path: str | None = None
    pull_steps: list[dict[str, Any]] = []
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    #: The pool's job template with the variables of deployment and run filled in.
    job_configuration: dict[str, Any] = {}
    #: The job variables that the run itself has set, over those of its deployment: `command`,
    #: `env.NAME`. None: the server does not say.
    overridden: list[str] | None = None


class ExecutionRef(msgspec.Struct, frozen=True, kw_only=True):
    """Names one execution of one run."""

    flow_run_id: UUID
    token: int
    execution_id: UUID


class ClaimedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that now belongs to the worker that asked, for `lease_ttl_ms` at first."""

    spec: ExecutionSpec
    lease_ttl_ms: int


class HostFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the worker's machine does. Bytes, and fractions of 1; None where it cannot be known."""

    cpu_count: int | None = None
    cpu_used: float | None = None
    load_1m: float | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_limit_bytes: int | None = None
    disk_total_bytes: int | None = None
    disk_used_bytes: int | None = None


class RunFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the processes of a run take of the machine: cores, and bytes that are resident."""

    flow_run_id: UUID
    #: None at the first reading: it takes two.
    cpu_cores: float | None = None
    memory_bytes: int


class HostReading(HostFigures, frozen=True, kw_only=True, omit_defaults=True):
    """How the machine did at an instant; beside a run, also what that took of it."""

    at: datetime
    run_cpu_cores: float | None = None
    run_memory_bytes: int | None = None


class SyncRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /work_pools/{name}/workers/{instance_id}/sync`: heartbeat and claim in one.

    The server answers at once when there is work, a cancellation or a lost execution, else after
    `wait_ms` (10,000 at most). A newer sync of the same instance ends the one that waits.
    """

    worker_name: str
    free: int
    type: str = "process"
    queues: list[str] = []
    limit: int | None = None
    executions: list[ExecutionRef] = []
    #: Those of the executions that are not started yet, because an image is being pulled, say.
    #: Their claims do not lapse while the worker says so.
    launching: list[UUID] = []
    host: HostFigures | None = None
    #: Of those executions whose processes the worker can see.
    usage: list[RunFigures] = []
    wait_ms: int = 10_000
    #: The worker is going away: it wants no runs, and is shown as offline afterwards.
    stopping: bool = False
    version: str | None = None


class SyncAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Work and orders for one worker."""

    claimed: list[ClaimedRun] = []
    #: Executions to end because somebody cancelled the run.
    cancel: list[ExecutionRef] = []
    #: Executions that are no longer this worker's: end them and report nothing.
    lost: list[ExecutionRef] = []
    pool_is_paused: bool = False
    unknown_queues: list[str] = []


class ExitReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of `POST /flow_runs/{id}/exit`: the process of an execution has ended."""

    token: int
    execution_id: UUID
    exit_code: int | None = None
    signal: int | None = None
    oom_killed: bool = False
    peak_memory_bytes: int | None = None
    #: Of the container or control group that the process was in.
    memory_limit_bytes: int | None = None
    last_lines: list[str] = []
    #: Why, in words, where it is known: "the worker was stopped", "could not be launched: ...".
    reason: str | None = None


class ExitAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The run's state after the report, and the next attempt where one was made."""

    state: State
    next_run_id: UUID | None = None


class InfrastructureReport(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/{id}/infrastructure`: what an execution is about to run in."""

    token: int
    execution_id: UUID
    #: `host:container`.
    infrastructure_pid: str
    image: str | None = None
    #: `repository@sha256:...`, which names the same contents for ever.
    image_digest: str | None = None


class ReleaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/{id}/release`: hands back a claimed run that never started."""

    token: int
    execution_id: UUID
    reason: str | None = None
