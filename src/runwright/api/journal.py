"""The journal: the one channel up from an execution.

Entries are numbered from 0 in the order they were written. A batch says the number of its first
entry; the answer says the number the server wants next. Entries the server already has are
dropped, a gap is refused, so every entry is stored once.

A batch, even an empty one, also renews the lease of the execution.
"""

import re
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.states import OrchestrationResult
from runwright.core.instants import Instant
from runwright.core.states import State

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(content: bytes) -> bytes:
    """Encoded JSON in which U+FFFD stands for U+0000.

    Programs print that character, and no database can store it: what a run writes must not be
    refused for it.
    """
    if b"\\u0000" not in content:
        return content
    return _NUL.sub(rb"\1\\ufffd", content)


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """One thing that happened in an execution."""


class FlowRunStarted(Entry, frozen=True, kw_only=True, tag="flow_run"):
    """A flow run that its own process makes: one started by hand, or a subflow.

    As the very first entry of a journal with token 0 it creates the run of the execution.
    """

    flow_run_id: UUID
    flow_name: str
    timestamp: Instant
    name: str | None = None
    flow_version: str | None = None
    #: As they are shown: whoever begins a run hands over its parameters himself.
    parameters: dict[str, Any] = {}
    tags: list[str] = []
    labels: dict[str, Any] = {}
    retries: int = 0
    retry_delay_seconds: float | None = None
    #: The flow run (and the task run in it that stands for this subflow) that called this one.
    parent_flow_run_id: UUID | None = None
    parent_task_run_id: UUID | None = None


class FlowRunPatched(Entry, frozen=True, kw_only=True, tag="flow_run_patch"):
    """What the process of a claimed run learnt when it had loaded the flow."""

    flow_run_id: UUID
    name: str | None = None
    flow_version: str | None = None
    #: Parameters as they are shown: defaults filled in, secrets masked.
    shown_parameters: dict[str, Any] | None = None
    #: The same, as older versions call them. What was given is never overwritten.
    parameters: dict[str, Any] | None = None
    tags: list[str] | None = None


class FlowRunProposed(Entry, frozen=True, kw_only=True, tag="flow_state"):
    """A state proposed for a flow run of the execution. The answer is in `JournalAnswer`."""

    flow_run_id: UUID
    state: State


class TaskRunInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told of a task run once, with its first state."""

    flow_run_id: UUID | None
    name: str
    task_key: str
    dynamic_key: str
    task_version: str | None = None
    tags: list[str] = []
    retries: int = 0
    retry_delay_seconds: float | list[float] | None = None
    cache_key: str | None = None
    cache_expiration: Instant | None = None
    #: Parameter name -> what it came from: [{"input_type": "task_run", "id": "..."}].
    task_inputs: dict[str, list[dict[str, Any]]] = {}
    expected_start_time: Instant | None = None


class TaskRunMoved(Entry, frozen=True, kw_only=True, tag="task_state"):
    """A task run entered a state. Task runs are orchestrated where they run; this is the record."""

    task_run_id: UUID
    state: State
    run_count: int = 0
    run: TaskRunInfo | None = None


class LogWritten(Entry, frozen=True, kw_only=True, tag="log"):
    """One log record. `level` is that of the standard library: 20 is INFO."""

    flow_run_id: UUID
    timestamp: Instant
    level: int
    name: str
    message: str
    task_run_id: UUID | None = None


class ArtifactMade(Entry, frozen=True, kw_only=True, tag="artifact"):
    """An artifact that the flow published."""

    id: UUID
    flow_run_id: UUID
    timestamp: Instant
    type: str
    data: Any = None
    key: str | None = None
    description: str | None = None
    task_run_id: UUID | None = None


AnyEntry = (
    FlowRunStarted | FlowRunPatched | FlowRunProposed | TaskRunMoved | LogWritten | ArtifactMade
)


class JournalBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /flow_runs/{id}/journal`; `id` is the run that was claimed or begun by hand.

    `token` 0 stands for "not known yet": only an execution begun by hand may say so, until its
    first batch has been answered.
    """

    token: int
    execution_id: UUID
    first: int = 0
    entries: list[AnyEntry] = []
    #: How long this execution wants its lease, where it may choose (begun by hand): seconds.
    lease_seconds: float | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the `FlowRunProposed` that was entry number `number`."""

    number: int
    result: OrchestrationResult


class JournalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server has, and what it wants of the execution."""

    token: int
    #: The number of the entry the server wants next.
    next: int
    lease_ttl_ms: int
    renew_in_ms: int
    answers: list[Answer] = []
    #: Somebody asked for the cancellation of the run.
    cancel: bool = False
