"""`python -m chaos.load [--only NAME] [--seconds N] [--peer]`: many workers and runs, through HTTP.

The workers are of the protocol, not processes: what is measured is the control plane. With `--peer`
the same loads are put on Prefect's server (`make prefect-client`), which is held to nothing.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from bench.compare import growth
from bench.compare.engines import Engine, Prefect, Runwright
from bench.compare.postgres import Cluster, postgres

from chaos.goals import Goal, Goals
from chaos.protocols import Ours, Peers, Requests

_SLOTS = 8
#: Runs that wait for a worker: enough that none is idle.
_BACKLOG = 64
_BEAT_S = 10.0


@dataclass
class Bench:
    """One engine under load, alone on the machine."""

    goals: Goals
    engine: Engine
    protocol: type[Ours] | type[Peers]

    @property
    def is_held(self) -> bool:
        """Whether the figures are our own promises."""
        return self.protocol is Ours

    @asynccontextmanager
    async def requests(self, connections: int) -> AsyncIterator[Any]:
        """As the administrator."""
        # Some servers close what was idle for five seconds.
        connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=3)
        async with aiohttp.ClientSession(connector=connector, headers=self.headers) as session:
            yield self.protocol(session, self.engine.url)

    @property
    def headers(self) -> dict[str, str]:
        kept = self.engine.headers.items()
        return {name: value for name, value in kept if name != "Content-Type"}

    def told(self, name: str, load: Requests) -> Goal:
        """A row of the table. What was refused is a violation of ours, a figure of the peer's."""
        if self.is_held:
            self.goals[name].violations += load.errors
            return self.goals[name]
        refused = f", {len(load.errors):,} requests refused" if load.errors else ""
        return self.goals[f"{self.engine.name}, {name}{refused}"]

    def cost(self) -> tuple[float, float]:
        """What the server's processes have used: seconds of CPU, and MiB now."""
        first = psutil.Process(self.engine.processes[0].pid)
        family = [first, *first.children(recursive=True)]
        seconds = sum(sum(each.cpu_times()[:2]) for each in family)
        return seconds, sum(each.memory_info().rss for each in family) / 2**20


def p99(samples: list[float]) -> float:
    """Of a hundred, all but one take no longer."""
    return sorted(samples)[int(len(samples) * 0.99)] if samples else float("inf")


async def lives(bench: Bench, name: str, *, least: float, most: float, seconds: float) -> None:
    """Runs made, claimed, started, ended: how many a second, for so long."""
    made = done = 0
    claims: list[float] = []
    end = time.monotonic() + seconds

    async with bench.requests(64) as load:
        deployment = await load.prepare()

        async def create() -> None:
            nonlocal made
            while time.monotonic() < end:
                if made - done > _BACKLOG:
                    await asyncio.sleep(0.01)
                    continue
                made += 1
                await load.create(deployment)

        async def live(claimed: Any) -> None:
            nonlocal done
            await load.start(claimed)
            await load.end(claimed)
            done += 1

        async def work() -> None:
            worker = uuid.uuid4()
            while time.monotonic() < end:
                begun = time.monotonic()
                if claimed := await load.claim(worker, _SLOTS, 1000):
                    claims.append(time.monotonic() - begun)
                    await asyncio.gather(*map(live, claimed))

        begun = time.monotonic()
        await asyncio.gather(*(create() for _ in range(4)), *(work() for _ in range(3)))
        rate = done / (time.monotonic() - begun)
    told = bench.told(
        f"{name}: {rate:.1f} runs/s for {seconds:.0f} s, made, claimed, started, ended", load
    )
    told.times += claims
    if bench.is_held:
        told.expect(rate >= least, f"{rate:.0f} a second, not {least:.0f}")
        told.expect(p99(claims) <= most, f"claims take {p99(claims) * 1000:.0f} ms")


async def fleet(bench: Bench, *, workers: int, leases: int, seconds: float) -> None:
    """Workers that poll, and leases that are renewed, every ten seconds: what they cost.

    The peer's runs have no lease: of it only the workers are asked for.
    """
    async with bench.requests(workers + 200) as load:
        deployment = await load.prepare()
        claimed = await _many_claimed(load, deployment, leases) if bench.is_held else []
        end = time.monotonic() + seconds
        beats: list[float] = []

        async def poll() -> None:
            worker = uuid.uuid4()
            await asyncio.sleep(_BEAT_S * uuid.uuid4().int / 2**128)
            beat = 0
            while time.monotonic() < end:
                if bench.is_held:
                    await load.sync(worker, 1, [], int(_BEAT_S * 1000))
                    continue
                begun = time.monotonic()
                if beat % 3 == 0:  # every thirty seconds
                    await load.heartbeat(worker)
                await load.poll(1)
                beats.append(time.monotonic() - begun)
                beat += 1
                await asyncio.sleep(_BEAT_S)

        async def renew(spec: dict[str, Any]) -> None:
            await asyncio.sleep(_BEAT_S * uuid.uuid4().int / 2**128)
            while time.monotonic() < end:
                begun = time.monotonic()
                await load.journal(spec, 1)
                beats.append(time.monotonic() - begun)
                await asyncio.sleep(_BEAT_S)

        work = [poll() for _ in range(workers)] + [renew(spec) for spec in claimed]
        gathered = asyncio.gather(*work)
        await asyncio.sleep(_BEAT_S + 1)
        (before, _), since = bench.cost(), time.monotonic()
        await asyncio.sleep(max(1.0, end - time.monotonic() - _BEAT_S - 1))
        after, memory = bench.cost()
        used = (after - before) / (time.monotonic() - since) * 100
        await gathered
    leases_held = f" and {len(claimed):,} leases" if claimed else ""
    told = bench.told(
        f"G15 {workers} workers{leases_held}: {used:.0f} % of a core, {memory:.0f} MiB", load
    )
    told.times += beats
    if bench.is_held:
        told.expect(used <= 60, f"{used:.0f} % of a core")
        told.expect(memory <= 400, f"{memory:.0f} MiB")


async def _many_claimed(load: Ours, deployment: str, count: int) -> list[dict[str, Any]]:
    """So many runs that one worker runs."""
    gate = asyncio.Semaphore(32)

    async def begin() -> None:
        async with gate:
            await load.create(deployment)

    await asyncio.gather(*(begin() for _ in range(count)))
    specs: list[dict[str, Any]] = []
    holder = uuid.uuid4()
    while len(specs) < count:
        held = [
            {key: spec[key] for key in ("flow_run_id", "token", "execution_id")} for spec in specs
        ]
        answer = await load.sync(holder, 100, held, 0)
        if answer is None:
            break
        for each in answer["claimed"]:
            await load.start(each["spec"])
            specs.append(each["spec"])
    return specs


async def grown(bench: Bench, *, runs: int, lines: int, seconds: float) -> None:
    """Claims and lists beside a long history, each for so long at most."""
    async with bench.requests(8) as load:
        deployment = await load.prepare()
        claims, lists = [], []
        worker = uuid.uuid4()
        until = time.monotonic() + seconds
        while len(claims) < 1000 and time.monotonic() < until:
            await load.create(deployment)
            begun = time.monotonic()
            claimed = await load.claim(worker, 1, 1000)
            claims.append(time.monotonic() - begun)
            for each in claimed:
                await load.start(each)
                await load.end(each)
        queries = [
            {"sort": "START_TIME_DESC", "limit": 50},
            {"sort": "START_TIME_DESC", "limit": 50, "offset": 1000},
            {
                "sort": "ID_DESC",
                "limit": 50,
                "flow_runs": {"state": {"type": {"any_": ["FAILED"]}}},
            },
            {
                "sort": "EXPECTED_START_TIME_DESC",
                "limit": 50,
                "flows": {"name": {"any_": ["load"]}},
            },
        ]
        until = time.monotonic() + seconds
        for number in range(200):
            begun = time.monotonic()
            if begun > until:
                break
            await load.ask("/flow_runs/filter", queries[number % len(queries)])
            lists.append(time.monotonic() - begun)
    for what, samples, most in (("claim", claims, 0.05), ("list of 50", lists, 0.3)):
        told = bench.told(f"G16 {what}, {runs:,} runs and {lines:,} log lines recorded", load)
        told.times += samples
        if bench.is_held:
            told.expect(p99(samples) <= most, f"p99 is {p99(samples) * 1000:.0f} ms")
        told.trials = len(samples)


async def overload(bench: Bench, *, clients: int, seconds: float) -> None:
    """Far more clients than can be answered: who is refused, and what holders of runs notice."""
    held = 20
    async with bench.requests(clients + 100) as load:
        deployment = await load.prepare()
        specs = await _many_claimed(load, deployment, held)
        end = time.monotonic() + seconds
        vital: list[float] = []
        accepted = refused = 0
        asked: list[tuple[str, Any]] = [
            (f"/deployments/{deployment}/create_flow_run", {}),
            ("/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 50}),
        ]

        async def crowd(number: int) -> None:
            nonlocal accepted, refused
            path, body = asked[number % 2]
            while time.monotonic() < end:
                status = await load.status(path, body)
                if status == 429:
                    refused += 1
                    await asyncio.sleep(0.5)
                elif status < 300:
                    accepted += 1
                else:
                    load.errors.append(f"{path}: {status}")

        async def hold(spec: dict[str, Any]) -> None:
            worker = uuid.uuid4()
            while time.monotonic() < end:
                for vital_request in (load.journal(spec, 1), load.sync(worker, 0, [], 0)):
                    begun = time.monotonic()
                    await vital_request
                    vital.append(time.monotonic() - begun)
                await asyncio.sleep(1)

        gathered = asyncio.gather(*map(crowd, range(clients)), *map(hold, specs))
        await asyncio.sleep(seconds / 4)
        _, early = bench.cost()
        await gathered
        _, late = bench.cost()
        mine = {"any_": [spec["flow_run_id"] for spec in specs]}
        running = {"id": mine, "state": {"type": {"any_": ["RUNNING"]}}}
        alive = await load.ask("/flow_runs/filter", {"flow_runs": running})
    told = bench.told(
        f"I-24 {clients} clients at once: {accepted / seconds:.0f} requests/s answered, "
        f"{refused / seconds:.0f} refused; {late:.0f} MiB, polls and renewals",
        load,
    )
    told.times += vital
    told.expect(p99(vital) <= 1, f"polls and renewals take {p99(vital) * 1000:.0f} ms")
    told.expect(len(alive) == held, f"{held - len(alive)} healthy runs ended")
    told.expect(refused > 0, "nobody was refused: that was no overload")
    told.expect(late <= early * 1.2, f"memory grew from {early:.0f} to {late:.0f} MiB")


#: What only we are held to.
_OF_OURS = {"I-24"}
#: What is measured: its name, whether it needs Postgres, and how.
Measure = Callable[[Bench, argparse.Namespace], Coroutine[Any, Any, None]]
_LOADS: list[tuple[str, bool, Measure]] = [
    ("G13", True, lambda bench, chosen: lives(
        bench, "G13 Postgres", least=150, most=0.25, seconds=chosen.seconds)),
    ("G14", False, lambda bench, chosen: lives(
        bench, "G14 SQLite", least=100, most=0.3, seconds=chosen.seconds)),
    ("G15", False, lambda bench, chosen: fleet(
        bench, workers=500, leases=2000, seconds=chosen.seconds)),
    ("I-24", False, lambda bench, chosen: overload(
        bench, clients=1500, seconds=chosen.seconds)),
    ("G16", False, lambda bench, chosen: grown(
        bench, runs=chosen.runs, lines=chosen.lines, seconds=chosen.seconds)),
]  # fmt: skip


def main() -> int:
    """Each load alone; 1 where a figure of ours is not reached."""
    parser = argparse.ArgumentParser(prog="python -m chaos.load", description=__doc__)
    parser.add_argument("--only", default="", help="G13 to G16, I-24")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--peer", action="store_true", help="put them on Prefect's server too")
    chosen = parser.parse_args()
    goals = Goals()
    kinds: list[tuple[type[Engine], type[Ours | Peers]]] = [(Runwright, Ours)]
    if chosen.peer:
        kinds.append((Prefect, Peers))
    with tempfile.TemporaryDirectory(prefix="rwload-") as name, postgres() as cluster:
        for what, on_postgres, measure in _LOADS:
            if chosen.only not in what:
                continue
            for kind, protocol in kinds[:1] if what in _OF_OURS else kinds:
                folder = Path(name, f"{what}-{kind.name}")
                with _alone(kind, folder, cluster if on_postgres else None) as engine:
                    if what == "G16":
                        _grow(engine, chosen.runs, chosen.lines)
                    asyncio.run(measure(Bench(goals, engine, protocol), chosen))
                print(goals.table(), flush=True)
    print(*goals.violations, sep="\n")
    return 1 if goals.violations else 0


class _alone:  # noqa: N801  # used like a function
    """The engine with its server up, on a database of its own."""

    def __init__(self, kind: type[Engine], folder: Path, cluster: Cluster | None) -> None:
        database = cluster.database() if cluster else None
        self._engine = kind(folder, database)
        self._engine.environment |= {
            "RUNWRIGHT_LEASE_SECONDS": "30",
            "RUNWRIGHT_PENDING_LEASE_SECONDS": "60",
        }

    def __enter__(self) -> Engine:
        self._engine.start_server()
        return self._engine

    def __exit__(self, *_: object) -> None:
        self._engine.stop()


def _grow(engine: Engine, runs: int, lines: int) -> None:
    run = growth.ended_run(engine)
    engine.stop_server()
    database = engine.home / f"{engine.name}.db"
    growth.copy_runs(engine, database, run, 1, runs)
    growth.add_lines(engine, database, run, lines)
    engine.start_server()


if __name__ == "__main__":
    sys.exit(main())
