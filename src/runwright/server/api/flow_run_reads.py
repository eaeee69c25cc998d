"""`/flow_runs`, what only reads: lists, counts, pages, history, lateness."""

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody
from msgspec.structs import replace

from runwright.api.filters import Filters, PageQuery, Query, WorkQueueFilter
from runwright.api.flow_runs import FlowRun, FlowRunPage, HistoryInterval, StuckRun
from runwright.core.instants import Instant
from runwright.server.decoding import decode
from runwright.server.injected import Asker, PathId, Wired
from runwright.server.pages import Asked, StreamedPage, one_page, streamed
from runwright.server.problems import Missing, Unprocessable
from runwright.server.use_cases.own_runs import refuse_foreign_filters, runs_for
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.histories import average_lateness, history
from runwright.storage.queries import count, send_one
from runwright.storage.stuck import stuck_runs
from runwright.storage.tables import flow_run
from runwright.storage.turns import note_length

_query = msgspec.json.Decoder(Query)
_encode = msgspec.json.Encoder().encode
_MOST_INTERVALS = 500


class HistoryQuery(Filters, frozen=True, kw_only=True):
    """Body of `/history`: a span of time cut into intervals, in seconds."""

    history_start: Instant
    history_end: Instant
    history_interval_seconds: float | None = None
    history_interval: float | None = None
    #: The same as `work_pool_queues`.
    work_queues: WorkQueueFilter | None = None

    def interval(self) -> timedelta:
        """The length of one bar.

        Raises:
            Unprocessable: missing, below a second, or more than 500 bars.
        """
        seconds = self.history_interval_seconds or self.history_interval
        if seconds is None or seconds < 1:
            raise Unprocessable("History interval must not be less than 1 second.")
        span = (self.history_end - self.history_start).total_seconds()
        if span < 0 or span / seconds > _MOST_INTERVALS:
            raise Unprocessable(f"A history has at most {_MOST_INTERVALS} intervals, forwards.")
        return timedelta(seconds=seconds)


async def filter_fast(
    wiring: Wired, principal: Asker, body: bytes
) -> tuple[int, bytes | StreamedPage]:
    """Flow runs that meet the filters; an execution sees those that belong to its own."""
    query = decode(_query, body)
    refuse_foreign_filters(principal, query)
    runs, told = runs_for(principal)
    asked = Asked(runs, query, parameters=told)
    note_length(len(body))
    content = await wiring.storage.glance(asked.gathered)
    return 200, await streamed(wiring, asked) if content is None else content


@post("/filter", status_code=200)
async def filtered(
    data: JSONBody[Query], wiring: Wired, principal: Asker
) -> Response[list[FlowRun]]:
    """Flow runs that meet the filters; an execution sees those that belong to its own."""
    _, content = await filter_fast(wiring, principal, _encode(data))
    answer: Any = content
    if isinstance(content, bytes):
        answer = Response(content, media_type="application/json")
    return answer


@get("/{run_id:uuid}")
async def read(run_id: PathId, wiring: Wired, principal: Asker) -> FlowRun:
    """One flow run; to an execution there are none but those that belong to its own."""
    runs, told = runs_for(principal)
    found = await wiring.storage.glance(lambda tx: send_one(tx, runs, run_id, told))
    if found is None:
        raise Missing(f"There is no flow run {run_id}.")
    return found


@post("/count", status_code=200)
async def counted(data: JSONBody[Filters], wiring: Wired) -> int:
    """How many flow runs meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, FLOW_RUNS, data))


@post("/paginate", status_code=200)
async def paginated(data: JSONBody[PageQuery], wiring: Wired) -> Response[FlowRunPage]:
    """One page of the flow runs that meet the filters."""
    return await one_page(wiring, FLOW_RUNS, data, FlowRunPage)


@post("/history", status_code=200)
async def read_history(data: JSONBody[HistoryQuery], wiring: Wired) -> list[HistoryInterval]:
    """How many runs were expected in each interval, by the state they are in now."""
    step = data.interval()
    if data.work_queues is not None:
        data = replace(data, work_pool_queues=data.work_queues)
    start, end = data.history_start, data.history_end
    return await wiring.storage.read(
        lambda tx: history(tx, flow_run, data, start=start, end=end, step=step)
    )


@post("/lateness", status_code=200)
async def lateness(data: JSONBody[Filters], wiring: Wired) -> float | None:
    """Seconds of lateness on average; null when no run meets the filters."""
    return await wiring.storage.read(lambda tx: average_lateness(tx, data))


@get("/stuck")
async def stuck(wiring: Wired) -> list[StuckRun]:
    """Runs that stand still for longer than they should; twenty of each kind at most."""
    grace = timedelta(seconds=wiring.settings.cancel_grace)
    return await wiring.storage.read(lambda tx: stuck_runs(tx, grace))


handlers: list[Any] = [filtered, read, counted, paginated, read_history, lateness, stuck]
