"""`/work_pools/{name}/queues`, and `/work_queues`, which knows queues by their ids."""

import math
from datetime import timedelta
from uuid import UUID

from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.filters import IdIs, Query, WorkPoolFilter
from runwright.api.flow_runs import FlowRun
from runwright.api.work_pools import SlotsQuery
from runwright.api.work_queues import (
    DueRunsOfQueue,
    HealthPolicy,
    QueueHealth,
    WorkQueue,
    WorkQueueCreate,
    WorkQueueQuery,
    WorkQueueSlots,
    WorkQueueUpdate,
)
from runwright.server.injected import Asker, PathId, PathName, Wired
from runwright.server.pages import many
from runwright.server.problems import Missing
from runwright.server.use_cases.find_pool import pool_of_name, queue_of_name
from runwright.server.use_cases.own_pool import refuse_other_pools
from runwright.server.use_cases.save_pool import change_queue, create_queue, delete_queue
from runwright.storage.due_runs import due_runs_of_queues, late_count, slot_holders
from runwright.storage.engine import Transaction
from runwright.storage.queries import limit_of, read_many, read_one, read_where
from runwright.storage.tables import flow_run, work_pool
from runwright.storage.work_pools import WORK_POOLS, WORK_QUEUES

#: Where queues live that were made without a pool.
_DEFAULT_POOL = "default-agent-pool"
_POLICY = HealthPolicy()


@post("/{name:str}/queues", status_code=201)
async def create(name: PathName, data: JSONBody[WorkQueueCreate], wiring: Wired) -> WorkQueue:
    """Make a queue of a pool; 409 when it has one of that name."""
    return await wiring.storage.write(lambda tx: create_queue(tx, name, data, wiring.new_id))


@get("/{name:str}/queues/{queue_name:str}")
async def read(name: PathName, queue_name: PathName, wiring: Wired, principal: Asker) -> WorkQueue:
    """One queue of a pool."""

    def query(tx: Transaction) -> WorkQueue:
        queue = queue_of_name(tx, name, queue_name)
        if queue.work_pool_id is not None:
            refuse_other_pools(principal, queue.work_pool_id, name)
        return queue

    return await wiring.storage.read(query)


@patch("/{name:str}/queues/{queue_name:str}", status_code=204)
async def change(
    name: PathName, queue_name: PathName, data: JSONBody[WorkQueueUpdate], wiring: Wired
) -> None:
    """Change a queue; pausing it keeps its runs from starting."""
    await wiring.storage.write(
        lambda tx: change_queue(tx, queue_of_name(tx, name, queue_name), data)
    )


@delete("/{name:str}/queues/{queue_name:str}", status_code=204)
async def remove(name: PathName, queue_name: PathName, wiring: Wired) -> None:
    """Delete a queue; what waits in it goes to the pool's default queue."""
    await wiring.storage.write(lambda tx: delete_queue(tx, queue_of_name(tx, name, queue_name)))


@post("/{name:str}/queues/filter", status_code=200)
async def filtered_of_pool(
    name: PathName, data: JSONBody[WorkQueueQuery], wiring: Wired, principal: Asker
) -> list[WorkQueue]:
    """Queues of a pool that meet the filter, the first served first."""

    def query(tx: Transaction) -> list[WorkQueue]:
        pool = pool_of_name(tx, name)
        refuse_other_pools(principal, pool.id, name)
        found = Query(
            work_pool_queues=data.work_queues,
            work_pools=WorkPoolFilter(id=IdIs(any_=[pool.id])),
            limit=data.limit,
            offset=data.offset,
        )
        return read_many(tx, WORK_QUEUES, found)

    return await wiring.storage.read(query)


@post("/", status_code=201)
async def create_anywhere(data: JSONBody[WorkQueueCreate], wiring: Wired) -> WorkQueue:
    """Make a queue of the pool that stands for agents, which must be there."""
    return await wiring.storage.write(
        lambda tx: create_queue(tx, _DEFAULT_POOL, data, wiring.new_id)
    )


@post("/filter", status_code=200)
async def filtered(data: JSONBody[WorkQueueQuery], wiring: Wired) -> Response[list[WorkQueue]]:
    """Queues of all pools that meet the filter."""
    query = Query(work_pool_queues=data.work_queues, limit=data.limit, offset=data.offset)
    return await many(wiring, WORK_QUEUES, query)


@get("/name/{name:str}")
async def read_by_name(name: PathName, wiring: Wired) -> WorkQueue:
    """The queue of that name of the pool that stands for agents."""
    return await wiring.storage.read(lambda tx: queue_of_name(tx, _DEFAULT_POOL, name))


@get("/{queue_id:uuid}")
async def read_by_id(queue_id: PathId, wiring: Wired) -> WorkQueue:
    """One queue."""
    return await wiring.storage.read(lambda tx: _queue(tx, queue_id))


@patch("/{queue_id:uuid}", status_code=204)
async def change_by_id(queue_id: PathId, data: JSONBody[WorkQueueUpdate], wiring: Wired) -> None:
    """Change a queue."""
    await wiring.storage.write(lambda tx: change_queue(tx, _queue(tx, queue_id), data))


@delete("/{queue_id:uuid}", status_code=204)
async def remove_by_id(queue_id: PathId, wiring: Wired) -> None:
    """Delete a queue."""
    await wiring.storage.write(lambda tx: delete_queue(tx, _queue(tx, queue_id)))


@get("/{queue_id:uuid}/status")
async def status(queue_id: PathId, wiring: Wired) -> QueueHealth:
    """Whether somebody serves the queue in time."""

    def query(tx: Transaction) -> QueueHealth:
        queue = _queue(tx, queue_id)
        late = late_count(tx, queue_id)
        patience = timedelta(seconds=_POLICY.maximum_seconds_since_last_polled or 0)
        polled = queue.last_polled is not None and tx.now - queue.last_polled <= patience
        return QueueHealth(
            healthy=polled and late <= (_POLICY.maximum_late_runs or 0),
            late_runs_count=late,
            last_polled=queue.last_polled,
        )

    return await wiring.storage.read(query)


@post("/{queue_id:uuid}/get_runs", status_code=200)
async def get_runs(
    queue_id: PathId, data: JSONBody[DueRunsOfQueue], wiring: Wired
) -> list[FlowRun]:
    """Runs of a queue that may start."""

    def query(tx: Transaction) -> list[FlowRun]:
        queue = _queue(tx, queue_id)
        (pool,) = read_where(tx, WORK_POOLS, work_pool.c.id == queue.work_pool_id)
        before, limit = data.scheduled_before or tx.now, limit_of(data.limit)
        found = due_runs_of_queues(tx, pool, [queue], before=before, after=None, limit=limit)
        return [each.flow_run for each in found]

    return await wiring.storage.read(query)


@post("/{queue_id:uuid}/concurrency_status", status_code=200)
async def concurrency_status(
    queue_id: PathId, data: JSONBody[SlotsQuery], wiring: Wired
) -> WorkQueueSlots:
    """The slots in use of a queue, and a page of those who hold them."""

    def query(tx: Transaction) -> WorkQueueSlots:
        queue = _queue(tx, queue_id)
        limit, used = data.limit or limit_of(None), queue.active_slots or 0
        mine = flow_run.c.work_queue_id == queue_id
        return WorkQueueSlots(
            active_slots=used,
            concurrency_limit=queue.concurrency_limit,
            count=used,
            limit=limit,
            page=data.page,
            pages=math.ceil(used / limit),
            flow_runs=slot_holders(tx, mine, limit, (data.page - 1) * limit),
        )

    return await wiring.storage.read(query)


def _queue(tx: Transaction, queue_id: UUID) -> WorkQueue:
    found = read_one(tx, WORK_QUEUES, queue_id)
    if found is None:
        raise Missing(f"There is no work queue {queue_id}.", code="work_queue_not_found")
    return found


of_pools = Router(
    path="/work_pools", route_handlers=[create, read, change, remove, filtered_of_pool]
)
by_id = Router(
    path="/work_queues",
    route_handlers=[
        create_anywhere,
        filtered,
        read_by_name,
        read_by_id,
        change_by_id,
        remove_by_id,
        status,
        get_runs,
        concurrency_status,
    ],
)
router = Router(path="/", route_handlers=[of_pools, by_id])
