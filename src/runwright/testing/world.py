"""A simulated world: one seed decides every identifier, every chance and every moment.

Its runs are decided by the same rules as real ones, and their processes do nothing but live.
"""

from datetime import timedelta
from random import Random
from uuid import UUID

import msgspec

from runwright.core.decide import decide
from runwright.core.states import NO_DETAILS, State, StateDetails, StateType
from runwright.core.transitions import (
    Abort,
    Accept,
    Decision,
    Replace,
    RunFacts,
    Transition,
    Wait,
)
from runwright.testing.clock import SimulatedClock


class World:
    """A clock, identifiers and chances, all from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.clock = SimulatedClock()
        self._random = Random(seed)  # noqa: S311  # repeatable on purpose

    def new_id(self) -> UUID:
        """The next identifier of this seed."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def random(self) -> float:
        """The next chance of this seed: from 0 up to, and without, 1."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.random() < probability

    def state(
        self, kind: StateType, name: str | None = None, details: StateDetails = NO_DETAILS
    ) -> State:
        """A state entered now; its name is that of its type if none is given."""
        return State(
            id=self.new_id(),
            type=kind,
            name=name or kind.title(),
            timestamp=self.clock.now(),
            state_details=details,
        )


class SimulatedRun:
    """A flow run and what has been recorded of it."""

    def __init__(self, world: World, facts: RunFacts | None = None) -> None:
        self.world = world
        self.facts = facts or RunFacts()
        self.history: list[State] = []
        #: How often the user's function was called.
        self.calls = 0

    @property
    def current(self) -> State | None:
        """The last state recorded."""
        return self.history[-1] if self.history else None

    @property
    def has_ended(self) -> bool:
        """Its last state is terminal."""
        return bool(self.history) and self.history[-1].is_terminal

    def propose(self, proposed: State, *, force: bool = False) -> Decision:
        """Ask for a move, and record what is granted."""
        decision = decide(
            Transition(
                current=self.current,
                proposed=proposed,
                now=self.world.clock.now(),
                run=self.facts,
                force=force,
            )
        )
        match decision:
            case Accept():
                self.history.append(decision.state or proposed)
            case Replace():
                self.history.append(decision.state)
                self._spend(decision.spends_retry)
            case _:
                pass
        if self.has_ended:
            self.facts = msgspec.structs.replace(self.facts, has_lease=False)
        return decision

    def cancel(self) -> Decision:
        """What an operator does."""
        decision = self.propose(self.world.state(StateType.CANCELLING))
        if not self.has_ended:
            self.facts = msgspec.structs.replace(self.facts, cancel_wanted=True)
        return decision

    def start(self, *, failures: int, call_takes: timedelta = timedelta()) -> None:
        """Let a process have the run, whose function fails so many times and then completes.

        It goes on as `world.clock` runs.
        """
        self.facts = msgspec.structs.replace(self.facts, has_lease=True)
        self._go_on(failures, call_takes)

    def _go_on(self, failures: int, call_takes: timedelta) -> None:
        answer = self.propose(self.world.state(StateType.RUNNING))
        clock = self.world.clock
        if isinstance(answer, Wait):
            clock.call_later(answer.delay, lambda: self._go_on(failures, call_takes))
        elif self.current and self.current.type is StateType.RUNNING and _may_go_on(answer):
            self.calls += 1
            clock.call_later(call_takes, lambda: self._end_call(failures, call_takes))

    def _end_call(self, failures: int, call_takes: timedelta) -> None:
        kind = StateType.FAILED if failures else StateType.COMPLETED
        answer = self.propose(self.world.state(kind))
        if _may_go_on(answer) and not self.has_ended:
            self._go_on(max(failures - 1, 0), call_takes)

    def _spend(self, spends_retry: bool) -> None:
        if spends_retry:
            used = self.facts.retries_used + 1
            self.facts = msgspec.structs.replace(self.facts, retries_used=used)


def _may_go_on(answer: Decision) -> bool:
    return not isinstance(answer, Abort)
