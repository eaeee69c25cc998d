"""The websocket `/logs/out`: log records as they come."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from litestar import websocket
from litestar.exceptions import WebSocketDisconnect

from runwright.api.filters import LogFilter, Query, TimeIs
from runwright.api.logs import Log
from runwright.server.injected import Doorkeeper, Wired
from runwright.server.outgoing import say, until_gone
from runwright.server.scopes import SCOPES, WEBSOCKET
from runwright.server.websocket_auth import PROTOCOL_ERROR, Socket, admit
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.logs import LOGS
from runwright.storage.queries import MAX_LIMIT, read_many

_PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.5
#: How late a record may arrive, by the clock of who wrote it, and still be sent.
_LATEST = timedelta(seconds=30)
_MOST_AT_ONCE = 50_000


class _FilterFrame(msgspec.Struct, tag="filter", tag_field="type"):
    filter: LogFilter = LogFilter()


@websocket("/logs/out")
async def take_out(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """The log records that a filter wants: those since its first instant, then each new one."""
    if await admit(socket, authenticator, SCOPES[WEBSOCKET, "/logs/out"]) is None:
        return
    try:
        async with asyncio.timeout(_PATIENCE_S):
            content = await socket.receive_data(mode="text")
        wanted = msgspec.json.decode(content, type=_FilterFrame).filter
    except (msgspec.MsgspecError, TimeoutError):
        await socket.close(code=PROTOCOL_ERROR, reason="Expected a filter.")
        return
    except WebSocketDisconnect:
        return
    await until_gone(socket, asyncio.create_task(_send(socket, wiring, wanted)), wiring.stopping)


async def _send(socket: Socket, wiring: Wiring, wanted: LogFilter) -> None:
    sent: set[UUID] = set()
    since = (wanted.timestamp and wanted.timestamp.after_) or wiring.clock.now()
    while True:
        found = await wiring.storage.read(lambda tx, since=since: _since(tx, wanted, since))
        for each in found:
            if each.id not in sent:
                frame = {"type": "log", "log": each}
                await say(socket, msgspec.json.encode(frame).decode())
        # The next look begins later, so what it finds again is among these.
        sent = {each.id for each in found}
        since = max([since, *(each.timestamp - _LATEST for each in found[-1:])])
        await asyncio.sleep(_LOOK_AGAIN_S)


def _since(tx: Transaction, wanted: LogFilter, since: datetime) -> list[Log]:
    until = wanted.timestamp.before_ if wanted.timestamp else None
    narrowed = msgspec.structs.replace(wanted, timestamp=TimeIs(after_=since, before_=until))
    found: list[Log] = []
    while True:
        query = Query(logs=narrowed, limit=MAX_LIMIT, offset=len(found), sort="TIMESTAMP_ASC")
        page = read_many(tx, LOGS, query)
        found += page
        if len(page) < MAX_LIMIT or len(found) >= _MOST_AT_ONCE:
            return found
