"""Frames of the websocket between a worker of the peer's and the control plane."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from runwright.api.work_pools import WorkPool

VERSION = "work_pool_worker_channel.v1"
#: What both sides must be able to do, and all that we do.
CAPABILITIES = ("worker_heartbeat.v1", "work_pool_snapshot.v1")
_Text = Annotated[str, Meta(min_length=1, max_length=500)]
_Seconds = Annotated[int, Meta(ge=1)]


class HelloPayload(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is and what it can do."""

    consumer_id: UUID
    worker_name: _Text
    worker_type: _Text
    heartbeat_interval_seconds: _Seconds
    supported_channel_versions: list[_Text]
    requested_capabilities: list[_Text]
    work_queue_names: list[_Text] = []
    create_pool_if_not_found: bool = False
    default_base_job_template: dict[str, Any] = {}


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="worker.hello.v1", tag_field="type"):
    """The first frame."""

    id: UUID
    payload: HelloPayload


class HeartbeatPayload(msgspec.Struct, frozen=True, kw_only=True):
    """It lives."""

    consumer_id: UUID
    worker_name: _Text
    heartbeat_interval_seconds: _Seconds


class Heartbeat(
    msgspec.Struct, frozen=True, kw_only=True, tag="worker.heartbeat.v1", tag_field="type"
):
    """Every frame of the worker after the first."""

    id: UUID
    payload: HeartbeatPayload


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The pool as it is now. The first is number 1, for the reason `initial`."""

    snapshot_sequence: int
    reason: Literal["initial", "changed"]
    work_pool: WorkPool


class ResolvedQueue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that the worker named."""

    id: UUID
    name: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the first frame."""

    consumer_id: UUID
    worker_id: UUID
    effective_heartbeat_interval_seconds: int
    resolved_work_queues: list[ResolvedQueue]
    initial_snapshot: Snapshot
    selected_channel_version: str = VERSION
    accepted_capabilities: tuple[str, ...] = CAPABILITIES
    rejected_capabilities: list[str]
    effective_max_cleanup_concurrency: int = 0


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A frame of the control plane."""

    type: Literal["worker.ready.v1", "work_pool.snapshot.v1"]
    id: UUID
    sent_at: datetime
    payload: Ready | Snapshot
