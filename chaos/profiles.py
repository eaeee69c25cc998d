"""What is tried, and how much of it: a few minutes' worth, or all that the goals ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.compare.postgres import Cluster as Postgres

from chaos import losses, trials
from chaos.automations import automations
from chaos.clocks import clocks, clocks_of_postgres
from chaos.crowd import crowd
from chaos.disks import full_disks
from chaos.failpoints import every_failpoint
from chaos.goals import Goals
from chaos.lines import lines


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much: seconds of faults, and how often."""

    #: Trials that go on beside each other, those aside that measure times.
    at_once: int
    #: One in so many places at which the process can end.
    one_in: int
    mixed: float
    outage: float
    #: Flows that run through the outage.
    away: int
    schedules: float
    #: Schedules that fire each second.
    firing: int
    claims: int
    lines: int
    events: int
    jumps: int
    full: int
    deaths: int
    #: Every machine at once.
    all_lost: int
    races: int
    #: Seconds between two servers that are killed, least and most.
    pause: tuple[float, float]


PROFILES = {
    "ci": Scale(
        at_once=2,
        one_in=6,
        mixed=20,
        outage=10,
        away=8,
        schedules=15,
        firing=20,
        claims=600,
        lines=40_000,
        events=200,
        jumps=4,
        full=3,
        deaths=8,
        all_lost=1,
        races=80,
        pause=(1.0, 2.0),
    ),
    "gate": Scale(
        at_once=2,
        one_in=1,
        mixed=80,
        outage=60,
        away=60,
        schedules=80,
        firing=200,
        claims=10_000,
        lines=1_000_000,
        events=10_000,
        jumps=16,
        full=20,
        deaths=40,
        all_lost=3,
        races=1_000,
        pause=(1.0, 3.0),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a trial has to do with."""

    goals: Goals
    folder: Path
    seed: int
    scale: Scale
    #: Of its own, if its name says so.
    postgres: Postgres | None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One of the ways in which everything is tried."""

    run: Callable[[Given], None]
    #: It measures times: nothing else goes on meanwhile.
    alone: bool = False
    #: The short profile leaves it out: the same is done on the other database.
    gate_only: bool = False


def _mixed(replicas: int) -> Callable[[Given], None]:
    return lambda it: trials.mixed(
        it.goals, it.folder, replicas=replicas, postgres=it.postgres,
        seed=it.seed + replicas - 1, seconds=it.scale.mixed,
    )  # fmt: skip


def _outage(replicas: int) -> Callable[[Given], None]:
    return lambda it: trials.outage(
        it.goals, it.folder, replicas=replicas, postgres=it.postgres,
        seed=it.seed, seconds=it.scale.outage, flows=it.scale.away,
    )  # fmt: skip


def _schedules(replicas: int) -> Callable[[Given], None]:
    return lambda it: trials.schedules(
        it.goals, it.folder, replicas=replicas, postgres=it.postgres,
        seed=it.seed, seconds=it.scale.schedules, number=it.scale.firing,
    )  # fmt: skip


def _crowd(replicas: int, *, part: int = 1) -> Callable[[Given], None]:
    return lambda it: crowd(
        it.goals, it.folder, replicas=replicas, postgres=it.postgres,
        seed=it.seed, claims=it.scale.claims // part,
    )  # fmt: skip


def _lines(replicas: int, *, part: int = 1) -> Callable[[Given], None]:
    return lambda it: lines(
        it.goals, it.folder, replicas=replicas, postgres=it.postgres,
        seed=it.seed, count=it.scale.lines // part,
    )  # fmt: skip


def _automations(replicas: int, *, part: int = 1) -> Callable[[Given], None]:
    return lambda it: automations(
        it.goals, it.folder, replicas=replicas, postgres=it.postgres,
        seed=it.seed, events=it.scale.events // part, pause=it.scale.pause,
    )  # fmt: skip


#: By name; the longest first, so that none is left alone at the end.
TRIALS = {
    "detection": Trial(
        run=lambda it: losses.detection(
            it.goals, it.folder, seed=it.seed, deaths=it.scale.deaths
        ),
        alone=True,
    ),
    "all lost": Trial(
        run=lambda it: losses.all_lost(
            it.goals, it.folder, seed=it.seed, times=it.scale.all_lost
        ),
        alone=True,
    ),
    "cancellation": Trial(
        run=lambda it: trials.cancellation(
            it.goals, it.folder, seed=it.seed, races=it.scale.races
        ),
        alone=True,
    ),
    "failpoints": Trial(
        run=lambda it: every_failpoint(
            it.goals, it.folder, one_in=it.scale.one_in, seed=it.seed
        )
    ),
    "crowd, Postgres, 2 replicas": Trial(run=_crowd(2)),
    "crowd, SQLite": Trial(run=_crowd(1, part=2), gate_only=True),
    "mixed, SQLite": Trial(run=_mixed(1)),
    "mixed, Postgres, 2 replicas": Trial(run=_mixed(2)),
    "mixed, Postgres, 3 replicas": Trial(run=_mixed(3), gate_only=True),
    "schedules, Postgres, 3 replicas": Trial(run=_schedules(3), gate_only=True),
    "schedules, SQLite": Trial(run=_schedules(1), gate_only=True),
    "automations, Postgres, 3 replicas": Trial(run=_automations(3)),
    "automations, SQLite": Trial(run=_automations(1, part=5), gate_only=True),
    "clocks": Trial(
        run=lambda it: clocks(it.goals, it.folder, seed=it.seed, jumps=it.scale.jumps)
    ),
    "clocks, Postgres, 2 replicas": Trial(
        run=lambda it: clocks_of_postgres(
            it.goals, it.folder, seed=it.seed, jumps=it.scale.jumps
        ),
        gate_only=True,
    ),
    "full disks": Trial(
        run=lambda it: full_disks(it.goals, it.folder, seed=it.seed, times=it.scale.full)
    ),
    "lines, SQLite": Trial(run=_lines(1)),
    "lines, Postgres, 2 replicas": Trial(run=_lines(2, part=5), gate_only=True),
    "outage, SQLite": Trial(run=_outage(1), gate_only=True),
    "outage, Postgres, 2 replicas": Trial(run=_outage(2)),
    "rolling restart, Postgres": Trial(
        run=lambda it: trials.rolling_restart(
            it.goals, it.folder, postgres=it.postgres, seed=it.seed
        )
    ),
}  # fmt: skip
