"""The websocket `/logs/out`: log records as they come."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
from litestar import websocket
from litestar.exceptions import WebSocketDisconnect
from msgspec.structs import replace

from runwright.api.filters import LogFilter, TimeIs
from runwright.server.auth import Access
from runwright.server.injected import Doorkeeper, Wired
from runwright.server.outgoing import say, until_gone
from runwright.server.problems import Unprocessable
from runwright.server.strictness import read_strictly
from runwright.server.websocket_auth import PROTOCOL_ERROR, Socket, close, while_admitted
from runwright.server.wiring import Wiring
from runwright.storage.logs import first_id_at, logs_after
from runwright.storage.queries import MAX_LIMIT

_PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.5
#: Ids tell when a record was stored, but what commits late has an early one. So every look goes
#: back a little, and one in a while as far as a transaction may take.
_LATE, _LATEST = timedelta(seconds=2), timedelta(seconds=30)
_LONG_LOOK_EVERY = timedelta(seconds=5)


class _FilterFrame(msgspec.Struct, tag="filter", tag_field="type"):
    filter: LogFilter = LogFilter()


@websocket("/logs/out")
async def take_out(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """The log records that a filter wants: those stored since its first instant, then each new."""
    await while_admitted(socket, authenticator, "/logs/out", partial(_take_out, socket, wiring))


async def _take_out(socket: Socket, wiring: Wiring, access: Access) -> None:
    del access
    try:
        async with asyncio.timeout(_PATIENCE_S):
            content = await socket.receive_data(mode="text")
        wanted = read_strictly(_FilterFrame, content).filter
    except Unprocessable as refusal:
        await close(socket, PROTOCOL_ERROR, refusal.detail)
        return
    except (msgspec.MsgspecError, TimeoutError):
        await socket.close(code=PROTOCOL_ERROR, reason="Expected a filter.")
        return
    except WebSocketDisconnect:
        return
    await until_gone(socket, asyncio.create_task(_send(socket, wiring, wanted)), wiring.stopping)


async def _send(socket: Socket, wiring: Wiring, wanted: LogFilter) -> None:
    clock = wiring.clock
    started_at = looked_long_at = clock.now()
    first = wanted.timestamp and wanted.timestamp.after_
    seen: dict[UUID, None] = {}
    if first is None:  # only what is new
        await _look(socket, wiring, _whenever(wanted), started_at - _LATEST, seen, is_told=False)
        since = started_at - _LATE
    else:
        since = first - _LATE
    while True:
        now = clock.now()
        await _look(socket, wiring, _whenever(wanted), since, seen)
        await asyncio.sleep(_LOOK_AGAIN_S)
        since = min(now, clock.now()) - _LATE
        if not timedelta(0) <= now - looked_long_at <= _LONG_LOOK_EVERY:
            since, looked_long_at = since - _LATEST, now
        _forget(seen, first_id_at(since - 2 * _LATEST))


async def _look(
    socket: Socket,
    wiring: Wiring,
    wanted: LogFilter,
    since: datetime,
    seen: dict[UUID, None],
    *,
    is_told: bool = True,
) -> None:
    """Send what was stored since then and was not `seen`; a page is all that is held of it."""
    after, is_more = first_id_at(since), True
    while is_more:
        page = await wiring.storage.read(
            lambda tx, after=after: logs_after(tx, wanted, after, MAX_LIMIT)
        )
        for each in page:
            if each.id not in seen:
                seen[each.id] = None
                if is_told:
                    await say(socket, msgspec.json.encode({"type": "log", "log": each}).decode())
        is_more = len(page) == MAX_LIMIT
        if page:
            after = page[-1].id
            _forget(seen, first_id_at(_stored_at(after) - 2 * _LATEST))


def _stored_at(record: UUID) -> datetime:
    return datetime.fromtimestamp((record.int >> 80) / 1000, UTC)


def _forget(seen: dict[UUID, None], until: UUID) -> None:
    for each in [each for each in seen if each < until]:
        del seen[each]


def _whenever(wanted: LogFilter) -> LogFilter:
    """The filter without its first instant: what comes late is new all the same."""
    until = wanted.timestamp and wanted.timestamp.before_
    return replace(wanted, timestamp=TimeIs(before_=until) if until else None)
