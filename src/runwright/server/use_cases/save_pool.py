"""Work pools and queues made, changed and deleted."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import update

from runwright.api.work_pools import StorageConfiguration, WorkPool, WorkPoolCreate, WorkPoolUpdate
from runwright.api.work_queues import WorkQueue, WorkQueueCreate, WorkQueueUpdate
from runwright.core import job_template
from runwright.core.ids import NewId
from runwright.core.states import StateType
from runwright.server.job_templates import default_template
from runwright.server.problems import Conflict
from runwright.server.schema_checks import check_schema
from runwright.server.use_cases.find_pool import (
    DEFAULT_QUEUE,
    pool_of_name,
    pool_row_of_name,
    queue_of_name,
)
from runwright.storage import work_pools
from runwright.storage.engine import Transaction
from runwright.storage.tables import deployment, flow_run, work_pool, work_queue


def create_pool(tx: Transaction, wanted: WorkPoolCreate, new_id: NewId) -> WorkPool:
    """Make a pool and its queue `default`.

    Raises:
        Conflict: code `work_pool_exists`.
        InvalidJobTemplate: its template is no template.
    """
    template = wanted.base_job_template or default_template(wanted.type)
    check_template(template)
    now, pool_id, queue_id = tx.now, new_id(), new_id()
    made = tx.execute(
        tx.dialect.insert(work_pool)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(work_pool.c.id),
        {
            "id": pool_id,
            "created": now,
            "updated": now,
            "name": wanted.name,
            "description": wanted.description,
            "type": wanted.type,
            "base_job_template": template,
            "storage_configuration": msgspec.to_builtins(wanted.storage_configuration),
            "is_paused": wanted.is_paused,
            "concurrency_limit": wanted.concurrency_limit,
            "default_queue_id": queue_id,
        },
    ).first()
    if made is None:
        raise Conflict(
            f"There is a work pool {wanted.name!r} already. Choose another name, or change it: "
            f"runwright work-pool update {wanted.name}",
            code="work_pool_exists",
        )
    _insert_queue(tx, pool_id, queue_id, WorkQueueCreate(name=DEFAULT_QUEUE, priority=1))
    return pool_of_name(tx, wanted.name)


def change_pool(tx: Transaction, name: str, wanted: WorkPoolUpdate) -> None:
    """Change what the request names.

    Raises:
        Missing: code `work_pool_not_found`.
        InvalidJobTemplate: its template is no template.
    """
    pool = pool_row_of_name(tx, name)
    changes = given(wanted)
    for column in ("is_paused", "base_job_template"):
        if changes.get(column, 0) is None:
            del changes[column]
    if "base_job_template" in changes:
        check_template(changes["base_job_template"])
    if "storage_configuration" in changes:
        storage = wanted.storage_configuration or StorageConfiguration()
        changes["storage_configuration"] = msgspec.to_builtins(storage)
    work_pools.update_pool(tx, pool.id, changes)
    tx.wake(f"pool:{pool.id}")


def delete_pool(tx: Transaction, name: str) -> None:
    """Delete a pool, its queues and workers; deployments and runs stay without one.

    Raises:
        Missing: code `work_pool_not_found`.
    """
    pool = pool_row_of_name(tx, name)
    work_pools.delete_pool(tx, pool.id)
    tx.wake(f"pool:{pool.id}")


def create_queue(
    tx: Transaction, pool_name: str, wanted: WorkQueueCreate, new_id: NewId
) -> WorkQueue:
    """Make a queue of a pool.

    Raises:
        Missing: code `work_pool_not_found`.
        Conflict: code `work_queue_exists`.
    """
    pool = pool_row_of_name(tx, pool_name)
    priority = wanted.priority
    if priority is None:
        priority = work_pools.last_priority(tx, pool.id) + 1
    else:
        work_pools.make_room(tx, pool.id, priority)
    wanted = msgspec.structs.replace(wanted, priority=priority)
    if not _insert_queue(tx, pool.id, new_id(), wanted):
        raise _queue_exists(pool_name, wanted.name)
    return queue_of_name(tx, pool_name, wanted.name)


def change_queue(tx: Transaction, queue: WorkQueue, wanted: WorkQueueUpdate) -> None:
    """Change what the request names. A priority that is taken pushes the others back.

    Raises:
        Conflict: code `work_queue_exists`: the pool has one of the new name.
    """
    changes = given(wanted)
    pool_id, pool_name = queue.work_pool_id, queue.work_pool_name
    if pool_id is None or pool_name is None:
        return
    changes.pop("filter", None)
    for column in ("name", "priority"):
        if changes.get(column, 0) is None:
            del changes[column]
    name = changes.get("name")
    if name not in {None, queue.name} and work_pools.find_queue(tx, pool_name, str(name)):
        raise _queue_exists(pool_name, str(name))
    if changes.get("priority") not in {None, queue.priority}:
        work_pools.make_room(tx, pool_id, changes["priority"])
    work_pools.update_queue(tx, queue.id, changes)
    tx.wake(f"pool:{pool_id}")


def delete_queue(tx: Transaction, queue: WorkQueue) -> None:
    """Delete a queue. Its deployments and waiting runs go to the pool's default queue.

    Raises:
        Conflict: code `default_queue`: a pool cannot be without.
    """
    pool = pool_row_of_name(tx, queue.work_pool_name or "")
    if pool.default_queue_id == queue.id:
        raise Conflict(
            f"{queue.name!r} is the default queue of work pool {pool.name!r}, which cannot be "
            "without. Pause it, or delete the pool.",
            code="default_queue",
        )
    elsewhere = {"work_queue_id": pool.default_queue_id}
    tx.execute(update(deployment).where(deployment.c.work_queue_id == queue.id).values(elsewhere))
    tx.execute(
        update(flow_run)
        .where(
            flow_run.c.work_queue_id == queue.id,
            flow_run.c.state_type == str(StateType.SCHEDULED),
        )
        .values(elsewhere)
    )
    work_pools.delete_queue(tx, queue.id)
    tx.wake(f"pool:{pool.id}")


def check_template(template: dict[str, Any]) -> None:
    """Refuse what no run could be started from.

    Raises:
        InvalidJobTemplate, Unprocessable: says which part is wrong.
    """
    job_template.check(template)
    if template:
        check_schema(job_template.variables_schema(template), "`variables` of the job template")


def given(wanted: msgspec.Struct) -> dict[str, Any]:
    """The fields that a request gave."""
    fields = ((name, getattr(wanted, name)) for name in wanted.__struct_fields__)
    return {name: value for name, value in fields if value is not msgspec.UNSET}


def _insert_queue(tx: Transaction, pool_id: UUID, queue_id: UUID, wanted: WorkQueueCreate) -> bool:
    statement = (
        tx.dialect.insert(work_queue)
        .on_conflict_do_nothing(index_elements=["work_pool_id", "name"])
        .returning(work_queue.c.id)
    )
    values = {
        "id": queue_id,
        "created": tx.now,
        "updated": tx.now,
        "work_pool_id": pool_id,
        "name": wanted.name,
        "description": wanted.description,
        "is_paused": wanted.is_paused,
        "concurrency_limit": wanted.concurrency_limit,
        "priority": wanted.priority,
    }
    return tx.execute(statement, values).first() is not None


def _queue_exists(pool_name: str, name: str) -> Conflict:
    return Conflict(
        f"Work pool {pool_name!r} has a queue {name!r} already.", code="work_queue_exists"
    )
