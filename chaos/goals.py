"""The table: each goal with its trials, violations and times."""

from dataclasses import dataclass, field


class Unavailable(Exception):
    """This machine has not what a trial needs."""


@dataclass
class Goal:
    """One claim, and how often it was put to the test."""

    name: str
    trials: int = 0
    violations: list[str] = field(default_factory=list)
    #: Seconds, where the goal is about time.
    times: list[float] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """One trial."""
        self.trials += 1
        if not holds:
            self.violations.append(otherwise)

    def within(self, seconds: float, most: float, what: str) -> None:
        """One trial that may take so long."""
        self.times.append(seconds)
        self.expect(seconds <= most, f"{what} took {seconds:.1f} s")


class Goals:
    """All of them, in the order in which they came up."""

    def __init__(self) -> None:
        self._all: dict[str, Goal] = {}

    def __getitem__(self, name: str) -> Goal:
        return self._all.setdefault(name, Goal(name))

    def add(self, others: "Goals") -> None:
        """What was tried elsewhere is tried too."""
        for name, goal in others._all.items():  # noqa: SLF001  # one of its own
            mine = self[name]
            mine.trials += goal.trials
            mine.violations += goal.violations
            mine.times += goal.times

    @property
    def violations(self) -> list[str]:
        return [f"{goal.name}: {said}" for goal in self._all.values() for said in goal.violations]

    def table(self) -> str:
        lines = ["| goal | trials | violations | p50 s | p99 s |", "|---|--:|--:|--:|--:|"]
        for goal in self._all.values():
            times = sorted(goal.times)
            p50, p99 = (
                f"{times[min(len(times) - 1, int(len(times) * part))]:.2f}" if times else ""
                for part in (0.5, 0.99)
            )
            lines.append(
                f"| {goal.name} | {goal.trials:,} | {len(goal.violations)} | {p50} | {p99} |"
            )
        return "\n".join(lines)
