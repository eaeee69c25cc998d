"""People and their programs: they make runs, cancel some, and pause the pool now and then."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from tests.simulation.actors import POOL, Notes
from tests.simulation.world import Simulation

from runwright.api.flow_runs import FlowRunCreate, FlowRunPolicy
from runwright.api.states import StateCreate
from runwright.core.states import StateType
from runwright.server.use_cases.cancel_run import cancel_run
from runwright.server.use_cases.create_run import create_run
from runwright.storage import tables
from runwright.storage.runs import flow_named

_TRIES = 6


class Operators:
    """All of them."""

    def __init__(self, simulation: Simulation, notes: Notes) -> None:
        self._simulation = simulation
        self._notes = notes
        self._flow_id = simulation.world.new_id()
        self._deployment_id = simulation.world.new_id()
        #: Idempotency key -> the runs that were answered for it; an empty set: nobody knows.
        self.asked: dict[str, set[UUID]] = {}
        self.cancelled: set[UUID] = set()
        self.is_done = False

    def prepare(self) -> None:
        """The pool, its queue and a deployment."""
        new_id = self._simulation.world.new_id
        pool, queue = new_id(), new_id()
        limit = self._notes.limit

        def make(tx: Any) -> None:
            stamp = {"created": tx.now, "updated": tx.now}
            common = {**stamp, "is_paused": False, "concurrency_limit": None}
            tx.execute(
                insert(tables.work_pool),
                {
                    **common, "id": pool, "name": POOL, "type": "process", "base_job_template": {},
                    "storage_configuration": {}, "concurrency_limit": limit,
                    "default_queue_id": queue,
                },
            )  # fmt: skip
            tx.execute(
                insert(tables.work_queue),
                {**common, "id": queue, "work_pool_id": pool, "name": "default", "priority": 1},
            )
            flow_named(tx, "f", self._flow_id)
            tx.execute(
                insert(tables.deployment),
                {
                    **stamp, "id": self._deployment_id, "flow_id": self._flow_id, "name": "d",
                    "tags": [], "labels": {}, "parameters": {}, "enforce_parameter_schema": False,
                    "job_variables": {}, "retries": 0, "retry_delay_seconds": 0.0,
                    "work_queue_id": queue, "paused": False,
                },
            )  # fmt: skip

        self._simulation.database.run(make)

    def work(self) -> None:
        """Do something, again and again, until `is_done`."""
        if self.is_done:
            return
        simulation = self._simulation
        what = simulation.world.random()
        if what < 0.8 or not self.asked:
            self._create()
        elif what < 0.9:
            self._cancel()
        else:
            self.pause(not self._notes.is_paused)
        simulation.later(simulation.between(0.5, 8), self.work)

    def _create(self) -> None:
        simulation = self._simulation
        key = f"key {len(self.asked)}"
        self.asked[key] = set()
        retries = int(simulation.between(0, 4))
        body = FlowRunCreate(
            name=f"run {len(self.asked)}",
            flow_id=self._flow_id,
            deployment_id=self._deployment_id,
            idempotency_key=key,
            state=StateCreate(type=StateType.SCHEDULED),
            empirical_policy=FlowRunPolicy(
                retries=retries, retry_delay=int(simulation.between(0, 3))
            ),
        )

        def create(server: Any) -> Any:
            return server.transact(lambda tx: create_run(tx, body, simulation.policy))

        def ask(tries: int) -> None:
            def told(answer: Any) -> None:
                if answer is not None:
                    self.asked[key].add(answer.id)
                # Some ask once more for no reason.
                if tries and (answer is None or simulation.chance(0.05)):
                    simulation.later(simulation.between(0.1, 5), lambda: ask(tries - 1))

            simulation.call(f"create {body.name}", create, told)

        ask(_TRIES)

    def _cancel(self) -> None:
        simulation = self._simulation
        known = sorted(run for runs in self.asked.values() for run in runs)
        if not known:
            return
        run = known[int(simulation.world.random() * len(known))]

        def cancel(server: Any) -> Any:
            return server.transact(lambda tx: cancel_run(tx, run, simulation.policy))

        def told(answer: Any) -> None:
            if answer is not None and answer.status == "ACCEPT":
                self.cancelled.add(run)

        simulation.call(f"cancel {run}", cancel, told)

    def pause(self, is_paused: bool) -> None:
        """Pause the pool, or let it go on: believed from the commit on."""

        def write(tx: Any) -> None:
            tx.execute(
                update(tables.work_pool)
                .where(tables.work_pool.c.name == POOL)
                .values(is_paused=is_paused)
            )

        self._simulation.database.run(write)
        self._simulation.note("the pool is paused" if is_paused else "the pool goes on")
        self._notes.is_paused = is_paused
