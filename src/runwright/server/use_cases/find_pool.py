"""Pools and queues by the names that users give, with errors that say which names there are."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from runwright.api.work_pools import WorkPool
from runwright.api.work_queues import WorkQueue
from runwright.server.problems import Missing
from runwright.storage import work_pools
from runwright.storage.engine import Transaction
from runwright.storage.tables import work_queue

DEFAULT_QUEUE = "default"


def pool_of_name(tx: Transaction, name: str) -> WorkPool:
    """The pool as clients see it.

    Raises:
        Missing: code `work_pool_not_found`.
    """
    found = work_pools.find_pool(tx, name)
    if found is None:
        raise no_pool(tx, name)
    return found


def pool_row_of_name(tx: Transaction, name: str) -> Any:
    """The pool's row alone.

    Raises:
        Missing: code `work_pool_not_found`.
    """
    found = work_pools.pool_row(tx, name)
    if found is None:
        raise no_pool(tx, name)
    return found


def queue_of_name(tx: Transaction, pool_name: str, name: str) -> WorkQueue:
    """A queue of a pool.

    Raises:
        Missing: code `work_pool_not_found` or `work_queue_not_found`.
    """
    found = work_pools.find_queue(tx, pool_name, name)
    if found is None:
        pool = pool_row_of_name(tx, pool_name)
        raise no_queue(tx, pool.id, pool_name, name)
    return found


def queue_id_of(tx: Transaction, pool_name: str, queue_name: str | None) -> UUID:
    """The queue that a deployment or run names; the pool's default queue where it names none.

    Raises:
        Missing: code `work_pool_not_found` or `work_queue_not_found`.
    """
    pool = pool_row_of_name(tx, pool_name)
    if queue_name is None:
        return pool.default_queue_id
    found = tx.execute(
        select(work_queue.c.id).where(
            work_queue.c.work_pool_id == pool.id, work_queue.c.name == queue_name
        )
    ).scalar()
    if found is None:
        raise no_queue(tx, pool.id, pool_name, queue_name)
    return found


def no_pool(tx: Transaction, name: str) -> Missing:
    """What to say of a pool that is not there."""
    names = work_pools.pool_names(tx)
    there_are = f"There are: {', '.join(names)}." if names else "There are none yet."
    return Missing(
        f"There is no work pool {name!r}. {there_are} "
        f"To create it: runwright work-pool create {name}",
        code="work_pool_not_found",
    )


def no_queue(tx: Transaction, pool_id: UUID, pool_name: str, name: str) -> Missing:
    """What to say of a queue that is not there."""
    names = ", ".join(queue.name for queue in work_pools.queues_of(tx, pool_id))
    return Missing(
        f"Work pool {pool_name!r} has no queue {name!r}. It has: {names}. "
        f"To create it: runwright work-queue create {name} --pool {pool_name}",
        code="work_queue_not_found",
    )
