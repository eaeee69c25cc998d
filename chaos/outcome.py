"""One trial, made in a process of its own, and what came of it."""

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.compare.postgres import Cluster, postgres

from chaos.goals import Goals, Unavailable
from chaos.profiles import PROFILES, TRIALS, Given

#: Of what the processes of a trial have said, where it did not come to its end.
_TAIL = 4000


@dataclass
class Outcome:
    """What came of one trial."""

    goals: Goals
    seconds: float
    said: str
    left_out: str

    def tell(self, name: str) -> None:
        """Print it."""
        if self.left_out:
            print(f"{name}: left out, {self.left_out}", flush=True)
            return
        print(f"{name}: {self.seconds:.0f} s, {len(self.goals.violations)} violations")
        print(self.said, end="")
        for each in self.goals.violations[:20]:
            print(f"  {each}")
        print(end="", flush=True)


def make(name: str, profile: str, seed: int) -> Outcome:
    """Make one trial, with a folder and a Postgres of its own. What it raises is a violation."""
    goals, said = Goals(), io.StringIO()
    begun = time.monotonic()
    left_out = ""
    with contextlib.redirect_stdout(said), tempfile.TemporaryDirectory(prefix="rwchaos-") as where:
        folder = Path(where, "trial")
        try:
            with _postgres_for(name) as cluster:
                scale = PROFILES[profile]
                TRIALS[name].run(
                    Given(goals=goals, folder=folder, seed=seed, scale=scale, postgres=cluster)
                )
        except Unavailable as error:
            left_out = str(error)
            # Where all is installed, nothing is left out.
            goals["every trial is made"].expect("CI" not in os.environ, f"{name}: {error}")
        except Exception as error:  # noqa: BLE001  # the other trials are made all the same
            goals["every trial comes to its end"].expect(False, f"{name}: {error!r}")
            with contextlib.suppress(OSError):
                print((folder / "log").read_text(errors="replace")[-_TAIL:])
    return Outcome(goals, time.monotonic() - begun, said.getvalue(), left_out)


@contextlib.contextmanager
def _postgres_for(name: str) -> Iterator[Cluster | None]:
    if "Postgres" not in name:
        yield None
        return
    with postgres() as cluster:
        if cluster is None:
            raise Unavailable("there is no Postgres here")
        yield cluster
