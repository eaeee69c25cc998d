"""`python -m chaos.borders [--times N]`: everybody at every route, with everybody else's ids.

A hostile flow, a hostile worker of pool `a`, a reader and nobody send plausible requests. What an
owner has must look as it did before, and no answer may hold what is not for those who asked.
"""

import argparse
import contextlib
import json
import re
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from chaos.cluster import Server
from chaos.goals import Goals
from chaos.plausible import Plausible, Request
from chaos.two_pools import Answer, Caller, TwoPools
from runwright.server.keys import EXECUTION_SCOPES, WORKER_SCOPES

_FLOW = "hostile flow"
#: Requests between two looks at what the owners have.
_LOOK_EVERY = 60
_READER = frozenset({"runs:read", "flows:read", "pools:read"})
CROSSING = "Borders: nothing of another owner is read or changed"
_BROKEN = "Borders: no 5xx, nothing without its scope"
_MEMORY = "Borders: memory is bounded"
_STILL = "Borders: others are answered meanwhile"
#: Leases that outlive the trial, so that nothing changes by itself.
_CALM = {
    "RUNWRIGHT_LEASE_SECONDS": "3600",
    "RUNWRIGHT_PENDING_LEASE_SECONDS": "3600",
    "RUNWRIGHT_OUTAGE_TOLERANCE": "7200",
}


@dataclass(frozen=True)
class Role:
    """Somebody hostile."""

    name: str
    key: str | None
    scopes: frozenset[str]
    #: What no answer to them may hold.
    closed: re.Pattern[str]
    #: Owners of whom nothing may change.
    safe: tuple[str, ...]


def roles(world: TwoPools, flow_key: str | None = None) -> list[Role]:
    """Who is let loose on the world, the gentlest first."""
    asked = {"name": "reader", "kind": "user", "scopes": sorted(_READER)}
    reader = world.admin.must("POST", "/keys/", asked)["secret"]
    everybody = tuple(world.owners)
    own = world.owners["own"]
    return [
        Role("nobody", None, frozenset(), re.compile("canary-"), everybody),
        Role(
            "reader", reader, _READER,
            re.compile(r"canary-\w+-(log|block|artifact|deployment|variable|automation)"),
            everybody,
        ),
        Role(
            _FLOW, flow_key or own.credential, EXECUTION_SCOPES,
            re.compile("canary-(near|far)-(?!variable|default)|canary-own-(block|automation)"),
            ("near", "far"),
        ),
        Role("hostile worker", world.worker_keys["a"], WORKER_SCOPES, re.compile("canary-far"),
             ("far",)),
    ]  # fmt: skip


class Attack:
    """One role at every route."""

    def __init__(self, goals: Goals, world: TwoPools, role: Role, document: Any) -> None:
        self._goals = goals
        self._world = world
        self._role = role
        self._document = document
        self._caller = Caller(world.url, role.key)
        self.statuses: Counter[int] = Counter()

    def run(self, times: int, seed: int) -> None:
        """So many requests of each operation; the owners are looked at after each operation."""
        plausible = Plausible(self._document, list(self._world.owners.values()), seed)
        before = self._pictures()
        sent: list[Request] = []
        if self._role.name == _FLOW:
            before = self._compare(before, list(self._tell(plausible, 40 * times)))
        for request in plausible.requests(times):
            if len(sent) >= _LOOK_EVERY and sent[-1].operation != request.operation:
                before = self._compare(before, sent)
                sent = []
            sent.append(request)
            self._check(request, self._caller.send(request.method, request.path, request.body))
        self._compare(before, sent)
        self._see_that_it_lives()
        self._caller.close()

    def _see_that_it_lives(self) -> None:
        if self._role.name == _FLOW:
            run = self._world.owners["own"].ids["flow_run"][-1]
            answer = self._caller.send("GET", f"/flow_runs/{run}")
            self._goals[CROSSING].expect(answer.status == 200, "the hostile flow ended itself")

    def _tell(self, plausible: Plausible, batches: int) -> Iterator[Request]:
        """Batches of its own journal that speak of everybody's runs."""
        owner = self._world.owners["own"]
        path = f"/flow_runs/{owner.ids['flow_run'][-1]}/journal"
        frame = {"token": owner.token, "execution_id": owner.ids["execution"][-1]}
        first = 4
        for number in range(batches):
            entries = plausible.entries(1 + number % 5)
            body = frame | {"first": first, "entries": entries}
            request = Request(f"POST /api{path}", "POST", path, body)
            answer = self._caller.send(request.method, request.path, body)
            self.statuses[answer.status] += 1
            if answer.status < 300:
                first = answer.json["next"]
            self._goals[_BROKEN].expect(answer.status < 500, f"{body} -> {answer.content[:300]!r}")
            yield request

    def _pictures(self) -> dict[str, Any]:
        # Variables belong to all flows; whoever may run a deployment sees what its runs are given.
        besides = {"variable"} if "variables:write" in self._role.scopes else set()
        return {
            name: self._world.picture(self._world.owners[name], besides=frozenset(besides))
            for name in self._role.safe
        }

    def _compare(self, before: dict[str, Any], sent: list[Request]) -> dict[str, Any]:
        after = self._pictures()
        goal = self._goals[CROSSING]
        for name, seen in after.items():
            changed = [what for what in seen if seen[what] != before[name][what]]
            sample = [(before[name][what], seen[what]) for what in changed[:1]]
            goal.expect(
                not changed,
                f"{self._role.name}: {sent[-1].operation} changed {name}: {changed} {sample}; "
                f"one of {[(r.method, r.path, r.body) for r in sent]}"[:3000],
            )
        return after

    def _check(self, request: Request, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        said = f"{self._role.name}: {request.method} {request.path} {request.body}"[:1500]
        self._goals[_BROKEN].expect(
            answer.status < 500 or answer.status in {503, 507},
            f"{said} -> {answer.status} {answer.content[:300]!r}",
        )
        text = answer.content.decode("utf-8", "replace")
        found = self._role.closed.search(text)
        self._goals[CROSSING].expect(
            found is None or found[0] in json.dumps(request.body),
            f"{said} -> {answer.status} holds {found and found[0]}: {answer.content[:300]!r}",
        )
        if answer.status < 300:
            self._goals[_BROKEN].expect(
                self._may(request.operation), f"{said} -> {answer.status} without its scope"
            )

    def _may(self, operation: str) -> bool:
        needs = {_plain(place): each for place, each in self._document["x-scopes"].items()}
        wanted = needs[_plain(operation)]
        wanted = {wanted} if isinstance(wanted, str) else set(wanted)
        anyone = {"anyone"} if self._role.key is None else {"anyone", "any-key"}
        return bool(wanted & (self._role.scopes | anyone))


def _plain(place: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", place).replace(" /api/", " /").rstrip("/")


class Bystander:
    """Somebody who wants an answer all the time."""

    def __init__(self, url: str, key: str) -> None:
        self._caller = Caller(url, key)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.times: list[float] = []

    def _ask(self) -> None:
        while not self._stop.wait(0.02):
            before = time.monotonic()
            self._caller.send("POST", "/flow_runs/count", {})
            self.times.append(time.monotonic() - before)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._caller.close()


@contextlib.contextmanager
def calm_server(folder: Path, database_url: str) -> Iterator[Server]:
    """A server on which nothing changes by itself while the trial lasts."""
    server = Server(folder / "home", database_url, folder / "log")
    server.environment = _CALM
    server.start()
    server.wait_until_up()
    try:
        yield server
    finally:
        server.kill()


def attack(
    goals: Goals, server: Server, *, times: int, seed: int, flow_key: str | None = None
) -> None:
    """All roles on one server that runs already.

    `flow_key` is what the hostile flow has in the place of its credential.
    """
    world = TwoPools(server.url, server.key)
    with urllib.request.urlopen(f"{server.url}/openapi.json") as answer:
        document = json.loads(answer.read())
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    idle = process.memory_info().rss
    for role in roles(world, flow_key):
        acting = Attack(goals, world, role, document)
        with Bystander(server.url, server.key) as bystander:
            acting.run(times, seed)
        for seconds in bystander.times:
            goals[_STILL].within(seconds, 1.0, f"{role.name}: an answer to a bystander")
        print(f"  {role.name}: {acting.statuses.total():,} {dict(acting.statuses)}", flush=True)
    world.admin.close()
    grown = process.memory_info().rss
    goals[_MEMORY].expect(grown < 2 * idle, f"from {idle:,} to {grown:,} bytes")
    goals[_BROKEN].expect(server.is_alive and server.answers(), "the server is gone")


def main() -> int:
    """1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m chaos.borders", description=__doc__)
    parser.add_argument("--times", type=int, default=30, help="at each route, by each role")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database-url", help="instead of SQLite")
    chosen = parser.parse_args()
    goals = Goals()
    with tempfile.TemporaryDirectory(prefix="rwborders-") as name:
        folder = Path(name)
        database = chosen.database_url or f"sqlite:///{folder}/runwright.db"
        with calm_server(folder, database) as server:
            attack(goals, server, times=chosen.times, seed=chosen.seed)
    print(goals.table())
    print(*goals.violations, sep="\n")
    return 1 if goals.violations else 0


if __name__ == "__main__":
    sys.exit(main())
