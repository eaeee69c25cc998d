"""Concurrency limits on the wire: named ones, and those of a tag, which are named `tag:<tag>`."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from runwright.api import limits
from runwright.core.instants import Instant

_MOST = 2**31 - 1
Name = Annotated[str, Meta(max_length=limits.MAX_NAME, pattern=r"^[^/%&><]+$")]
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Slots = Annotated[int, Meta(ge=1, le=_MOST)]
Decay = Annotated[float, Meta(ge=0)]
Mode = Literal["concurrency", "rate_limit"]
LeaseSeconds = Annotated[float, Meta(ge=60, le=86_400)]


class LimitCreate(msgspec.Struct, frozen=True, kw_only=True):
    """A named limit to make. With a decay, slots come back by themselves: it limits a rate."""

    name: Name
    limit: Count
    active: bool = True
    active_slots: Count = 0
    denied_slots: Count = 0
    slot_decay_per_second: Decay = 0.0


class LimitUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change. `active_slots` takes all slots back and occupies so many anew."""

    name: Name | UnsetType | None = UNSET
    limit: Count | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    active_slots: Count | UnsetType | None = UNSET
    denied_slots: Count | UnsetType | None = UNSET
    slot_decay_per_second: Decay | UnsetType | None = UNSET


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A named limit and how many of its slots are occupied now."""

    id: UUID
    created: Instant
    updated: Instant
    name: str
    limit: int
    active: bool
    active_slots: int
    slot_decay_per_second: float
    denied_slots: int = 0
    avg_slot_occupancy_seconds: float = 2.0


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `/filter`."""

    limit: Annotated[int, Meta(ge=0, le=200)] | None = None
    offset: Count | None = None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the slots are."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class Increment(msgspec.Struct, frozen=True, kw_only=True):
    """Slots to occupy, of every one of these limits or of none."""

    names: limits.Names
    slots: Slots
    mode: Mode = "concurrency"


class PlainIncrement(Increment, frozen=True, kw_only=True):
    """Slots to occupy until they are given back."""

    #: Of older clients; limits are always made by people.
    create_if_missing: bool | None = None


class LeasedIncrement(Increment, frozen=True, kw_only=True):
    """The same, for as long as the lease is renewed."""

    lease_duration: LeaseSeconds = 300.0
    holder: Holder | None = None


class Decrement(msgspec.Struct, frozen=True, kw_only=True):
    """Slots to give back."""

    names: limits.Names
    slots: Slots
    occupancy_seconds: float | None = None
    #: Of older clients; see `PlainIncrement`.
    create_if_missing: bool | None = None


class LeaseEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A lease to give back with its slots."""

    lease_id: UUID


class LeaseRenewal(msgspec.Struct, frozen=True, kw_only=True):
    """How long the lease lasts from now on, in seconds."""

    lease_duration: LeaseSeconds = 300.0


class LimitInBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A limit whose slots were occupied or given back."""

    id: UUID
    name: str
    limit: int


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Slots that were occupied, until they are given back or the lease lapses."""

    lease_id: UUID
    limits: list[LimitInBrief]


class TagLimitCreate(msgspec.Struct, frozen=True, kw_only=True):
    """How many task runs with this tag may run at once."""

    tag: limits.Name
    concurrency_limit: Count


class TagLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The limit of a tag, and the task runs that have its slots."""

    id: UUID
    created: Instant
    updated: Instant
    tag: str
    concurrency_limit: int
    active_slots: list[UUID] = []


class TagSlots(msgspec.Struct, frozen=True, kw_only=True):
    """A task run that takes, or gives back, a slot of each of its tags (`names`)."""

    names: limits.Names
    task_run_id: UUID
    #: How long the slots were held: taken, and of no effect.
    occupancy_seconds: float | None = None


class TagReset(msgspec.Struct, frozen=True, kw_only=True):
    """The task runs that have the slots from now on; none where nothing is said."""

    slot_override: limits.Ids | None = None


def brief(row: Any) -> LimitInBrief:
    """A limit's row in brief."""
    return LimitInBrief(id=row.id, name=row.name, limit=row.slot_limit)
