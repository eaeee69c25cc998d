"""`/flow_runs`, what changes runs: create, propose a state, patch, delete, resume."""

from uuid import UUID

import msgspec
from litestar import Response, Router, delete, patch, post
from litestar.params import JSONBody

from runwright.api.filters import Query
from runwright.api.flow_runs import (
    BulkSetState,
    BulkStateResults,
    DeletedIds,
    FlowRun,
    FlowRunCreate,
    FlowRunOrchestrationResult,
    FlowRunsToDelete,
    FlowRunUpdate,
    ResumeRun,
)
from runwright.api.states import OrchestrationResult, SetState
from runwright.server.api import flow_run_reads
from runwright.server.decoding import decode
from runwright.server.injected import Asker, PathId, Wired
from runwright.server.keys import Principal, creator
from runwright.server.problems import Missing
from runwright.server.use_cases.change_run import change_run, label_run
from runwright.server.use_cases.create_run import CreatedRun, create_run
from runwright.server.use_cases.job_overrides import may_override
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.resume_run import resume_run
from runwright.server.wiring import Wiring
from runwright.storage.criteria import among
from runwright.storage.deleting import delete_runs
from runwright.storage.engine import Transaction
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.queries import ids_of, send_one
from runwright.storage.tables import flow_run

_BULK = 50
_OK, _CREATED = 200, 201
_create_body = msgspec.json.Decoder(FlowRunCreate)
_state_body = msgspec.json.Decoder(SetState)
_encode = msgspec.json.Encoder().encode


async def _create(wiring: Wiring, principal: Principal, data: FlowRunCreate) -> tuple[FlowRun, int]:
    def use_case(tx: Transaction) -> tuple[FlowRun | None, CreatedRun]:
        made = create_run(tx, data, wiring.policy, may_override=may_override(principal))
        return send_one(tx, FLOW_RUNS, made.id), made

    run, made = await wiring.storage.jot(use_case)
    if run is None:
        raise Missing(f"Flow run {made.id} was deleted meanwhile.")
    return run, _CREATED if made.is_new else _OK


async def create_fast(wiring: Wiring, principal: Principal, body: bytes) -> tuple[int, bytes]:
    """A new run, or the one of the same idempotency key."""
    run, status = await _create(wiring, principal, decode(_create_body, body))
    return status, _encode(run)


async def set_state_fast(
    wiring: Wiring, principal: Principal, body: bytes, *, run_id: UUID
) -> tuple[int, bytes]:
    """Propose a state."""
    result = await _propose(wiring, principal, run_id, decode(_state_body, body))
    return _status(result), _encode(result)


async def _propose(
    wiring: Wiring, principal: Principal, run_id: UUID, proposal: SetState
) -> OrchestrationResult:
    by = creator(principal) if proposal.force else None
    return await wiring.storage.jot(lambda tx: move_run(tx, run_id, proposal, wiring.policy, by=by))


def _status(result: OrchestrationResult) -> int:
    return _CREATED if result.status == "ACCEPT" else _OK


@post("/", status_code=201)
async def create(
    data: JSONBody[FlowRunCreate], wiring: Wired, principal: Asker
) -> Response[FlowRun]:
    """A new run: 201; or 200 with the one of the same idempotency key."""
    run, status = await _create(wiring, principal, data)
    return Response(run, status_code=status)


@post("/{run_id:uuid}/set_state", status_code=201)
async def set_state(
    run_id: PathId, data: JSONBody[SetState], wiring: Wired, principal: Asker
) -> Response[OrchestrationResult]:
    """Propose a state: 201 when it is accepted, 200 when something else was decided."""
    result = await _propose(wiring, principal, run_id, data)
    return Response(result, status_code=_status(result))


@post("/{run_id:uuid}/resume", status_code=200)
async def resume(
    run_id: PathId, data: JSONBody[ResumeRun | None], wiring: Wired
) -> OrchestrationResult:
    """Let a paused run go on: its process, or, where it was suspended, a worker."""
    given = None if data is None else data.run_input
    return await wiring.storage.write(lambda tx: resume_run(tx, run_id, given, wiring.policy))


@patch("/{run_id:uuid}", status_code=204)
async def change(
    run_id: PathId, data: JSONBody[FlowRunUpdate], wiring: Wired, principal: Asker
) -> None:
    """Change what does not concern the run's state."""
    may = may_override(principal)
    if not await wiring.storage.write(lambda tx: change_run(tx, run_id, data, may_override=may)):
        raise Missing(f"There is no flow run {run_id}.")


@patch("/{run_id:uuid}/labels", status_code=204)
async def change_labels(
    run_id: PathId, data: JSONBody[dict[str, str | int | float | bool]], wiring: Wired
) -> None:
    """Add labels, or change those there are."""

    if not await wiring.storage.write(lambda tx: label_run(tx, run_id, data)):
        raise Missing(f"There is no flow run {run_id}.")


@delete("/{run_id:uuid}")
async def remove(run_id: PathId, wiring: Wired) -> None:
    """Delete a run with all that it told. Its process, where one lives, is told to stop."""
    if not await delete_runs(wiring.storage, flow_run.c.id == run_id):
        raise Missing(f"There is no flow run {run_id}.")


@post("/bulk_delete", status_code=200)
async def bulk_delete(data: JSONBody[FlowRunsToDelete], wiring: Wired) -> DeletedIds:
    """Delete the runs that meet the filters, 50 at a time by default."""

    def chosen(tx: Transaction) -> list[UUID]:
        return ids_of(tx, FLOW_RUNS, _bulk(data))

    found = await wiring.storage.read(chosen)
    await delete_runs(wiring.storage, among(flow_run.c.id, found))
    return DeletedIds(deleted=found)


def _bulk(wanted: FlowRunsToDelete) -> Query:
    return Query(flow_runs=wanted.flow_runs, limit=_BULK if wanted.limit is None else wanted.limit)


@post("/bulk_set_state", status_code=200)
async def bulk_set_state(
    data: JSONBody[BulkSetState], wiring: Wired, principal: Asker
) -> BulkStateResults:
    """Propose one state for the runs that meet the filters, 50 at a time by default."""
    proposal = SetState(state=data.state, force=data.force)
    by = creator(principal)

    def use_case(tx: Transaction) -> list[FlowRunOrchestrationResult]:
        results: list[FlowRunOrchestrationResult] = []
        for run_id in ids_of(tx, FLOW_RUNS, _bulk(data)):
            told = move_run(tx, run_id, proposal, wiring.policy, by=by)
            results.append(
                FlowRunOrchestrationResult(
                    flow_run_id=run_id, state=told.state, status=told.status, details=told.details
                )
            )
        return results

    return BulkStateResults(results=await wiring.storage.write(use_case))


router = Router(
    path="/flow_runs",
    route_handlers=[
        *flow_run_reads.handlers,
        create,
        set_state,
        resume,
        change,
        change_labels,
        remove,
        bulk_delete,
        bulk_set_state,
    ],
)
