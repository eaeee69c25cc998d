"""One world from its beginning until it has come to rest."""

from datetime import timedelta

from tests.simulation.actors import Notes, Worker
from tests.simulation.checker import Checker
from tests.simulation.hostile import HostileExecution
from tests.simulation.operators import Operators
from tests.simulation.world import Simulation

#: Things that happen until the faults end; and at most from there until everything has ended.
STEPS = 150
_MOST_TO_REST = 6_000
#: Seconds after which no message is on its way any more.
_LAST_ARRIVAL = 45.0


def live(seed: int) -> int:
    """Let a world live; how many things happened in it.

    Raises:
        Violation: something that must never happen did.
    """
    simulation = Simulation(seed)
    try:
        return _live(simulation)
    finally:
        simulation.database.close()


def _live(simulation: Simulation) -> int:
    notes = Notes(simulation)
    notes.hostile = HostileExecution
    notes.limit = (None, 1, 2, 4)[simulation.world.seed % 4]
    operators = Operators(simulation, notes)
    checker = Checker(simulation, notes, operators)
    operators.prepare()
    notes.workers += [Worker(simulation, f"worker {number}", notes) for number in range(3)]
    for worker in notes.workers:
        worker.start()
    for server in simulation.servers:
        simulation.later(simulation.between(0, 2), server.do_duties)
    operators.work()
    nemesis = Nemesis(simulation, notes)
    nemesis.strike()
    for _ in range(STEPS // 10):
        simulation.go_on(10)
        checker.check_crashes()
    operators.is_done = nemesis.is_done = True
    simulation.odds.end()
    nemesis.heal()
    operators.pause(False)
    # What is on its way still may arrive.
    rest_at = simulation.world.clock.monotonic() + _LAST_ARRIVAL
    while simulation.world.clock.monotonic() < rest_at or not checker.all_have_ended():
        if simulation.steps > _MOST_TO_REST:
            raise simulation.violated("something goes on and on, or hangs")
        simulation.go_on(50)
        checker.check_crashes()
    checker.check()
    return simulation.steps


class Nemesis:
    """Does what machines, networks and people do to workers, flows and clocks."""

    def __init__(self, simulation: Simulation, notes: Notes) -> None:
        self._simulation = simulation
        self._notes = notes
        self.is_done = False

    def strike(self) -> None:
        """Something bad, again and again, until `is_done`."""
        if self.is_done:
            return
        simulation, notes = self._simulation, self._notes
        what = simulation.world.random()
        worker = notes.workers[int(simulation.world.random() * len(notes.workers))]
        alive = [each for each in notes.executions if not each.is_gone]
        if what < 0.15:
            worker.die(with_machine=simulation.chance(0.5))
        elif what < 0.3:
            simulation.note("a network is cut")
            worker.is_cut_off = True
            simulation.later(simulation.between(5, 60), lambda: _join(worker))
        elif what < 0.7 and alive:
            execution = alive[int(simulation.world.random() * len(alive))]
            execution.freeze(simulation.between(10, 120))
        elif what < 0.75:
            by = simulation.between(-14, 14) if simulation.chance(0.5) else 3600.0
            if simulation.chance(0.5):
                by = -by
            simulation.clock_offset += timedelta(seconds=by)
            simulation.note(f"the database's clock is put by {by:.0f} s")
        elif what < 0.8:
            for server in simulation.servers:
                server.die()
            simulation.note("all servers are down")
        simulation.later(simulation.between(1, 10), self.strike)

    def heal(self) -> None:
        """Undo what can be undone."""
        for worker in self._notes.workers:
            worker.is_cut_off = False
        for execution in self._notes.executions:
            execution.reconnect()
        for server in self._simulation.servers:
            server.start()


def _join(worker: Worker) -> None:
    worker.is_cut_off = False
