"""Flows that log as fast as they can, while servers are killed and networks are cut."""

import random
import time
from pathlib import Path

from bench.compare.postgres import Cluster as Postgres

from chaos.books import judge_logs, rest, stop
from chaos.client import CODE, Client
from chaos.cluster import Cluster, until
from chaos.goals import Goals
from chaos.killer import Killer
from chaos.record import ENDED, read

#: Flows that talk, four of them at a time.
_FLOWS = 20
_CUTS = 3
#: Seconds between two servers that are killed: most of the time is for talking.
_PAUSE = (2.0, 6.0)


def lines(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    count: int,
) -> None:
    """So many lines in all, each of them once and in its order in the end."""
    cluster = Cluster(folder, replicas=replicas, workers=1, postgres=postgres, seed=seed)
    killer = Killer(cluster, seed, _PAUSE)
    chance = random.Random(seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["talk"]
        parameters = {"folder": str(cluster.effects), "steps": count // _FLOWS}
        body = {"parameters": parameters}
        path = f"/deployments/{deployment}/create_flow_run"
        made = [client.insist("POST", path, body)["id"] for _ in range(_FLOWS)]
        begun = time.time()
        cluster.start_workers()
        killer.start()
        for part in range(1, _CUTS + 1):
            wanted = _FLOWS * part // (_CUTS + 1)
            until("flows to end", lambda wanted=wanted: _ended(client, made) >= wanted, 300)
            cluster.workers[0].network.set("cut")
            time.sleep(chance.uniform(0.2, 2))
            cluster.workers[0].network.set("open")
        until("the last flow to end", lambda: _ended(client, made) == _FLOWS, 300)
        took = time.time() - begun
        deeds = killer.stop()
        rest(cluster, goals)
        stop(cluster)
        runs = read(cluster.database)
        for run in made:
            kind = runs[run].row.state_type
            goals["G7 nothing healthy is crashed"].expect(kind == "COMPLETED", f"{run} is {kind}")
        judge_logs(goals, runs)
    finally:
        cluster.close()
    stored = sum(len(run.lines) for run in runs.values())
    print(f"  {stored:,} lines in {took:.0f} s; {deeds}, {_CUTS} cuts", flush=True)


def _ended(client: Client, made: list[str]) -> int:
    wanted = {"id": {"any_": made}, "state": {"type": {"any_": sorted(ENDED)}}}
    return client.insist("POST", "/flow_runs/count", {"flow_runs": wanted})
