"""What things cost in statements: counts that no machine changes, so that no change adds to them.

Whoever has to raise a bound says why where they do.
"""

from uuid import uuid4

import pytest
from tests.contract.pools import POLICY, ask, make_pool, proposal, schedule

from runwright.api.flow_runs import FlowRunCreate
from runwright.api.journal import JournalBatch, LogWritten, TaskRunInfo, TaskRunMoved
from runwright.api.states import SetState, StateCreate
from runwright.clock import SystemClock
from runwright.core.states import State, StateType
from runwright.server.use_cases.append_journal import receive_journal
from runwright.server.use_cases.create_run import create_run
from runwright.server.use_cases.move_run import move_run
from runwright.server.use_cases.wait_for_work import WorkDesk
from runwright.storage.postgres_connection import PostgresTransaction
from runwright.storage.runs import flow_named
from runwright.storage.sqlite_connection import SqliteTransaction

#: On Postgres a transaction asks for its instant too.
MOST = {
    "claim a run": 17,
    "say that it runs": 5,
    "write 100 log lines": 3,
    "tell of 100 task runs": 5,
    "end it": 5,
    "create a run over REST": 6,
    "propose a state over REST": 4,
}


class Statements:
    """Counts those of every transaction."""

    def __init__(self):
        self._count = 0
        self.of = {}

    def add(self):
        self._count += 1

    def note(self, what):
        self.of[what] = self._count
        self._count = 0


@pytest.fixture
def statements(monkeypatch):
    counter = Statements()
    for kind in (SqliteTransaction, PostgresTransaction):

        def counted(self, *args, _execute=kind.execute, **more):
            counter.add()
            return _execute(self, *args, **more)

        monkeypatch.setattr(kind, "execute", counted)
    return counter


def told_of_tasks(run_id, count):
    """What the journal says of task runs: Pending, Running, Completed of each."""
    for number in range(count):
        task_id, now = uuid4(), SystemClock().now()
        about = TaskRunInfo(flow_run_id=run_id, name="t", task_key="t", dynamic_key=f"{number}")
        for kind in (StateType.PENDING, StateType.RUNNING, StateType.COMPLETED):
            state = State(id=uuid4(), type=kind, name=kind.capitalize(), timestamp=now)
            first = about if kind is StateType.PENDING else None
            yield TaskRunMoved(task_run_id=task_id, state=state, run=first)


def test_statements_on_the_way_of_a_run(on_storage, statements):
    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        worker, desk = uuid4(), WorkDesk(storage, POLICY)
        await desk.sync("p", worker, ask())  # with its first call a worker makes itself known
        (run_id,) = await schedule(storage, flow, deployment)
        statements.note("before")

        spec = (await desk.sync("p", worker, ask())).claimed[0].spec
        statements.note("claim a run")
        sent = 0

        async def send(what, entries):
            nonlocal sent
            batch = JournalBatch(
                token=spec.token, execution_id=spec.execution_id, first=sent, entries=entries
            )
            await receive_journal(storage, run_id, batch, POLICY)
            sent += len(entries)
            statements.note(what)

        await send("say that it runs", [proposal(run_id, StateType.RUNNING)])
        line = LogWritten(
            flow_run_id=run_id, timestamp=SystemClock().now(), level=20, name="n", message="m"
        )
        await send("write 100 log lines", [line] * 100)
        await send("tell of 100 task runs", list(told_of_tasks(run_id, 100)))
        await send("end it", [proposal(run_id, StateType.COMPLETED)])

        flow = await storage.write(lambda tx: flow_named(tx, "g", uuid4()))
        statements.note("before")
        wanted = FlowRunCreate(flow_id=flow, state=StateCreate(type=StateType.PENDING))
        made = await storage.write(lambda tx: create_run(tx, wanted, POLICY))
        statements.note("create a run over REST")
        running = SetState(state=StateCreate(type=StateType.RUNNING))
        await storage.write(lambda tx: move_run(tx, made.id, running, POLICY))
        statements.note("propose a state over REST")

        del statements.of["before"]
        assert statements.of == {name: statements.of[name] for name in MOST}
        assert {name: count for name, count in statements.of.items() if count > MOST[name]} == {}

    on_storage(body)
