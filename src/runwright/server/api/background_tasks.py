"""Background tasks: the websocket that delivers them, and `/task_workers`, who is connected."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

import msgspec
from litestar import Router, post, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import JSONBody

from runwright.api.task_runs import TaskRun
from runwright.api.task_workers import Subscription, TaskWorker, TaskWorkerQuery
from runwright.server.auth import Access
from runwright.server.injected import Doorkeeper, Wired
from runwright.server.websocket_auth import PROTOCOL_ERROR, Socket, while_admitted
from runwright.server.wiring import Wiring
from runwright.storage.background_tasks import (
    DEFERRED,
    connect,
    disconnect,
    forget_silent,
    next_due,
    see,
    take_next,
    workers_seen,
)
from runwright.storage.engine import Transaction
from runwright.storage.errors import StorageError
from runwright.storage.queries import read_one
from runwright.storage.task_runs import TASK_RUNS

_PATIENCE_S = 10.0
#: Well below the silence after which a worker is taken for dead.
_SEE_EVERY_S = 15.0
_RETRY_S = 0.5
_path = "/task_runs/subscriptions/scheduled"


@websocket(_path)
async def deliver(socket: Socket, wiring: Wired, authenticator: Doorkeeper) -> None:
    """Task runs of the tasks that a process knows, one at a time; it acknowledges each."""
    await while_admitted(socket, authenticator, _path, partial(_deliver, socket, wiring))


async def _deliver(socket: Socket, wiring: Wiring, access: Access) -> None:
    del access
    try:
        async with asyncio.timeout(_PATIENCE_S):
            content = await socket.receive_data(mode="text")
        wanted = msgspec.json.decode(content, type=Subscription)
    except (msgspec.MsgspecError, TimeoutError):
        await socket.close(code=PROTOCOL_ERROR, reason="Expected the keys of tasks.")
        return
    except WebSocketDisconnect:
        return
    worker_id = wiring.new_id()
    name = wanted.client_id or f"{worker_id}"
    await wiring.storage.write(lambda tx: connect(tx, worker_id, name, wanted.keys))
    try:
        await _serve(socket, wiring, worker_id, wanted.keys)
    finally:
        with suppress(StorageError):  # else it is taken for dead after a while
            await asyncio.shield(wiring.storage.write(lambda tx: disconnect(tx, worker_id)))


async def _serve(socket: Socket, wiring: Wiring, worker_id: UUID, keys: Sequence[str]) -> None:
    """Until one of the two goes."""
    acknowledged = asyncio.Event()
    tasks = {
        asyncio.create_task(_listen(socket, acknowledged)),
        asyncio.create_task(_send(socket, wiring, worker_id, keys, acknowledged)),
        asyncio.create_task(_stay(wiring, worker_id)),
        asyncio.create_task(wiring.stopping.wait()),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: Socket, acknowledged: asyncio.Event) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data(mode="text")
            acknowledged.set()


async def _send(
    socket: Socket,
    wiring: Wiring,
    worker_id: UUID,
    keys: Sequence[str],
    acknowledged: asyncio.Event,
) -> None:
    storage = wiring.storage
    with storage.waker.watch([DEFERRED]) as watch:
        while True:
            try:
                run = await storage.write(lambda tx: _taken(tx, worker_id, keys))
                due = None if run else await storage.read(lambda tx: next_due(tx, keys))
            except StorageError:  # away for a moment
                await asyncio.sleep(_RETRY_S)
                continue
            if run is None:
                seconds = (due - wiring.clock.now()).total_seconds() if due else _SEE_EVERY_S
                await watch.wait(min(max(seconds, 0.01), _SEE_EVERY_S))
                continue
            acknowledged.clear()
            await socket.send_data(msgspec.json.encode(run).decode())
            async with asyncio.timeout(_PATIENCE_S):
                await acknowledged.wait()


def _taken(tx: Transaction, worker_id: UUID, keys: Sequence[str]) -> TaskRun | None:
    task_run_id = take_next(tx, worker_id, keys)
    return None if task_run_id is None else read_one(tx, TASK_RUNS, task_run_id)


async def _stay(wiring: Wiring, worker_id: UUID) -> None:
    def use_case(tx: Transaction) -> None:
        see(tx, worker_id)
        forget_silent(tx)

    while True:
        await asyncio.sleep(_SEE_EVERY_S)
        with suppress(StorageError):
            await wiring.storage.write(use_case)


@post("/filter", status_code=200)
async def filtered(data: JSONBody[TaskWorkerQuery | None], wiring: Wired) -> list[TaskWorker]:
    """Who is connected, and carries out any of the tasks of the filter."""
    found = await wiring.storage.read(workers_seen)
    if data is None or data.task_worker_filter is None:
        return found
    keys = set(data.task_worker_filter.task_keys)
    return [each for each in found if keys.intersection(each.task_keys)]


router = Router(
    path="/",
    route_handlers=[Router("/task_workers", route_handlers=[filtered]), deliver],
)
