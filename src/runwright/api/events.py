"""Events on the wire, and which of them a filter wants.

An event tells what happened to a resource, and names the resources around it. Resources are maps of
labels: `prefect.resource.id` names one, `prefect.resource.role` says what a related one is to it.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from runwright.api import limits
from runwright.core.instants import Instant
from runwright.core.labels import ID, ROLE, have

Labels = dict[str, str]
#: Label -> the value it must have, or several: `*` any, `x*` beginning with x, `!x` not x.
Wanted = dict[str, str | list[str]]
Order = Literal["ASC", "DESC"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as its sender tells it."""

    id: UUID
    occurred: Instant
    event: str
    resource: Labels
    related: list[Labels] = []
    payload: dict[str, Any] = {}
    follows: UUID | None = None

    @property
    def resource_id(self) -> str:
        return self.resource.get(ID, "")


_Labels = Annotated[
    dict[str, Annotated[str, Meta(max_length=limits.MAX_PATH)]], Meta(max_length=limits.MAX_LABELS)
]


class ToldEvent(Event, frozen=True, kw_only=True):
    """One that a client tells."""

    event: limits.Name
    resource: _Labels
    related: Annotated[list[_Labels], Meta(max_length=limits.MAX_LABELS)] = []
    payload: limits.JsonMap = {}


class ReceivedEvent(Event, frozen=True, kw_only=True):
    """One that is stored."""

    received: Instant


class OccurredIs(msgspec.Struct, frozen=True, kw_only=True):
    """The first and the last instant."""

    since: Instant | None = None
    until: Instant | None = None


class EventNameIs(msgspec.Struct, frozen=True, kw_only=True):
    """Names, and beginnings of names."""

    prefix: limits.FilterTexts | None = None
    exclude_prefix: limits.FilterTexts | None = None
    name: limits.FilterTexts | None = None
    exclude_name: limits.FilterTexts | None = None

    def takes(self, event: Event) -> bool:
        name = event.event
        if self.prefix and not name.startswith(tuple(self.prefix)):
            return False
        if self.exclude_prefix and name.startswith(tuple(self.exclude_prefix)):
            return False
        return (not self.name or name in self.name) and name not in (self.exclude_name or ())


class ResourceIs(msgspec.Struct, frozen=True, kw_only=True):
    """A resource by its id or labels."""

    id: limits.FilterTexts | None = None
    id_prefix: limits.FilterTexts | None = None
    labels: Wanted | None = None
    distinct: bool = False

    def takes(self, resource: Labels) -> bool:
        found = resource.get(ID, "")
        if self.id and found not in self.id:
            return False
        if self.id_prefix and not found.startswith(tuple(self.id_prefix)):
            return False
        return not self.labels or have(resource, self.labels)


class RelatedIs(msgspec.Struct, frozen=True, kw_only=True):
    """A related resource by its id, role or labels; all from one resource."""

    id: limits.FilterTexts | None = None
    role: limits.FilterTexts | None = None
    resources_in_roles: limits.Pairs | None = None
    labels: Wanted | None = None

    def takes(self, resource: Labels) -> bool:
        found, role = resource.get(ID, ""), resource.get(ROLE, "")
        if self.id and found not in self.id:
            return False
        if self.role and role not in self.role:
            return False
        if self.resources_in_roles and (found, role) not in self.resources_in_roles:
            return False
        return not self.labels or have(resource, self.labels)


class IdIsOneOf(msgspec.Struct, frozen=True, kw_only=True):
    """Among these events; none named: among all."""

    id: limits.FilterIds | None = None


class TextHas(msgspec.Struct, frozen=True, kw_only=True):
    """Words that must, and with a minus must not, be somewhere in the event."""

    query: limits.SearchText


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events. Several criteria of one kind must each be met."""

    occurred: OccurredIs = OccurredIs()
    event: EventNameIs | None = None
    resource: ResourceIs | None = None
    related: RelatedIs | limits.Few[RelatedIs] | None = None
    any_resource: ResourceIs | limits.Few[ResourceIs] | None = None
    id: IdIsOneOf = IdIsOneOf()
    text: TextHas | None = None
    order: Order = "DESC"

    def takes(self, event: Event) -> bool:
        """Whether the filter wants this event."""
        since, until = self.occurred.since, self.occurred.until
        if (since and event.occurred < since) or (until and event.occurred > until):
            return False
        if self.id.id and event.id not in self.id.id:
            return False
        if self.event and not self.event.takes(event):
            return False
        if self.resource and not self.resource.takes(event.resource):
            return False
        every = [event.resource, *event.related]
        return (
            all(_any(each.takes, event.related) for each in _several(self.related))
            and all(_any(each.takes, every) for each in _several(self.any_resource))
            and (self.text is None or _has_words(event, self.text.query))
        )


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /events/filter`."""

    filter: EventFilter | None = None
    limit: int = 50


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some events, and where the next ones are."""

    events: list[ReceivedEvent]
    total: int
    next_page: str | None


class CountQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /events/count-by/...`."""

    filter: EventFilter = EventFilter()
    time_unit: Literal["week", "day", "hour", "minute", "second"] = "day"
    time_interval: float = 1.0


class EventCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many events share a value, and from when to when."""

    value: str
    label: str
    count: int
    start_time: Instant
    end_time: Instant


def _several(criteria: Any) -> list[Any]:
    if criteria is None:
        return []
    return criteria if isinstance(criteria, list) else [criteria]


def _any(takes: Callable[[Labels], bool], resources: Iterable[Labels]) -> bool:
    return any(takes(each) for each in resources)


def _has_words(event: Event, query: str) -> bool:
    text = msgspec.json.encode(event).decode().lower()
    words = query.lower().split()
    return all(
        (word[1:] not in text) if word[0] in "-!" and len(word) > 1 else word in text
        for word in words
    )
