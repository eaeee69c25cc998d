"""`/work_pools/{name}/workers`: workers as others see them, and the heartbeat of the peer's."""

from litestar import Response, Router, delete, post
from litestar.params import JSONBody

from runwright.api.workers import Worker, WorkerHeartbeat, WorkerId, WorkerQuery
from runwright.server.api import worker_channel
from runwright.server.decoding import LAX
from runwright.server.injected import Asker, PathName, Wired
from runwright.server.problems import Missing
from runwright.server.use_cases.find_pool import pool_row_of_name
from runwright.server.use_cases.hear_of_worker import hear_of_named_worker
from runwright.server.use_cases.own_pool import refuse_other_pools
from runwright.storage.engine import Transaction
from runwright.storage.queries import limit_of
from runwright.storage.workers import delete_named, workers_of


@post("/{name:str}/workers/filter", status_code=200)
async def filtered(name: PathName, data: JSONBody[WorkerQuery], wiring: Wired) -> list[Worker]:
    """Workers of a pool that meet the filter, the latest heard first."""

    def query(tx: Transaction) -> list[Worker]:
        pool = pool_row_of_name(tx, name)
        return workers_of(tx, pool.id, data.workers, limit_of(data.limit), data.offset or 0)

    return await wiring.storage.read(query)


@post("/{name:str}/workers/heartbeat", status_code=200, opt=LAX)
async def heartbeat(
    name: PathName, data: JSONBody[WorkerHeartbeat], wiring: Wired, principal: Asker
) -> Response[WorkerId | None]:
    """A worker that polls says that it lives."""

    def use_case(tx: Transaction) -> WorkerId:
        pool = pool_row_of_name(tx, name)
        refuse_other_pools(principal, pool.id, name)
        key_id = principal.key_id
        return WorkerId(id=hear_of_named_worker(tx, pool.id, data, wiring.policy, key_id=key_id))

    worker = await wiring.storage.write(use_case)
    if data.return_id:
        return Response(worker, status_code=200)
    return Response(None, status_code=204)


@delete("/{name:str}/workers/{worker_name:str}", status_code=204)
async def remove(name: PathName, worker_name: PathName, wiring: Wired) -> None:
    """Forget the workers of a name. One that lives will be back with its next heartbeat."""

    def use_case(tx: Transaction) -> int:
        return delete_named(tx, pool_row_of_name(tx, name).id, worker_name)

    if not await wiring.storage.write(use_case):
        raise Missing(f"Work pool {name!r} has no worker {worker_name!r}.", code="worker_not_found")


router = Router(
    path="/",
    route_handlers=[
        Router("/work_pools", route_handlers=[filtered, heartbeat, remove]),
        worker_channel.connect,
    ],
)
