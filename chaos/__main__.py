"""`python -m chaos [--profile ci|gate] [--seed N] [--only NAME]`: faults for real processes.

Prints a table: goal, trials, violations, p50 and p99 of what takes time. Ends with 1 where anything
was violated. A seed decides what the nemesis does; when exactly it strikes is the machine's affair.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.compare.postgres import Cluster as Postgres
from bench.compare.postgres import postgres

from chaos import trials
from chaos.automations import automations
from chaos.clocks import clocks, clocks_of_postgres
from chaos.disks import full_disks
from chaos.failpoints import every_failpoint
from chaos.goals import Goals, Unavailable

#: Seconds of faults, and how often, by profile.
_MIXED = {"ci": 20.0, "gate": 170.0}
_OUTAGE = {"ci": 10.0, "gate": 60.0}
_SCHEDULES = {"ci": 15.0, "gate": 80.0}
_JUMPS = {"ci": 4, "gate": 60}
_EVENTS = {"ci": 200, "gate": 10_000}
#: Seconds between two servers that are killed.
_KILLS = {"ci": (1.0, 2.0), "gate": (1.0, 4.0)}
_FULL = {"ci": 3, "gate": 20}
_DEATHS = {"ci": 8, "gate": 40}
_RACES = {"ci": 40, "gate": 400}

#: What the short profile leaves out: the same is done on the other database.
_GATE_ONLY = {
    "mixed, Postgres, 3 replicas",
    "outage, SQLite",
    "schedules, SQLite",
    "schedules, Postgres, 3 replicas",
    "clocks, Postgres, 2 replicas",
    "automations, SQLite",
}
#: One in so many places at which the process can end.
_PLACES = {"ci": 6, "gate": 1}

Trial = Callable[[Goals, Path, Postgres], None]


def trials_of(profile: str, seed: int) -> dict[str, Trial]:
    """What is tried, by name."""
    mixed, away, firing = _MIXED[profile], _OUTAGE[profile], _SCHEDULES[profile]
    return {
        "failpoints": lambda goals, folder, _: every_failpoint(
            goals, folder, one_in=_PLACES[profile], seed=seed
        ),
        "mixed, SQLite": lambda goals, folder, _: trials.mixed(
            goals, folder, replicas=1, postgres=None, seed=seed, seconds=mixed
        ),
        "mixed, Postgres, 2 replicas": lambda goals, folder, cluster: trials.mixed(
            goals, folder, replicas=2, postgres=cluster, seed=seed + 1, seconds=mixed
        ),
        "mixed, Postgres, 3 replicas": lambda goals, folder, cluster: trials.mixed(
            goals, folder, replicas=3, postgres=cluster, seed=seed + 2, seconds=mixed
        ),
        "outage, SQLite": lambda goals, folder, _: trials.outage(
            goals, folder, replicas=1, postgres=None, seed=seed, seconds=away
        ),
        "outage, Postgres, 2 replicas": lambda goals, folder, cluster: trials.outage(
            goals, folder, replicas=2, postgres=cluster, seed=seed, seconds=away
        ),
        "rolling restart": lambda goals, folder, cluster: trials.rolling_restart(
            goals, folder, postgres=cluster, seed=seed
        ),
        "schedules, Postgres, 3 replicas": lambda goals, folder, cluster: trials.schedules(
            goals, folder, replicas=3, postgres=cluster, seed=seed, seconds=firing
        ),
        "schedules, SQLite": lambda goals, folder, _: trials.schedules(
            goals, folder, replicas=1, postgres=None, seed=seed, seconds=firing
        ),
        "automations, SQLite": lambda goals, folder, _: automations(
            goals,
            folder,
            replicas=1,
            postgres=None,
            seed=seed,
            events=_EVENTS[profile] // 5,
            pause=_KILLS[profile],
        ),
        "automations, Postgres, 3 replicas": lambda goals, folder, cluster: automations(
            goals,
            folder,
            replicas=3,
            postgres=cluster,
            seed=seed,
            events=_EVENTS[profile],
            pause=_KILLS[profile],
        ),
        "clocks": lambda goals, folder, _: clocks(goals, folder, seed=seed, jumps=_JUMPS[profile]),
        "clocks, Postgres, 2 replicas": lambda goals, folder, _: clocks_of_postgres(
            goals, folder, seed=seed, jumps=_JUMPS[profile]
        ),
        "full disks": lambda goals, folder, _: full_disks(
            goals, folder, seed=seed, times=_FULL[profile]
        ),
        "detection": lambda goals, folder, _: trials.detection(
            goals, folder, seed=seed, deaths=_DEATHS[profile]
        ),
        "cancellation": lambda goals, folder, _: trials.cancellation(
            goals, folder, seed=seed, races=_RACES[profile]
        ),
    }


def main() -> int:
    """Try everything; 1 where something was violated."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--profile", choices=["ci", "gate"], default="ci")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--only", help="names of trials that contain this")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}, profile {chosen.profile}", flush=True)
    goals = Goals()
    with tempfile.TemporaryDirectory(prefix="rwchaos-") as name, postgres() as cluster:
        for what, trial in trials_of(chosen.profile, chosen.seed).items():
            if chosen.only and chosen.only not in what:
                continue
            if chosen.profile == "ci" and what in _GATE_ONLY and not chosen.only:
                continue
            if cluster is None and "Postgres" in what:
                print(f"{what}: left out, there is no Postgres here")
                continue
            begun = time.monotonic()
            before = len(goals.violations)
            folder = Path(name, what.replace(" ", "-").replace(",", ""))
            try:
                trial(goals, folder, cluster)  # type: ignore[arg-type]  # looked at above
            except Unavailable as error:
                print(f"{what}: left out, {error}")
                # Where all is installed, nothing is left out.
                goals["every trial is made"].expect("CI" not in os.environ, f"{what}: {error}")
                continue
            found = goals.violations[before:]
            took = time.monotonic() - begun
            print(f"{what}: {took:.0f} s, {len(found)} violations", flush=True)
            for each in found[:20]:
                print(f"  {each}", flush=True)
    print(goals.table())
    print(f"{len(goals.violations)} violations, seed {chosen.seed}")
    return 1 if goals.violations else 0


if __name__ == "__main__":
    sys.exit(main())
