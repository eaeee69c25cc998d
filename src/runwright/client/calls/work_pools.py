"""Calls about work pools, their queues and workers."""

from runwright.api.filters import WorkPoolQuery
from runwright.api.work_pools import WorkPool, WorkPoolCreate, WorkPoolUpdate
from runwright.api.work_queues import (
    WorkQueue,
    WorkQueueCreate,
    WorkQueueQuery,
    WorkQueueUpdate,
)
from runwright.api.workers import Worker, WorkerQuery
from runwright.client.call import Call, delete, get, join, patch, post, query


def create(pool: WorkPoolCreate) -> Call[WorkPool]:
    """A new pool, with its default queue."""
    return post("/work_pools/", WorkPool, pool)


def find(*, limit: int = 200, offset: int = 0) -> Call[list[WorkPool]]:
    """All pools."""
    return query("/work_pools/filter", list[WorkPool], WorkPoolQuery(limit=limit, offset=offset))


def read(name: str) -> Call[WorkPool]:
    """One pool."""
    return get(join("work_pools", name), WorkPool)


def update(name: str, change: WorkPoolUpdate) -> Call[None]:
    """Change a pool."""
    return patch(join("work_pools", name), change)


def remove(name: str) -> Call[None]:
    """Delete a pool with its queues."""
    return delete(join("work_pools", name))


def workers(pool: str) -> Call[list[Worker]]:
    """The workers of a pool, those that are gone too."""
    return query(join("work_pools", pool, "workers", "filter"), list[Worker], WorkerQuery())


def queues(pool: str) -> Call[list[WorkQueue]]:
    """The queues of a pool."""
    path = join("work_pools", pool, "queues", "filter")
    return query(path, list[WorkQueue], WorkQueueQuery())


def queue(pool: str, name: str) -> Call[WorkQueue]:
    """One queue."""
    return get(join("work_pools", pool, "queues", name), WorkQueue)


def create_queue(pool: str, queue: WorkQueueCreate) -> Call[WorkQueue]:
    """A new queue in a pool."""
    return post(join("work_pools", pool, "queues"), WorkQueue, queue)


def update_queue(pool: str, name: str, change: WorkQueueUpdate) -> Call[None]:
    """Change a queue."""
    return patch(join("work_pools", pool, "queues", name), change)


def remove_queue(pool: str, name: str) -> Call[None]:
    """Delete a queue."""
    return delete(join("work_pools", pool, "queues", name))
