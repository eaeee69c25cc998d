"""Which events a trigger counts, and into which of its buckets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from runwright.core.automations.triggers import EventTrigger, Trigger
from runwright.core.labels import ID, ROLE, Labels, have

#: What is written on the runs and events that an automation has led to: how many led to them.
DEPTH = "runwright.automation-depth"
OWN = "prefect.automation."
_RELATED = "related:"
#: A longer key is kept as its hash.
_LONGEST_KEY = 200


class Happening(Protocol):
    """An event, as far as triggers look at it."""

    @property
    def id(self) -> UUID: ...
    @property
    def event(self) -> str: ...
    @property
    def resource(self) -> Labels: ...
    @property
    def related(self) -> Sequence[Labels]: ...


def is_about(trigger: EventTrigger, event: Happening) -> bool:
    """Whether the event is about what the trigger watches, whatever has happened to it."""
    if trigger.match and not have(event.resource, trigger.match):
        return False
    wanted = trigger.match_related
    several = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    return all(any(have(each, labels) for each in event.related) for labels in several)


def is_expected(trigger: EventTrigger, event: Happening) -> bool:
    """Whether it is one of the events that are counted; without a list, every event is."""
    return not trigger.expect or is_named(event.event, trigger.expect)


def comes_before(trigger: EventTrigger, event: Happening) -> bool:
    """Whether the trigger waits for others after this event."""
    return is_named(event.event, trigger.after)


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is the name, or its beginning and a `*`."""
    return any(
        name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        for pattern in patterns
    )


def names_of(trigger: Trigger) -> list[str] | None:
    """The names of all events that may matter to a trigger; None: every event may."""
    if isinstance(trigger, EventTrigger):
        return [*trigger.expect, *trigger.after] if trigger.expect else None
    names: list[str] = []
    for each in trigger.triggers:
        found = names_of(each)
        if found is None:
            return None
        names += found
    return names


def asks_for_automations(names: Sequence[str] | None) -> bool:
    """Whether a trigger names the events of automations, and not only happens to meet them."""
    return any(name.startswith(OWN) for name in names or ())


def bucket_key(trigger: EventTrigger, event: Happening) -> str:
    """What is counted together: the events that agree in the labels of `for_each`."""
    if not trigger.for_each:
        return ""
    values = [_label(event, label) for label in sorted(trigger.for_each)]
    text = json.dumps(values)
    if len(text) <= _LONGEST_KEY:
        return text
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def depth_of(event: Happening) -> int:
    """How many automations in a row have led to this event."""
    text = event.resource.get(DEPTH, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0  # noqa: PLR2004


def resource_ids(event: Happening, kind: str) -> list[str]:
    """The ids of the resources of a kind that an event names, its own first."""
    prefix = f"prefect.{kind}."
    names = (each.get(ID, "") for each in (event.resource, *event.related))
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def _label(event: Happening, label: str) -> str:
    """A label of the event's resource; `related:role:label` is one of a related resource."""
    if not label.startswith(_RELATED):
        return event.resource.get(label, "")
    role, _, name = label.removeprefix(_RELATED).partition(":")
    found: Mapping[str, str] = next((r for r in event.related if r.get(ROLE) == role), {})
    return found.get(name, "")
