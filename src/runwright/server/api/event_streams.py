"""The websockets `/events/in` and `/events/out`."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
from litestar import websocket
from litestar.exceptions import WebSocketDisconnect

from runwright.api.events import Event, EventFilter
from runwright.api.journal import without_nul
from runwright.server.auth import Access
from runwright.server.injected import Doorkeeper, Wired
from runwright.server.listener import frame_of, whenever
from runwright.server.outgoing import say, until_gone
from runwright.server.problems import Denied, Unprocessable, log
from runwright.server.strictness import read_strictly
from runwright.server.use_cases.event_rights import why_refused
from runwright.server.use_cases.take_events import take_events
from runwright.server.websocket_auth import PROTOCOL_ERROR, Socket, close, while_admitted
from runwright.server.wiring import Wiring
from runwright.storage.arrivals import arrivals_since, arrived_events
from runwright.storage.errors import StorageError

_MOST_AT_ONCE = 500
_MOST_WAITING = 5_000
#: What commits late was marked as stored before: so far back it looks from where a client left off.
_BACK = timedelta(seconds=10)
_PATIENCE_S = 10.0
_RETRY_S = 0.5
_event = msgspec.json.Decoder(Event)


class _FilterFrame(msgspec.Struct, tag="filter", tag_field="type"):
    filter: EventFilter = EventFilter()


@websocket("/in")
async def take_in(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """Events, one a frame. What has arrived is stored together, and nothing is answered.

    Those that the client may not tell are left out, and the first of them is logged.
    """
    await while_admitted(socket, authenticator, "/events/in", partial(_take_in, socket, wiring))


async def _take_in(socket: Socket, wiring: Wiring, access: Access) -> None:
    may_tell = _Gate(access)
    arrived: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_WAITING)
    storing = asyncio.create_task(_store(wiring, arrived, access))
    try:
        while True:
            content = await socket.receive_data(mode="text")
            with suppress(msgspec.MsgspecError):  # one that makes no sense costs no other
                event = _event.decode(without_nul(_bytes(content)))
                if may_tell(event):
                    await arrived.put(event)
    except WebSocketDisconnect:
        pass
    finally:
        if access.is_over:  # what came since then is not stored either
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)
        else:
            await arrived.put(None)
            await storing


class _Gate:
    """Which events of one connection are taken in."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._has_refused = False

    def __call__(self, event: Event) -> bool:
        principal = self._access.principal
        why = why_refused(principal, event)
        if why is not None and not self._has_refused:
            self._has_refused = True
            log.warning("An event of the key %r was left out. %s", principal.name, why)
        return why is None


async def _store(wiring: Wiring, arrived: "asyncio.Queue[Event | None]", access: Access) -> None:
    """Store what arrives until the connection ends, or its sender may not tell it any more."""
    is_open = True
    while is_open:
        first = await arrived.get()
        batch = [first]
        while len(batch) < _MOST_AT_ONCE and not arrived.empty():
            batch.append(arrived.get_nowait())
        is_open = None not in batch
        events = [each for each in batch if each is not None]
        try:
            if events:
                await _write(wiring, events, access)
        except Denied:
            return


async def _write(wiring: Wiring, events: list[Event], access: Access) -> None:
    """Store events, if their sender may still tell them: what has waited since it was refused is
    not stored.

    Raises:
        Denied: it may not.
    """
    storage = wiring.storage
    while True:
        try:
            await access.check()
            await storage.write(lambda tx: take_events(tx, events, wiring.policy))
        except StorageError as error:
            if storage.waker.is_closed:
                log.warning("%d events are lost: the control plane stops: %s", len(events), error)
                return
            await asyncio.sleep(_RETRY_S)
        except Denied:
            raise
        except Exception:  # noqa: BLE001  # whatever is wrong with one, the others are stored
            if len(events) == 1:
                log.exception("The event %s cannot be stored.", events[0].id)
                return
            for each in events:  # so that one of them costs no other
                await _write(wiring, [each], access)
            return
        else:
            return


@websocket("/out")
async def take_out(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """The events that a filter wants: those stored since its first instant, then each new one.

    Who comes back asks with the latest `received` it has seen, and hears some of it again.
    """
    await while_admitted(socket, authenticator, "/events/out", partial(_take_out, socket, wiring))


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
    sending = asyncio.create_task(_send(socket, wiring, wanted))
    await until_gone(socket, sending, wiring.stopping)


async def _send(socket: Socket, wiring: Wiring, wanted: EventFilter) -> None:
    told: dict[UUID, datetime] = {}
    since = wanted.occurred.since
    if since is not None:
        # Most of it before it listens: then little waits for it meanwhile.
        since = await _send_stored(socket, wiring, wanted, since - _BACK, told)
    async with wiring.events.listen(wanted) as listener:
        if since is not None:
            await _send_stored(socket, wiring, wanted, since, told)
        while True:
            event_id, frame = await listener.next()
            if event_id not in told:
                await say(socket, frame)


async def _send_stored(
    socket: Socket,
    wiring: Wiring,
    wanted: EventFilter,
    since: datetime,
    told: dict[UUID, datetime],
) -> datetime:
    """Send what was stored from `since` on but for what was `told`; from when on to look again."""
    rest: datetime | None = since
    wanted = whenever(wanted)
    while rest is not None:
        found, rest = await wiring.storage.read(
            lambda tx, rest=rest: arrivals_since(tx, rest, _MOST_AT_ONCE, wanted)
        )
        for first in range(0, len(found), _MOST_AT_ONCE):
            new = [each for each in found[first : first + _MOST_AT_ONCE] if each.id not in told]
            events = await wiring.storage.read(lambda tx, new=new: arrived_events(tx, new))
            told.update((each.id, each.at) for each in new)
            for each in events:
                if wanted.takes(each):
                    await say(socket, frame_of(each))
        if found:
            since = max(since, found[-1].at - _BACK)
        for each in [each for each, at in told.items() if at < since]:
            del told[each]
    return since


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
