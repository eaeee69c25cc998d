"""`/events`: told by clients, asked for in pages, counted."""

import base64
import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, JSONBody

from runwright.api.events import (
    CountQuery,
    EventCount,
    EventFilter,
    EventPage,
    EventQuery,
    OccurredIs,
    ReceivedEvent,
    ToldEvent,
)
from runwright.api.limits import MAX_GATHERED
from runwright.server.api.event_streams import take_in, take_out
from runwright.server.decoding import LAX
from runwright.server.injected import Asker, QueryText, Wired
from runwright.server.problems import Unprocessable
from runwright.server.use_cases.event_rights import refuse_forged
from runwright.server.use_cases.take_events import take_events
from runwright.storage.engine import Transaction
from runwright.storage.events import events_of

_MOST = 50
#: What is beyond is not counted: `total` says at least so many.
_MOST_COUNTED = 10_000
#: Spans of time to count by, in seconds.
_SHORTEST, _LONGEST = 0.001, 100 * 366 * 86_400.0
_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}

Countable = Literal["day", "time", "event", "resource"]


class _PageToken(msgspec.Struct, frozen=True):
    wanted: EventFilter
    limit: Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


@post("/", status_code=204, opt=LAX)
async def tell(data: JSONBody[list[ToldEvent]], wiring: Wired, principal: Asker) -> None:
    """Store events that happened elsewhere; 403 where one has a name of the server's own."""
    refuse_forged(principal, data)
    await wiring.storage.write(lambda tx: take_events(tx, data, wiring.policy))


@post("/filter", status_code=200)
async def filtered(
    data: JSONBody[EventQuery], wiring: Wired, request: Request[Any, Any, Any]
) -> EventPage:
    """The first page of the events that the filter wants, and the address of the next."""
    if not 0 <= data.limit <= _MOST:
        raise Unprocessable(f"A page has {_MOST} events at most.", field="limit")
    wanted = data.filter or EventFilter()
    if wanted.occurred.until is None:  # so that later pages are of the same events
        until = OccurredIs(since=wanted.occurred.since, until=wiring.clock.now())
        wanted = msgspec.structs.replace(wanted, occurred=until)
    token = _PageToken(wanted, data.limit, 0)
    return await wiring.storage.read(lambda tx: _page(tx, token, _base(request)))


@get("/filter/next", opt={"parameters": ["page-token"]})
async def next_page(
    wiring: Wired, request: Request[Any, Any, Any], page_token: QueryText = ""
) -> EventPage:
    """The page of a `page-token`."""
    text = request.query_params.get("page-token") or page_token
    try:
        content = base64.urlsafe_b64decode(text.encode())
        token = msgspec.json.decode(content, type=_PageToken)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise Unprocessable("That page-token is none of ours: take `next_page` whole.") from None
    return await wiring.storage.read(lambda tx: _page(tx, token, _base(request)))


@post("/count-by/{countable:str}", status_code=200)
async def counted(
    countable: FromPath[Countable], data: JSONBody[CountQuery], wiring: Wired
) -> list[EventCount]:
    """How many events there are of each day, span of time, name, or resource."""
    unit = "day" if countable == "day" else data.time_unit
    interval = 1.0 if countable == "day" else data.time_interval
    seconds = _SECONDS[unit] * interval
    if not _SHORTEST <= seconds <= _LONGEST:
        raise Unprocessable(
            f"A span of {seconds:g} seconds cannot be counted by: it has to have from "
            f"{_SHORTEST:g} to {_LONGEST:g}.",
            field="time_interval",
        )
    span = timedelta(seconds=seconds)

    def count(tx: Transaction) -> list[EventCount]:
        every = itertools.islice(events_of(tx, data.filter), _MOST_COUNTED)
        if countable in ("day", "time"):
            return _counts_in_time(every, span)
        return _counts(every, countable)

    return await wiring.storage.read(count)


def _page(tx: Transaction, token: _PageToken, base: str) -> EventPage:
    every = events_of(tx, token.wanted)
    before = sum(1 for _ in itertools.islice(every, token.offset))
    events = _some(itertools.islice(every, token.limit))
    beyond = sum(1 for _ in itertools.islice(every, max(0, _MOST_COUNTED - before - len(events))))
    following = None
    if beyond and events:
        after = _PageToken(token.wanted, token.limit, token.offset + len(events))
        text = base64.urlsafe_b64encode(msgspec.json.encode(after)).decode()
        following = f"{base}/events/filter/next?page-token={text}"
    return EventPage(events=events, total=before + len(events) + beyond, next_page=following)


def _some(events: Iterable[ReceivedEvent]) -> list[ReceivedEvent]:
    """As many as fit into a page's bytes, and one at least: the next page has the others."""
    found: list[ReceivedEvent] = []
    room = MAX_GATHERED
    for each in events:
        found.append(each)
        room -= len(msgspec.json.encode(each.payload))
        if room <= 0:
            break
    return found


def _base(request: Request[Any, Any, Any]) -> str:
    return f"{str(request.base_url).rstrip('/')}/api"


def _counts(events: Iterable[ReceivedEvent], countable: str) -> list[EventCount]:
    groups: dict[str, list[ReceivedEvent]] = {}
    for each in events:
        value = each.event if countable == "event" else each.resource_id
        groups.setdefault(value, []).append(each)
    counts = [
        _count_of(value, _label(value, found, countable), found) for value, found in groups.items()
    ]
    return sorted(counts, key=lambda each: (-each.count, each.value))


def _label(value: str, events: list[ReceivedEvent], countable: str) -> str:
    if countable == "event":
        return value
    return events[0].resource.get("prefect.resource.name") or value


def _count_of(value: str, label: str, events: list[ReceivedEvent]) -> EventCount:
    times = [each.occurred for each in events]
    return EventCount(
        value=value, label=label, count=len(events), start_time=min(times), end_time=max(times)
    )


def _counts_in_time(events: Iterable[ReceivedEvent], span: timedelta) -> list[EventCount]:
    epoch = datetime.fromtimestamp(0, tz=UTC)
    counts: dict[int, int] = {}
    for each in events:
        counts[(each.occurred - epoch) // span] = counts.get((each.occurred - epoch) // span, 0) + 1
    return [
        EventCount(
            value=(epoch + number * span).isoformat(),
            label=(epoch + number * span).isoformat(),
            count=count,
            start_time=epoch + number * span,
            end_time=epoch + (number + 1) * span,
        )
        for number, count in sorted(counts.items())
    ]


router = Router(
    path="/events", route_handlers=[tell, filtered, next_page, counted, take_in, take_out]
)
