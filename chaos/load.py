"""`python -m chaos.load [--only NAME] [--seconds N]`: many workers and runs, through HTTP alone.

The workers are of the protocol, not processes: what is measured is the control plane.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from bench.compare import growth
from bench.compare.postgres import Cluster as Postgres
from bench.compare.postgres import postgres

from chaos.cluster import Server
from chaos.goals import Goals

_SLOTS = 8
#: Runs that wait for a worker: enough that none is idle.
_BACKLOG = 64


class Load:
    """Requests at one server over connections that are kept."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.errors: list[str] = []

    async def ask(self, path: str, body: Any) -> Any:
        """The answer; None where it is no good one."""
        async with self._session.post(self._url + path, json=body) as answer:
            content = await answer.json()
            if answer.status >= 300:
                self.errors.append(f"{path}: {answer.status} {content}")
                return None
            return content

    async def prepare(self) -> str:
        """A pool and a deployment; its id."""
        await self.ask("/work_pools/", {"name": "p", "type": "process"})
        flow = (await self.ask("/flows/", {"name": "load"}))["id"]
        body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "p"}
        return (await self.ask("/deployments/", body))["id"]

    async def create(self, deployment: str) -> None:
        await self.ask(f"/deployments/{deployment}/create_flow_run", {})

    async def sync(self, worker: uuid.UUID, free: int, executions: list[Any], wait_ms: int) -> Any:
        body = {"worker_name": "w", "free": free, "executions": executions, "wait_ms": wait_ms}
        return await self.ask(f"/work_pools/p/workers/{worker}/sync", body)

    async def journal(self, spec: dict[str, Any], first: int, *kinds: str) -> Any:
        run = spec["flow_run_id"]
        entries = [
            {
                "kind": "flow_state",
                "flow_run_id": run,
                "state": {
                    "id": str(uuid.uuid4()),
                    "type": kind,
                    "name": kind.capitalize(),
                    "timestamp": datetime.now(UTC).isoformat(),
                },
            }
            for kind in kinds
        ]
        body = {"token": spec["token"], "execution_id": spec["execution_id"], "first": first}
        return await self.ask(f"/flow_runs/{run}/journal", {**body, "entries": entries})

    async def exit(self, spec: dict[str, Any]) -> None:
        body = {"token": spec["token"], "execution_id": spec["execution_id"], "exit_code": 0}
        await self.ask(f"/flow_runs/{spec['flow_run_id']}/exit", body)


@asynccontextmanager
async def loading(server: Server, connections: int) -> AsyncIterator[Load]:
    """Requests as the administrator."""
    connector = aiohttp.TCPConnector(limit=connections)
    headers = {"Authorization": f"Bearer {server.key}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Load(session, server.url)


async def lives(
    goals: Goals, server: Server, name: str, *, least: float, claim_p99: float, seconds: float
) -> None:
    """Runs made, claimed, started, ended: how many a second, for so long."""
    made = done = 0
    claims: list[float] = []
    end = time.monotonic() + seconds

    async with loading(server, 64) as load:
        deployment = await load.prepare()

        async def create() -> None:
            nonlocal made
            while time.monotonic() < end:
                if made - done > _BACKLOG:
                    await asyncio.sleep(0.01)
                    continue
                made += 1
                await load.create(deployment)

        async def live(spec: dict[str, Any]) -> None:
            nonlocal done
            await load.journal(spec, 0, "RUNNING")
            await load.journal(spec, 1, "COMPLETED")
            await load.exit(spec)
            done += 1

        async def work() -> None:
            worker = uuid.uuid4()
            while time.monotonic() < end:
                begun = time.monotonic()
                answer = await load.sync(worker, _SLOTS, [], 1000)
                if answer and answer["claimed"]:
                    claims.append(time.monotonic() - begun)
                    await asyncio.gather(*(live(each["spec"]) for each in answer["claimed"]))

        begun = time.monotonic()
        await asyncio.gather(*(create() for _ in range(4)), *(work() for _ in range(3)))
        rate = done / (time.monotonic() - begun)
    goal = goals[f"{name}: {rate:.0f} runs/s for {seconds:.0f} s, made, claimed, started, ended"]
    goal.expect(rate >= least, f"{rate:.0f} a second, not {least:.0f}")
    goal.violations += load.errors
    goal.times += claims
    claims.sort()
    p99 = claims[int(len(claims) * 0.99)]
    goal.expect(p99 <= claim_p99, f"claims take {p99 * 1000:.0f} ms")


async def fleet(goals: Goals, server: Server, *, workers: int, leases: int, seconds: float) -> None:
    """Workers that poll and leases that are renewed every ten seconds: what they cost."""
    async with loading(server, workers + 200) as load:
        deployment = await load.prepare()
        gate = asyncio.Semaphore(32)

        async def begin() -> None:
            async with gate:
                await load.create(deployment)

        await asyncio.gather(*(begin() for _ in range(leases)))
        specs: list[dict[str, Any]] = []
        holder = uuid.uuid4()
        while len(specs) < leases:
            held = [
                {key: spec[key] for key in ("flow_run_id", "token", "execution_id")}
                for spec in specs
            ]
            answer = await load.sync(holder, 100, held, 0)
            if answer is None:
                break
            for each in answer["claimed"]:
                await load.journal(each["spec"], 0, "RUNNING")
                specs.append(each["spec"])
        end = time.monotonic() + seconds
        polls: list[float] = []

        async def poll() -> None:
            worker = uuid.uuid4()
            await asyncio.sleep(10 * uuid.uuid4().int / 2**128)
            while time.monotonic() < end:
                await load.sync(worker, 1, [], 10_000)

        async def renew(spec: dict[str, Any]) -> None:
            await asyncio.sleep(10 * uuid.uuid4().int / 2**128)
            while time.monotonic() < end:
                begun = time.monotonic()
                await load.journal(spec, 1)
                polls.append(time.monotonic() - begun)
                await asyncio.sleep(10)

        assert server.process is not None
        process = psutil.Process(server.process.pid)
        work = [poll() for _ in range(workers)] + [renew(spec) for spec in specs]
        gathered = asyncio.gather(*work)
        await asyncio.sleep(11)
        before, since = sum(process.cpu_times()[:2]), time.monotonic()
        await asyncio.sleep(max(1.0, end - time.monotonic() - 11))
        used = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - since) * 100
        memory = process.memory_info().rss / 2**20
        await gathered
    goal = goals[
        f"G15 {workers} workers and {len(specs):,} leases: {used:.0f} % of a core, {memory:.0f} MiB"
    ]
    goal.expect(used <= 60, f"{used:.0f} % of a core")
    goal.expect(memory <= 400, f"{memory:.0f} MiB")
    goal.violations += load.errors
    goal.times += polls


async def grown(goals: Goals, server: Server, *, runs: int, lines: int) -> None:
    """Claims and lists beside a long history."""
    async with loading(server, 8) as load:
        deployment = await load.prepare()
        claims, lists = [], []
        worker = uuid.uuid4()
        for _ in range(1000):
            await load.create(deployment)
            begun = time.monotonic()
            answer = await load.sync(worker, 1, [], 0)
            claims.append(time.monotonic() - begun)
            spec = answer["claimed"][0]["spec"]
            await load.journal(spec, 0, "RUNNING", "COMPLETED")
            await load.exit(spec)
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
        for number in range(200):
            begun = time.monotonic()
            await load.ask("/flow_runs/filter", queries[number % len(queries)])
            lists.append(time.monotonic() - begun)
    for what, samples, most in (("claim", claims, 0.05), ("list of 50", lists, 0.3)):
        goal = goals[f"G16 {what}, {runs:,} runs and {lines:,} log lines recorded"]
        goal.times += samples
        samples.sort()
        p99 = samples[int(len(samples) * 0.99)]
        goal.expect(p99 <= most, f"p99 is {p99 * 1000:.0f} ms")
        goal.trials = len(samples)
    goal.violations += load.errors


def _grow(server: Server, database: Path, runs: int, lines: int) -> None:
    class Ours:
        name = "runwright"

        def ask(self, method: str, path: str, body: Any) -> Any:
            from chaos.client import Client

            return Client(server.url, server.key).ask(method, path, body)

    run = growth.ended_run(Ours())  # type: ignore[arg-type]  # as much of an engine as it needs
    server.kill(15)
    growth.copy_runs(Ours(), database, run, 1, runs)  # type: ignore[arg-type]
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    for begun in range(0, lines, 500_000):
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
            "INSERT INTO log (id, flow_run_id, timestamp, level, name, message) "
            "SELECT printf('%08x-0000-4000-8000-000000000000', i), ?, i * 1000, 20, 'flow', "
            "'a line of usual length, number ' || i FROM n",
            (begun, min(lines, begun + 500_000), run),
        )
    connection.close()
    server.start()
    server.wait_until_up()


def main() -> int:
    """Each load alone; 1 where a figure is not reached."""
    parser = argparse.ArgumentParser(prog="python -m chaos.load", description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=10_000_000)
    chosen = parser.parse_args()
    goals = Goals()

    def postgres_lives(server: Server) -> None:
        asyncio.run(
            lives(goals, server, "G13 Postgres", least=150, claim_p99=0.25, seconds=chosen.seconds)
        )

    def sqlite_lives(server: Server) -> None:
        asyncio.run(
            lives(goals, server, "G14 SQLite", least=100, claim_p99=0.3, seconds=chosen.seconds)
        )

    def of_a_fleet(server: Server) -> None:
        asyncio.run(fleet(goals, server, workers=500, leases=2000, seconds=chosen.seconds))

    def big(server: Server) -> None:
        database = server.home.parent / "runwright.db"
        _grow(server, database, chosen.runs, chosen.lines)
        asyncio.run(grown(goals, server, runs=chosen.runs, lines=chosen.lines))

    loads: dict[str, tuple[bool, Callable[[Server], None]]] = {
        "G13 Postgres": (True, postgres_lives),
        "G14 SQLite": (False, sqlite_lives),
        "G15 fleet": (False, of_a_fleet),
        "G16 big": (False, big),
    }
    with tempfile.TemporaryDirectory(prefix="rwload-") as name, postgres() as cluster:
        for what, (on_postgres, measure) in loads.items():
            if chosen.only in what:
                _alone(Path(name, what.split()[0]), cluster if on_postgres else None, measure)
                print(goals.table(), flush=True)
    print(*goals.violations, sep="\n")
    return 1 if goals.violations else 0


def _alone(folder: Path, cluster: Postgres | None, measure: Callable[[Server], None]) -> None:
    database = cluster.database() if cluster else f"sqlite:///{folder}/runwright.db"
    server = Server(folder / "home", database, folder / "log")
    server.start(RUNWRIGHT_LEASE_SECONDS="30", RUNWRIGHT_PENDING_LEASE_SECONDS="60")
    try:
        server.wait_until_up()
        measure(server)
    finally:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
