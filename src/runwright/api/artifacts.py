"""Artifacts on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from runwright.api import limits


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """Something a run published for people to read."""

    id: UUID
    created: datetime | None
    updated: datetime | None
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class LatestArtifact(Artifact, frozen=True, kw_only=True):
    """The newest artifact of a key."""

    latest_id: UUID


class ArtifactCreate(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /artifacts/`."""

    key: limits.Name | None = None
    type: limits.Name | None = None
    description: limits.Description | None = None
    data: limits.ArtifactData = None
    metadata_: limits.Texts | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of an artifact."""

    data: limits.ArtifactData | UnsetType = UNSET
    description: limits.Description | UnsetType | None = UNSET
    metadata_: limits.Texts | UnsetType | None = UNSET
