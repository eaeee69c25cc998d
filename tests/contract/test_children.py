"""What becomes of the runs that a run has called, when it is stopped. On both databases."""

from uuid import uuid4

import pytest
from sqlalchemy import update
from tests.contract.pools import POLICY, ask, proposal, schedule
from tests.contract.test_cancelling import cancel, ended, hear, run_of, running, states_of

from runwright.api.executions import ExecutionRef
from runwright.api.states import SetState, StateCreate
from runwright.core.states import StateType
from runwright.server.services.canceller import Canceller
from runwright.server.use_cases import stop_children
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage import tables

_c = tables.flow_run.c


async def called_by(storage, parent_id, *, starts=False):
    """A run that another one has called; with `starts`, on a worker that has started it."""
    parent = await run_of(storage, parent_id)
    (child,) = await schedule(storage, parent.flow_id, parent.deployment_id)
    calls = update(tables.flow_run).where(_c.id == child).values(parent_flow_run_id=parent_id)
    await storage.write(lambda tx: tx.execute(calls))
    if not starts:
        return child
    spec = (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed[0].spec
    assert spec.flow_run_id == child
    await hear(storage, spec, proposal(child, StateType.RUNNING))
    return ExecutionRef(flow_run_id=child, token=spec.token, execution_id=spec.execution_id)


@pytest.mark.parametrize("how", ["its process dies", "it is cancelled", "its process says so"])
def test_with_a_stopped_run_stop_all_generations_below_it_and_none_starts(on_storage, how):
    async def body(storage):
        root, _ = await running(storage)
        middle = await called_by(storage, root.flow_run_id, starts=True)
        leaf = await called_by(storage, middle.flow_run_id)
        if how == "its process dies":
            await storage.write(ended(root, signal=9))
        elif how == "it is cancelled":
            await storage.write(cancel(root.flow_run_id))
        else:
            await hear(storage, root, proposal(root.flow_run_id, StateType.CRASHED), first=1)
        assert (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed == []
        assert (await run_of(storage, middle.flow_run_id)).state_type == "CANCELLING"
        assert (await run_of(storage, leaf)).state_type == "CANCELLED"

        await Canceller(storage, POLICY).one_pass()
        await storage.write(ended(middle, signal=15))
        if how == "it is cancelled":
            await storage.write(ended(root, signal=15))
        assert await states_of(storage) <= {"CRASHED", "CANCELLED"}

    on_storage(body)


def test_a_claimed_child_of_a_crashed_run_never_starts(on_storage):
    async def body(storage):
        root, _ = await running(storage)
        child = await called_by(storage, root.flow_run_id)
        spec = (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed[0].spec
        await storage.write(ended(root, signal=9))
        await hear(storage, spec, proposal(child, StateType.RUNNING))
        assert (await run_of(storage, child)).state_type == "CANCELLED"

    on_storage(body)


def test_a_child_that_is_called_by_a_run_that_was_stopped_is_given_to_nobody(on_storage):
    async def body(storage):
        root, _ = await running(storage)
        await storage.write(ended(root, signal=9))
        child = await called_by(storage, root.flow_run_id)
        assert (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed == []
        claim = SetState(state=StateCreate(type=StateType.PENDING))
        refused = await storage.write(lambda tx: move_run(tx, child, claim, POLICY))
        assert refused.status == "REJECT"
        assert "which called it, was stopped" in refused.details.reason
        await Canceller(storage, POLICY).one_pass()
        assert (await run_of(storage, child)).state_type == "CANCELLED"

    on_storage(body)


def test_a_run_that_failed_or_completed_leaves_its_children_alone(on_storage):
    async def body(storage):
        root, _ = await running(storage)
        child = await called_by(storage, root.flow_run_id)
        await hear(storage, root, proposal(root.flow_run_id, StateType.COMPLETED), first=1)
        given = (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask())).claimed
        assert [each.spec.flow_run_id for each in given] == [child]

    on_storage(body)


def test_more_children_than_stop_at_once_start_as_little(on_storage, monkeypatch):
    monkeypatch.setattr(stop_children, "_MOST", 2)

    async def body(storage):
        root, _ = await running(storage)
        for _ in range(4):
            await called_by(storage, root.flow_run_id)
        await storage.write(ended(root, signal=9))
        assert await states_of(storage) == {"CRASHED", "CANCELLED", "SCHEDULED"}
        assert (await WorkDesk(storage, POLICY).sync("p", uuid4(), ask(free=9))).claimed == []
        await Canceller(storage, POLICY).one_pass()
        assert await states_of(storage) == {"CRASHED", "CANCELLED"}

    on_storage(body)
