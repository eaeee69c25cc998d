"""`python -m chaos.fuzz [--examples N]`: requests that nobody would make, at every route.

Schemathesis makes them from the server's own OpenAPI document: what fits the schema, and what does
not. Nothing may end in a 5xx, and nobody may be served what their key does not allow.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from chaos.client import Client
from chaos.cluster import Server
from chaos.goals import Goals
from runwright.server.keys import ALL_SCOPES, WORKER_SCOPES

_READER = ("runs:read", "flows:read", "pools:read")
_GOAL = "G17 bad input: no 5xx, and nothing without its scope"


def fuzz(goals: Goals, folder: Path, *, examples: int, seed: int) -> None:
    """Requests by each kind of principal, so many at each route."""
    server = Server(folder / "home", f"sqlite:///{folder}/runwright.db", folder / "log")
    server.start()
    server.wait_until_up()
    try:
        client = Client(server.url, server.key)
        client.ask("POST", "/work_pools/", {"name": "p", "type": "process"})
        reader = _key(client, name="reader", kind="user", scopes=list(_READER))
        worker = _key(client, name="worker", kind="worker", work_pool_name="p")
        roles: dict[str, tuple[str | None, Any]] = {
            "nobody": (None, ()),
            "reader": (reader, _READER),
            "worker": (worker, WORKER_SCOPES),
            "admin": (server.key, ALL_SCOPES),  # last: it takes keys away
        }
        with urllib.request.urlopen(f"{server.url}/openapi.json") as answer:
            (folder / "openapi.json").write_bytes(answer.read())
        for role, (key, scopes) in roles.items():
            _as(goals, folder, server, role, key, scopes, examples, seed)
        goals[_GOAL].expect(server.is_alive and server.answers(), "the server is gone")
    finally:
        server.kill()


def _key(client: Client, **asked: Any) -> str:
    return client.ask("POST", "/keys/", asked)["secret"]


def _as(  # noqa: PLR0917  # all of them differ by role
    goals: Goals, folder: Path, server: Server, role: str, key: str | None, scopes: Any,
    examples: int, seed: int,
) -> None:  # fmt: skip
    tally = folder / f"tally-{role}"
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "chaos.fuzz_checks",
        "FUZZ_ROLE": role,
        "FUZZ_SCOPES": ",".join(scopes),
        "FUZZ_TALLY": str(tally),
        "FUZZ_SCHEMA": str(folder / "openapi.json"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", str(folder / "openapi.json"),
        "--url", server.url.removesuffix("/api"),
        "--checks", "neither_broken_nor_unauthorised", "--phases", "fuzzing",
        "--max-examples", str(examples), "--seed", str(seed), "--workers", "1", "--no-color",
        "--continue-on-failure", "--no-shrink", "--generation-database", "none",
        "--generation-allow-x00", "true", "--request-timeout", "20", "--warnings", "off",
    ]  # fmt: skip
    if key is not None:
        command += ["--header", f"Authorization:Bearer {key}"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=folder, check=False
    )
    (folder / f"said-{role}").write_text(done.stdout + done.stderr)
    statuses = Counter(line.split()[0] for line in tally.read_text().splitlines())
    goal = goals[_GOAL]
    goal.trials += statuses.total()
    if done.returncode:
        goal.violations.append(f"{role}: {done.stdout[-3000:]}{done.stderr[-1000:]}")
    print(f"  {role}: {statuses.total():,} requests, {dict(statuses)}", flush=True)


def main() -> int:
    """1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m chaos.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=75, help="at each route, by each role")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    goals = Goals()
    with tempfile.TemporaryDirectory(prefix="rwfuzz-") as name:
        fuzz(goals, Path(name), examples=chosen.examples, seed=chosen.seed)
    print(goals.table())
    print(*goals.violations, sep="\n")
    return 1 if goals.violations else 0


if __name__ == "__main__":
    sys.exit(main())
