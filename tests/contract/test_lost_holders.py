"""Who was given a run and is heard of no more, or twice, on both databases."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import update
from tests.contract.pools import POLICY, ask, history, make_pool, proposal, schedule

from runwright.api.executions import InfrastructureReport
from runwright.api.journal import JournalBatch
from runwright.core.states import StateType
from runwright.server.problems import Conflict
from runwright.server.services.reaper import Reaper
from runwright.server.use_cases.append_journal import receive_journal
from runwright.server.use_cases.note_infrastructure import note_infrastructure
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import tables


async def claimed(storage):
    """A run, and what the worker that has claimed it was told."""
    flow, deployment = await storage.write(make_pool)
    (run_id,) = await schedule(storage, flow, deployment)
    spec = (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed[0].spec
    return run_id, spec


def start(storage, spec):
    """What the process of an execution says before it loads the flow."""
    batch = JournalBatch(
        token=spec.token,
        execution_id=spec.execution_id,
        entries=[proposal(spec.flow_run_id, StateType.RUNNING)],
    )
    return receive_journal(storage, spec.flow_run_id, batch, POLICY)


def test_a_claim_of_a_worker_that_died_is_offered_again_by_a_control_plane_started_later(
    on_storage,
):
    async def body(storage):
        run_id, first = await claimed(storage)
        await Reaper(storage, POLICY).one_pass()
        # It has a container, and that is not a start.
        report = InfrastructureReport(
            token=first.token, execution_id=first.execution_id, infrastructure_pid="there:1"
        )
        await storage.write(lambda tx: note_infrastructure(tx, run_id, report))
        lapsed = update(tables.flow_run)
        await storage.write(
            lambda tx: tx.execute(
                lapsed.values(lease_expires_at=tx.now - POLICY.running_lease * 10)
            )
        )
        # Nothing of the claim is in the memory of these.
        await Reaper(storage, POLICY).one_pass()
        second = (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed[0].spec

        assert second.flow_run_id == run_id
        assert second.token > first.token
        with pytest.raises(Conflict) as refused:
            await start(storage, first)
        assert refused.value.code == "lease_lost"
        told = await start(storage, second)
        assert [each.result.status for each in told.answers] == ["ACCEPT"]

    on_storage(body)


def test_an_execution_that_is_launched_several_times_starts_once(on_storage):
    async def body(storage):
        run_id, spec = await claimed(storage)
        at_once = await asyncio.gather(*(start(storage, spec) for _ in range(4)))
        later = await start(storage, spec)
        statuses = [each.result.status for told in (*at_once, later) for each in told.answers]
        assert len(statuses) == 5
        assert statuses.count("ACCEPT") == 1
        assert await history(storage, run_id) == ["SCHEDULED", "PENDING", "RUNNING"]

    on_storage(body)
