"""What supervisors and workers report: journals, exits, releases; and reruns people ask for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.params import JSONBody
from sqlalchemy import bindparam, select

from runwright.api.executions import (
    ExitAnswer,
    ExitReport,
    InfrastructureReport,
    ReleaseRequest,
    SyncAnswer,
    SyncRequest,
)
from runwright.api.flow_runs import FlowRun, Rerun
from runwright.api.journal import JournalAnswer, JournalBatch
from runwright.api.states import OrchestrationResult
from runwright.server.auth import Access
from runwright.server.decoding import LAX, decode
from runwright.server.injected import Admission, Asker, PathId, PathName, Wired
from runwright.server.keys import Principal
from runwright.server.problems import Conflict, Denied, Missing, Problem
from runwright.server.use_cases.append_journal import append_journal
from runwright.server.use_cases.end_execution import end_execution
from runwright.server.use_cases.note_infrastructure import note_infrastructure
from runwright.server.use_cases.release_run import release_run
from runwright.server.use_cases.rerun import rerun
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.queries import read_one
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run

_batch = msgspec.json.Decoder(JournalBatch)
_exit_report = msgspec.json.Decoder(ExitReport)
_sync_request = msgspec.json.Decoder(SyncRequest)
_encode = msgspec.json.Encoder().encode
#: Entries that are stored in a millisecond or two.
_FEW = 30
_pool_of_run = Prepared(select(flow_run.c.work_pool_id).where(flow_run.c.id == bindparam("run_id")))


def refuse_stranger(tx: Transaction, principal: Principal, run_id: UUID) -> None:
    """Refuse a report about a run that the principal does not speak for.

    Raises:
        Denied: 403.
    """
    if principal.kind == "execution" and principal.flow_run_id != run_id:
        raise Denied("This credential speaks for another run.", status=403)
    if principal.kind == "worker":
        pool = tx.execute(_pool_of_run, {"run_id": run_id}).scalar()
        if pool is None or pool != principal.work_pool_id:
            raise Denied("This key speaks for the runs of its own pool alone.", status=403)


async def append_decided(wiring: Wiring, run_id: UUID, batch: JournalBatch) -> JournalAnswer:
    """Append entries whose states were decided where they were written.

    Raises:
        Problem: the run belongs to another execution by now.
    """
    told = await wiring.storage.write(
        lambda tx: append_journal(tx, run_id, batch, wiring.policy, decided=True)
    )
    if isinstance(told, Problem):
        raise told
    return told


async def journal_fast(
    wiring: Wiring, principal: Principal, body: bytes, *, run_id: UUID
) -> tuple[int, bytes]:
    """Append entries to the journal of a run's execution, and renew its lease."""
    batch = decode(_batch, body)
    may_begin = "runs:create" in principal.scopes

    def use_case(tx: Transaction) -> JournalAnswer | Problem:
        refuse_stranger(tx, principal, run_id)
        return append_journal(tx, run_id, batch, wiring.policy, may_begin=may_begin)

    storage = wiring.storage
    append = storage.jot if len(batch.entries) <= _FEW else storage.write
    told = await append(use_case)
    if isinstance(told, Problem):  # returned, so that what it says about late entries is kept
        raise told
    return 200, _encode(told)


@post("/{run_id:uuid}/journal", status_code=200, opt=LAX)
async def journal(
    run_id: PathId, data: JSONBody[JournalBatch], wiring: Wired, principal: Asker
) -> Response[bytes]:
    """Append entries to the journal of a run's execution, and renew its lease."""
    status, content = await journal_fast(wiring, principal, _encode(data), run_id=run_id)
    return Response(content, status_code=status, media_type="application/json")


@post("/{run_id:uuid}/exit", status_code=200, opt=LAX)
async def exit_(
    run_id: PathId, data: JSONBody[ExitReport], wiring: Wired, principal: Asker
) -> ExitAnswer:
    """The process of an execution has ended."""
    return await _end(wiring, principal, run_id, data)


async def exit_fast(
    wiring: Wiring, principal: Principal, body: bytes, *, run_id: UUID
) -> tuple[int, bytes]:
    """The process of an execution has ended."""
    return 200, _encode(await _end(wiring, principal, run_id, decode(_exit_report, body)))


async def _end(
    wiring: Wiring, principal: Principal, run_id: UUID, report: ExitReport
) -> ExitAnswer:
    def use_case(tx: Transaction) -> ExitAnswer:
        refuse_stranger(tx, principal, run_id)
        return end_execution(tx, run_id, report, wiring.policy)

    return await wiring.storage.jot(use_case)


async def report_exit(
    wiring: Wiring, run_id: UUID, token: int, execution_id: UUID, reason: str
) -> ExitAnswer | None:
    """The process of a run by hand is gone; None where the run is somebody else's by now."""
    report = ExitReport(token=token, execution_id=execution_id, reason=reason)
    try:
        return await wiring.storage.write(
            lambda tx: end_execution(tx, run_id, report, wiring.policy)
        )
    except (Conflict, Missing):
        return None


@post("/{run_id:uuid}/infrastructure", status_code=204, opt=LAX)
async def infrastructure(
    run_id: PathId, data: JSONBody[InfrastructureReport], wiring: Wired, principal: Asker
) -> None:
    """What an execution is about to run in."""

    def use_case(tx: Transaction) -> None:
        refuse_stranger(tx, principal, run_id)
        note_infrastructure(tx, run_id, data)

    await wiring.storage.jot(use_case)


@post("/{run_id:uuid}/release", status_code=200, opt=LAX)
async def release(
    run_id: PathId, data: JSONBody[ReleaseRequest], wiring: Wired, principal: Asker
) -> OrchestrationResult:
    """Hand back a claimed run that never started."""

    def use_case(tx: Transaction) -> OrchestrationResult:
        refuse_stranger(tx, principal, run_id)
        return release_run(tx, run_id, data, wiring.policy)

    return await wiring.storage.write(use_case)


@post("/{run_id:uuid}/rerun", status_code=201)
async def rerun_(
    run_id: PathId, data: JSONBody[Rerun | None], wiring: Wired, principal: Asker
) -> FlowRun:
    """A brand-new run that does the same again, in the same lineage unless `fresh` is asked for."""
    is_fresh = data is not None and data.fresh
    asked_by = {"id": principal.key_id, "type": "KEY", "display_value": principal.name}

    def use_case(tx: Transaction) -> Any:
        made = rerun(tx, run_id, wiring.policy, asked_by=asked_by, fresh=is_fresh)
        return read_one(tx, FLOW_RUNS, made)

    return await wiring.storage.write(use_case)


@post("/work_pools/{name:str}/workers/{instance_id:uuid}/sync", status_code=200, opt=LAX)
async def sync(
    name: PathName,
    instance_id: PathId,
    data: JSONBody[SyncRequest],
    wiring: Wired,
    access: Admission,
) -> SyncAnswer:
    """A worker's heartbeat, and its work: answered at once when there is some."""
    return await _sync(wiring, access, name, instance_id, data, asyncio.Event())


async def sync_fast(  # what is in the path, and who listens
    wiring: Wiring,
    principal: Principal,
    body: bytes,
    *,
    name: str,
    instance_id: UUID,
    connection: tuple[Any, Callable[[], Awaitable[Any]]],
) -> tuple[int, bytes]:
    """A worker's heartbeat, and its work: answered at once when there is some."""
    del principal  # of whom the access knows
    scope, receive = connection
    request = decode(_sync_request, body)
    hung_up = asyncio.Event()

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        wiring.desk.hang_up(instance_id, hung_up)

    listening = asyncio.create_task(listen())
    try:
        access = scope["runwright.access"]
        answer = await _sync(wiring, access, name, instance_id, request, hung_up)
    finally:
        listening.cancel()
    return 200, _encode(answer)


async def _sync(  # as above
    wiring: Wiring,
    access: Access,
    name: str,
    instance_id: UUID,
    request: SyncRequest,
    hung_up: asyncio.Event,
) -> SyncAnswer:
    return await wiring.desk.sync(name, instance_id, request, hung_up, asker=access)


router = Router(
    path="/",
    route_handlers=[
        Router("/flow_runs", route_handlers=[journal, exit_, infrastructure, release, rerun_]),
        sync,
    ],
)
