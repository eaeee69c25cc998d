"""Processes that carry out background tasks, on the wire."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from runwright.api import limits

_Key = Annotated[str, Meta(min_length=1, max_length=1000)]


class Subscription(msgspec.Struct, frozen=True, kw_only=True, tag="subscribe", tag_field="type"):
    """The frame that begins a subscription: which tasks the process can carry out."""

    keys: Annotated[list[_Key], Meta(min_length=1, max_length=1000)]
    client_id: limits.Name | None = None


class TaskWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A process that is connected now; seen alive at `timestamp`."""

    identifier: str
    task_keys: list[str]
    timestamp: datetime


class TaskWorkersOf(msgspec.Struct, frozen=True, kw_only=True):
    """Those that carry out any of these tasks."""

    task_keys: limits.Names


class TaskWorkerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /task_workers/filter`."""

    task_worker_filter: TaskWorkersOf | None = None
