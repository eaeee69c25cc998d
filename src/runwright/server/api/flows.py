"""`/flows`."""

from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody
from sqlalchemy import delete as delete_from
from sqlalchemy import update

from runwright.api.filters import Filters, FlowQuery, PageQuery, Query
from runwright.api.flow_runs import DeletedIds
from runwright.api.flows import Flow, FlowCreate, FlowPage, FlowsToDelete, FlowUpdate
from runwright.server.injected import PathId, PathName, Wired
from runwright.server.pages import many, one_page
from runwright.server.problems import Missing
from runwright.server.wiring import Wiring
from runwright.storage.deleting import delete_runs
from runwright.storage.engine import Transaction
from runwright.storage.flows import FLOWS, ensure_flow, find_flow
from runwright.storage.queries import count, ids_of, read_one
from runwright.storage.tables import flow, flow_run

_BULK = 50


@post("/", status_code=201)
async def create(data: JSONBody[FlowCreate], wiring: Wired) -> Response[Flow]:
    """The flow of that name: 201 when it is new, 200 when it is known."""
    found = await wiring.storage.read(lambda tx: find_flow(tx, data.name))
    if found is not None:
        return Response(found, status_code=200)
    made, is_new = await wiring.storage.write(lambda tx: ensure_flow(tx, data, wiring.new_id))
    return Response(made, status_code=201 if is_new else 200)


@get("/{flow_id:uuid}")
async def read(flow_id: PathId, wiring: Wired) -> Flow:
    """One flow."""
    found = await wiring.storage.read(lambda tx: read_one(tx, FLOWS, flow_id))
    if found is None:
        raise Missing(f"There is no flow {flow_id}.")
    return found


@get("/name/{name:str}")
async def read_by_name(name: PathName, wiring: Wired) -> Flow:
    """The flow of that name."""
    found = await wiring.storage.read(lambda tx: find_flow(tx, name))
    if found is None:
        raise Missing(f"There is no flow {name!r}.")
    return found


@patch("/{flow_id:uuid}", status_code=204)
async def change(flow_id: PathId, data: JSONBody[FlowUpdate], wiring: Wired) -> None:
    """Change a flow's tags."""
    tags = {} if data.tags is msgspec.UNSET else {"tags": data.tags}
    changed = await wiring.storage.write(
        lambda tx: (
            tx.execute(
                update(flow).where(flow.c.id == flow_id).values(updated=tx.now, **tags)
            ).rowcount
        )
    )
    if not changed:
        raise Missing(f"There is no flow {flow_id}.")


@delete("/{flow_id:uuid}")
async def remove(flow_id: PathId, wiring: Wired) -> None:
    """Delete a flow, its deployments and its runs."""
    if not await _remove(wiring, flow_id):
        raise Missing(f"There is no flow {flow_id}.")


@post("/filter", status_code=200)
async def filtered(data: JSONBody[FlowQuery], wiring: Wired) -> Response[list[Flow]]:
    """Flows that meet the filters."""
    if data.work_queues is not None:
        data = msgspec.structs.replace(data, work_pool_queues=data.work_queues)
    return await many(wiring, FLOWS, data)


@post("/count", status_code=200)
async def counted(data: JSONBody[Filters], wiring: Wired) -> int:
    """How many flows meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, FLOWS, data))


@post("/paginate", status_code=200)
async def paginated(data: JSONBody[PageQuery], wiring: Wired) -> Response[FlowPage]:
    """One page of the flows that meet the filters."""
    return await one_page(wiring, FLOWS, data, FlowPage)


@post("/bulk_delete", status_code=200)
async def bulk_delete(data: JSONBody[FlowsToDelete], wiring: Wired) -> DeletedIds:
    """Delete the flows that meet the filters, 50 at a time by default."""
    query = Query(flows=data.flows, limit=_BULK if data.limit is None else data.limit)

    def chosen(tx: Transaction) -> list[UUID]:
        return ids_of(tx, FLOWS, query)

    found = await wiring.storage.read(chosen)
    return DeletedIds(deleted=[id_ for id_ in found if await _remove(wiring, id_)])


async def _remove(wiring: Wiring, flow_id: UUID) -> bool:
    """Its runs first, a few at a time; whether there was such a flow."""
    await delete_runs(wiring.storage, flow_run.c.flow_id == flow_id)
    gone = delete_from(flow).where(flow.c.id == flow_id)
    return bool(await wiring.storage.write(lambda tx: tx.execute(gone).rowcount))


router = Router(
    path="/flows",
    route_handlers=[
        create,
        read,
        read_by_name,
        change,
        remove,
        filtered,
        counted,
        paginated,
        bulk_delete,
    ],
)
