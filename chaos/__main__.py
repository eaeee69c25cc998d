"""`python -m chaos [--profile ci|gate] [--seed N] [--only NAME]`: faults for real processes.

Prints a table: goal, trials, violations, p50 and p99 of what takes time. Ends with 1 where anything
was violated. A seed decides what the nemesis does; when exactly it strikes is the machine's affair.
"""

import argparse
import multiprocessing
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from chaos.goals import Goals
from chaos.outcome import Outcome, make
from chaos.profiles import PROFILES, TRIALS


def _make_all(names: list[str], profile: str, seed: int) -> Goals:
    """Those that measure times one by one; then the others, some of them beside each other."""
    at_once = PROFILES[profile].at_once
    outcomes: dict[str, Outcome] = {}
    # A process each, so that none of them waits for the threads of another.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, mp_context=context) as pool:

        def make_together(chosen: list[str]) -> None:
            made = {pool.submit(make, name, profile, seed): name for name in chosen}
            for trial in as_completed(made):
                name = made[trial]
                outcomes[name] = trial.result()
                outcomes[name].tell(name)

        for name in names:
            if TRIALS[name].alone:
                make_together([name])
        make_together([name for name in names if not TRIALS[name].alone])
    goals = Goals()
    for name in names:
        goals.add(outcomes[name].goals)
    return goals


def main() -> int:
    """Try everything; 1 where something was violated."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--profile", choices=list(PROFILES), default="ci")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--only", help="names of trials that contain this")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}, profile {chosen.profile}", flush=True)
    begun = time.monotonic()
    names = [
        name
        for name, trial in TRIALS.items()
        if (chosen.only in name if chosen.only else chosen.profile == "gate" or not trial.gate_only)
    ]
    goals = _make_all(names, chosen.profile, chosen.seed)
    print(goals.table())
    took = time.monotonic() - begun
    print(f"{len(goals.violations)} violations, seed {chosen.seed}, {took:.0f} s")
    return 1 if goals.violations else 0


if __name__ == "__main__":
    sys.exit(main())
