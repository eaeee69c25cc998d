"""The websockets `/events/in` and `/events/out`."""

import asyncio
import itertools
from contextlib import suppress
from uuid import UUID

import msgspec
from litestar import websocket
from litestar.exceptions import WebSocketDisconnect

from runwright.api.events import Event, EventFilter, ReceivedEvent
from runwright.api.journal import without_nul
from runwright.server.injected import Doorkeeper, Wired
from runwright.server.listener import Listener, frame_of
from runwright.server.outgoing import say, until_gone
from runwright.server.problems import log
from runwright.server.scopes import SCOPES, WEBSOCKET
from runwright.server.use_cases.take_events import take_events
from runwright.server.websocket_auth import PROTOCOL_ERROR, Socket, admit
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.errors import StorageError
from runwright.storage.events import events_of

_MOST_AT_ONCE = 500
_MOST_WAITING = 5_000
_MOST_BEFORE = 5_000
_PATIENCE_S = 10.0
_RETRY_S = 0.5
_event = msgspec.json.Decoder(Event)


class _FilterFrame(msgspec.Struct, tag="filter", tag_field="type"):
    filter: EventFilter = EventFilter()


@websocket("/in")
async def take_in(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """Events, one a frame. What has arrived is stored together, and nothing is answered."""
    if await admit(socket, authenticator, SCOPES[WEBSOCKET, "/events/in"]) is None:
        return
    arrived: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_WAITING)
    storing = asyncio.create_task(_store(wiring, arrived))
    try:
        while True:
            content = await socket.receive_data(mode="text")
            with suppress(msgspec.MsgspecError):  # one that makes no sense costs no other
                await arrived.put(_event.decode(without_nul(_bytes(content))))
    except WebSocketDisconnect:
        pass
    finally:
        await arrived.put(None)
        await storing


async def _store(wiring: Wiring, arrived: "asyncio.Queue[Event | None]") -> None:
    is_open = True
    while is_open:
        first = await arrived.get()
        batch = [first]
        while len(batch) < _MOST_AT_ONCE and not arrived.empty():
            batch.append(arrived.get_nowait())
        is_open = None not in batch
        events = [each for each in batch if each is not None]
        if events:
            await _write(wiring, events)


async def _write(wiring: Wiring, events: list[Event]) -> None:
    storage = wiring.storage
    while True:
        try:
            await storage.write(lambda tx: take_events(tx, events, wiring.policy))
        except StorageError as error:
            if storage.waker.is_closed:
                log.warning("%d events are lost: the control plane stops: %s", len(events), error)
                return
            await asyncio.sleep(_RETRY_S)
        except Exception:  # noqa: BLE001  # whatever is wrong with one, the others are stored
            if len(events) == 1:
                log.exception("The event %s cannot be stored.", events[0].id)
                return
            for each in events:  # so that one of them costs no other
                await _write(wiring, [each])
            return
        else:
            return


@websocket("/out")
async def take_out(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """The events that a filter wants: those since its first instant, then each new one."""
    if await admit(socket, authenticator, SCOPES[WEBSOCKET, "/events/out"]) is None:
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
    async with wiring.events.listen(wanted) as listener:
        sending = asyncio.create_task(_send(socket, wiring, listener))
        try:
            await until_gone(socket, sending, wiring.stopping)
        finally:
            sending.cancel()


async def _send(socket: Socket, wiring: Wiring, listener: Listener) -> None:
    told: set[UUID] = set()
    if listener.wanted.occurred.since is not None:
        for each in await wiring.storage.read(lambda tx: _before(tx, listener.wanted)):
            told.add(each.id)
            await say(socket, frame_of(each))
    while True:
        event_id, frame = await listener.next()
        if event_id not in told:
            await say(socket, frame)


def _before(tx: Transaction, wanted: EventFilter) -> list[ReceivedEvent]:
    """What there is already, the oldest first; of too many, the latest."""
    newest_first = msgspec.structs.replace(wanted, order="DESC")
    return list(itertools.islice(events_of(tx, newest_first), _MOST_BEFORE))[::-1]


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
