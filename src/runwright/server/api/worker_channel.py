"""The websocket on which workers of the peer's say that they live and hear how their pool changes.

Runs are claimed by REST all the same. Nothing is taken down through it: the peer's third capability
is refused, and its workers do without.
"""

import asyncio
from functools import partial
from uuid import UUID

import msgspec
from litestar import websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath

from runwright.api.work_pools import WorkPool, WorkPoolCreate
from runwright.api.worker_channel import (
    CAPABILITIES,
    VERSION,
    Frame,
    Heartbeat,
    Hello,
    HelloPayload,
    Ready,
    ResolvedQueue,
    Snapshot,
)
from runwright.api.workers import WorkerHeartbeat
from runwright.server.auth import Access, authorize
from runwright.server.injected import Doorkeeper, Wired
from runwright.server.keys import Principal
from runwright.server.problems import Denied, Missing, Problem
from runwright.server.scopes import SCOPES
from runwright.server.use_cases.find_pool import pool_of_name
from runwright.server.use_cases.hear_of_worker import hear_of_named_worker
from runwright.server.use_cases.own_pool import refuse_other_pools
from runwright.server.use_cases.save_pool import create_pool
from runwright.server.websocket_auth import (
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    Socket,
    close,
    while_admitted,
)
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.errors import StorageError
from runwright.storage.work_pools import queues_of
from runwright.storage.workers import TooManyWorkers

_PATIENCE_S = 10.0
_LOOK_EVERY_S = 5.0
_path = "/work_pools/{name}/workers/connect"
_hello = msgspec.json.Decoder(Hello)
_heartbeat = msgspec.json.Decoder(Heartbeat)


@websocket("/work_pools/{name:str}/workers/connect")
async def connect(
    socket: Socket, name: FromPath[str], wiring: Wired, authenticator: Doorkeeper
) -> None:
    """A worker of the pool, for as long as it is connected."""
    await while_admitted(socket, authenticator, _path, partial(_connected, socket, wiring, name))


async def _connected(socket: Socket, wiring: Wiring, name: str, access: Access) -> None:
    try:
        hello = await _first_frame(socket)
        ready = await _welcome(wiring, name, hello, access.principal)
    except (Denied, Missing, TooManyWorkers) as error:
        await close(socket, POLICY_VIOLATION, f"{error}")
    except (msgspec.MsgspecError, TimeoutError, Problem) as error:
        await close(socket, PROTOCOL_ERROR, f"Expected a hello of {VERSION}: {error}")
    except StorageError:
        await close(socket, INTERNAL_ERROR, "The database is away for a moment.")
    except WebSocketDisconnect:
        pass
    else:
        await _send(socket, wiring, "worker.ready.v1", ready)
        await _serve(socket, wiring, name, ready.initial_snapshot.work_pool, access.principal)


async def _first_frame(socket: Socket) -> HelloPayload:
    async with asyncio.timeout(_PATIENCE_S):
        hello = _hello.decode(await socket.receive_data(mode="text")).payload
    lacking = set(CAPABILITIES) - set(hello.requested_capabilities)
    if lacking or VERSION not in hello.supported_channel_versions:
        raise msgspec.ValidationError("its version or a capability is missing")
    return hello


async def _welcome(wiring: Wiring, name: str, hello: HelloPayload, principal: Principal) -> Ready:
    def use_case(tx: Transaction) -> Ready:
        try:
            pool = pool_of_name(tx, name)
        except Missing:
            if not hello.create_pool_if_not_found:
                raise
            authorize(principal, SCOPES["POST", "/work_pools"])
            wanted = WorkPoolCreate(
                name=name,
                type=hello.worker_type,
                base_job_template=hello.default_base_job_template,
            )
            pool = create_pool(tx, wanted, wiring.new_id)
        refuse_other_pools(principal, pool.id, name)
        beat = WorkerHeartbeat(
            name=hello.worker_name, heartbeat_interval_seconds=hello.heartbeat_interval_seconds
        )
        return Ready(
            consumer_id=hello.consumer_id,
            worker_id=hear_of_named_worker(
                tx, pool.id, beat, wiring.policy, key_id=principal.key_id
            ),
            effective_heartbeat_interval_seconds=hello.heartbeat_interval_seconds,
            rejected_capabilities=sorted(set(hello.requested_capabilities) - set(CAPABILITIES)),
            resolved_work_queues=[
                ResolvedQueue(id=queue.id, name=queue.name)
                for queue in queues_of(tx, pool.id)
                if queue.name in hello.work_queue_names
            ],
            initial_snapshot=Snapshot(snapshot_sequence=1, reason="initial", work_pool=pool),
        )

    return await wiring.storage.write(use_case)


async def _serve(
    socket: Socket, wiring: Wiring, name: str, pool: WorkPool, principal: Principal
) -> None:
    """Until one of the two goes, or the worker makes no sense any more."""
    tasks = {
        asyncio.create_task(_listen(socket, wiring, pool.id, principal)),
        asyncio.create_task(_show_changes(socket, wiring, name, pool)),
        asyncio.create_task(wiring.stopping.wait()),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: Socket, wiring: Wiring, pool_id: UUID, principal: Principal) -> None:
    try:
        while True:
            beat = _heartbeat.decode(await socket.receive_data(mode="text")).payload
            seen = WorkerHeartbeat(
                name=beat.worker_name, heartbeat_interval_seconds=beat.heartbeat_interval_seconds
            )
            await wiring.storage.write(
                lambda tx, seen=seen: hear_of_named_worker(
                    tx, pool_id, seen, wiring.policy, key_id=principal.key_id
                )
            )
    except WebSocketDisconnect:
        return
    except TooManyWorkers as error:
        await close(socket, POLICY_VIOLATION, f"{error}")
    except msgspec.MsgspecError as error:
        await close(socket, PROTOCOL_ERROR, f"Expected a heartbeat: {error}")
    except StorageError:
        await close(socket, INTERNAL_ERROR, "The heartbeat could not be stored.")


async def _show_changes(socket: Socket, wiring: Wiring, name: str, shown: WorkPool) -> None:
    number = 1
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        try:
            pool = await wiring.storage.read(lambda tx: pool_of_name(tx, name))
        except StorageError:
            continue
        except Missing:
            await close(socket, INTERNAL_ERROR, "The pool was deleted.")
            return
        if pool.updated != shown.updated:
            number, shown = number + 1, pool
            payload = Snapshot(snapshot_sequence=number, reason="changed", work_pool=pool)
            await _send(socket, wiring, "work_pool.snapshot.v1", payload)


async def _send(socket: Socket, wiring: Wiring, kind: str, payload: Ready | Snapshot) -> None:
    frame = Frame(type=kind, id=wiring.new_id(), sent_at=wiring.clock.now(), payload=payload)  # type: ignore[arg-type]
    await socket.send_data(msgspec.json.encode(frame).decode())
