"""Pools, deployments and runs for the tests of this tier, made through the storage itself."""

import asyncio
from uuid import uuid4

from sqlalchemy import insert, select

from runwright.api.executions import SyncRequest
from runwright.api.flow_runs import FlowRunCreate
from runwright.api.journal import FlowRunProposed
from runwright.api.states import StateCreate
from runwright.clock import SystemClock
from runwright.core.states import State, StateType
from runwright.server.policy import Policy
from runwright.server.use_cases.create_run import create_run
from runwright.storage import tables
from runwright.storage.runs import flow_named

POLICY = Policy()


def make_pool(tx, *, limit=None, queue_limit=None, paused=False, retries=0):
    now, pool, queue, deployment = tx.now, uuid4(), uuid4(), uuid4()
    stamp = {"created": now, "updated": now}
    tx.execute(
        insert(tables.work_pool),
        {
            "id": pool,
            **stamp,
            "name": "p",
            "type": "process",
            "base_job_template": {},
            "storage_configuration": {},
            "is_paused": paused,
            "concurrency_limit": limit,
            "default_queue_id": queue,
        },
    )
    tx.execute(
        insert(tables.work_queue),
        {
            "id": queue,
            **stamp,
            "work_pool_id": pool,
            "name": "default",
            "is_paused": False,
            "concurrency_limit": queue_limit,
            "priority": 1,
        },
    )
    flow = flow_named(tx, "f", uuid4())
    tx.execute(
        insert(tables.deployment),
        {
            "id": deployment,
            **stamp,
            "flow_id": flow,
            "name": "d",
            "tags": [],
            "labels": {},
            "parameters": {},
            "enforce_parameter_schema": False,
            "job_variables": {},
            "retries": retries,
            "retry_delay_seconds": 0.0,
            "work_queue_id": queue,
            "paused": False,
        },
    )
    return flow, deployment


async def schedule(storage, flow, deployment, count=1):
    body = FlowRunCreate(
        flow_id=flow, deployment_id=deployment, state=StateCreate(type=StateType.SCHEDULED)
    )
    made = [storage.write(lambda tx: create_run(tx, body, POLICY)) for _ in range(count)]
    return [each.id for each in await asyncio.gather(*made)]


def ask(free=1, **more):
    return SyncRequest(worker_name="w", free=free, wait_ms=0, **more)


def proposal(run_id, kind):
    state = State(id=uuid4(), type=kind, name=kind.capitalize(), timestamp=SystemClock().now())
    return FlowRunProposed(flow_run_id=run_id, state=state)


async def history(storage, run_id):
    rows = await storage.read(
        lambda tx: tx.execute(
            select(tables.flow_run_state.c.type)
            .where(tables.flow_run_state.c.flow_run_id == run_id)
            .order_by(tables.flow_run_state.c.seq)
        ).scalars()
    )
    return list(rows)
