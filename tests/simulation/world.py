"""Servers, a network that loses and repeats, and one seed that decides when."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.simulation.database import Database

from runwright.server.policy import Policy
from runwright.server.problems import Problem
from runwright.server.services.canceller import Canceller
from runwright.server.services.reaper import Reaper
from runwright.testing.world import World

#: What is shown of a world in which something went wrong.
_LAST_WORDS = 40


class Violation(AssertionError):
    """An invariant did not hold. Shows the seed and what came last."""


class Down(Exception):
    """The server died under a request; whoever waits for the answer hears nothing."""


class Odds:
    """How often what goes wrong."""

    def __init__(self) -> None:
        self.request_lost = 0.03
        self.answer_lost = 0.03
        self.repeated = 0.03
        self.late = 0.02
        self.server_dies = 0.01
        self.launch_fails = 0.03
        self.process_dies = 0.2
        self.flow_fails = 0.3
        self.flow_is_hostile = 0.2

    def end(self) -> None:
        """From here on nothing goes wrong, but with the flows themselves."""
        for name in set(vars(self)) - {"flow_fails", "flow_is_hostile", "process_dies"}:
            setattr(self, name, 0.0)


class Simulation:
    """The world that all actors live in."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.odds = Odds()
        #: Between the database's clock and the true one: somebody may set it.
        self.clock_offset = timedelta()
        self.database = Database(lambda: self.world.clock.now() + self.clock_offset)
        self.policy = Policy(new_id=self.world.new_id, random=self.world.random)
        self.servers = [Server(self, number) for number in range(2)]
        self.steps = 0
        self._history: deque[tuple[float, str, Any]] = deque(maxlen=_LAST_WORDS)

    def note(self, what: str, result: Any = None) -> None:
        """Remember it, in case something goes wrong."""
        self._history.append((self.world.clock.monotonic(), what, result))

    def violated(self, what: str) -> Violation:
        """The error that tells of it."""
        history = "\n".join(
            f"{at:9.3f} {said}{'' if result is None else f' -> {_short(result)}'}"
            for at, said, result in self._history
        )
        return Violation(f"seed {self.world.seed}, step {self.steps}: {what}\n{history}")

    def chance(self, probability: float) -> bool:
        return self.world.chance(probability)

    def between(self, least: float, most: float) -> float:
        return least + (most - least) * self.world.random()

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        self.world.clock.call_later(timedelta(seconds=seconds), action)

    def go_on(self, steps: int) -> None:
        """Let so many things happen."""
        for _ in range(steps):
            self.steps += 1
            if not self.world.clock.jump():
                return

    def call(
        self,
        what: str,
        request: Callable[["Server"], Any],
        on_answer: Callable[[Any], object],
        *,
        is_cut_off: bool = False,
    ) -> None:
        """Send a request to one of the servers.

        `on_answer` is called once: with the result, the `Problem` it was refused with, or None
        when no answer came in time.
        """
        waiting = [on_answer]

        def answer(result: Any) -> None:
            if waiting:
                waiting.pop()(result)

        if is_cut_off or self.chance(self.odds.request_lost):
            self.note(f"{what}: lost")
        else:
            for _ in range(2 if self.chance(self.odds.repeated) else 1):
                server = self.servers[int(self.world.random() * len(self.servers))]
                self.later(self._delay(), lambda server=server: server.take(what, request, answer))
        self.later(self.between(10, 15), lambda: answer(None))

    def reply(self, what: str, answer: Callable[[Any], None], result: Any) -> None:
        """Bring an answer on its way."""
        if self.chance(self.odds.answer_lost):
            self.note(f"{what}: the answer is lost")
        else:
            self.later(self._delay(), lambda: answer(result))

    def _delay(self) -> float:
        if self.chance(self.odds.late):
            return self.between(0, 40)
        return self.between(0.001, 0.05)


class Server:
    """One of the replicas: stateless, and mortal at every transaction."""

    def __init__(self, simulation: Simulation, number: int) -> None:
        self.number = number
        self._simulation = simulation
        self.is_up = True
        self._begin()

    def _begin(self) -> None:
        policy: Policy = self._simulation.policy
        self._reaper: Any = Reaper(self, policy)  # type: ignore[arg-type]  # all it needs
        self._canceller: Any = Canceller(self, policy)  # type: ignore[arg-type]

    def was_full(self) -> bool:
        """Never."""
        return False

    async def write(self, use_case: Callable[[Any], Any]) -> Any:
        """As a storage does for the duties."""
        return self.transact(use_case)

    def transact(self, use_case: Callable[[Any], Any]) -> Any:
        """Run a use case, if the server lives that long.

        Raises:
            Down: it died before the commit, or after it and before anybody was told.
        """
        simulation = self._simulation
        if not self.is_up:
            raise Down
        if not simulation.chance(simulation.odds.server_dies):
            return simulation.database.run(use_case)
        is_kept = simulation.chance(0.5)
        simulation.database.run(use_case, is_kept=is_kept)
        simulation.note(f"server {self.number} dies {'after' if is_kept else 'before'} a commit")
        self.die()
        raise Down

    def die(self) -> None:
        """Forget everything; be back after a while."""
        self.is_up = False
        self._simulation.later(self._simulation.between(0.5, 20), self.start)

    def start(self) -> None:
        if not self.is_up:
            self.is_up = True
            self._begin()

    def take(self, what: str, request: Callable[["Server"], Any], answer: Any) -> None:
        """Answer a request that has arrived."""
        simulation = self._simulation
        if not self.is_up:
            simulation.later(0.01, lambda: answer(None))  # refused at once
            return
        try:
            result = request(self)
        except Down:
            return
        except Problem as problem:
            result = problem
        simulation.note(what, result)
        simulation.reply(what, answer, result)

    def do_duties(self) -> None:
        """One pass of each duty, again and again."""
        simulation = self._simulation
        for duty in (self._reaper, self._canceller):
            try:
                _finish(duty.one_pass())
            except Down:
                break
        simulation.later(simulation.between(1.5, 2.5), self.do_duties)


def _finish(pass_: Any) -> None:
    """A coroutine that waits for nothing."""
    try:
        pass_.send(None)
    except StopIteration:
        return
    raise AssertionError("a duty waits for something")


def _short(result: Any) -> str:
    if isinstance(result, Problem):
        return f"refused: {result.code}"
    return f"{result!r}"[:90]
