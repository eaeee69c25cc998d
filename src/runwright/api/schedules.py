"""Schedules of deployments on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from runwright.api import limits

Catchup = Literal["none", "last", "all"]
PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment fires, and with what.

    `schedule` is one of `{"cron", "timezone", "day_or"}`, `{"interval" (seconds), "anchor_date",
    "timezone"}` and `{"rrule", "timezone"}`.
    """

    id: UUID
    created: datetime | None
    updated: datetime | None
    schedule: dict[str, Any]
    deployment_id: UUID | None = None
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] = {}
    slug: str | None = None
    # Runwright's own. What becomes of fires that were missed while nothing ran.
    catchup: Catchup = "last"
    #: When it fires next; None when inactive, or when there is no more.
    next_fire_at: datetime | None = None
    #: Grows with every edit.
    version: int = 1


class ScheduleCreate(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as a client gives it."""

    schedule: limits.JsonMap
    active: bool = True
    max_scheduled_runs: PositiveInt | None = None
    parameters: limits.Parameters = {}
    slug: Slug | None = None
    #: The slug of the schedule whose place it takes.
    replaces: limits.Name | None = None
    catchup: Catchup = "last"


class ScheduleUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PATCH /deployments/{id}/schedules/{id}`. A field left out stays as it is."""

    schedule: limits.JsonMap | msgspec.UnsetType | None = msgspec.UNSET
    active: bool | msgspec.UnsetType | None = msgspec.UNSET
    max_scheduled_runs: PositiveInt | msgspec.UnsetType | None = msgspec.UNSET
    parameters: limits.Parameters | msgspec.UnsetType = msgspec.UNSET
    slug: Slug | msgspec.UnsetType | None = msgspec.UNSET
    replaces: limits.Name | msgspec.UnsetType | None = msgspec.UNSET
    catchup: Catchup | msgspec.UnsetType = msgspec.UNSET
