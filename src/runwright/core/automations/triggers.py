"""Triggers, as they are kept and sent."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

#: Labels of a resource, each with a value, or with several of which one will do.
Labels = dict[str, str | list[str]]
Within = float | timedelta


class EventTrigger(msgspec.Struct, kw_only=True, tag="event", tag_field="type"):
    """Reactive: so many events within a time. Proactive: not so many."""

    id: UUID | None = None
    match: Labels = {}
    match_related: Labels | list[Labels] = {}
    after: list[str] = []
    expect: list[str] = []
    for_each: list[str] = []
    posture: Literal["Reactive", "Proactive"]
    threshold: int = 1
    #: Seconds. Reactive, 0: however long it takes.
    within: Within = 0.0


class CompoundTrigger(msgspec.Struct, kw_only=True, tag="compound", tag_field="type"):
    """Any of several, all of them, or so many."""

    id: UUID | None = None
    triggers: Annotated[list["Trigger"], Meta(min_length=1)]
    require: int | Literal["any", "all"]
    within: Within | None = None


class SequenceTrigger(msgspec.Struct, kw_only=True, tag="sequence", tag_field="type"):
    """Several in their order."""

    id: UUID | None = None
    triggers: Annotated[list["Trigger"], Meta(min_length=1)]
    within: Within | None = None


Trigger = EventTrigger | CompoundTrigger | SequenceTrigger


def required_of(trigger: CompoundTrigger) -> int:
    """How many of its triggers must fire."""
    if isinstance(trigger.require, int):
        return trigger.require
    return 1 if trigger.require == "any" else len(trigger.triggers)


def span_of(trigger: Trigger) -> timedelta | None:
    """The time within which it must happen; None: however long it takes."""
    within = trigger.within
    if not within:
        return None
    return within if isinstance(within, timedelta) else timedelta(seconds=within)
