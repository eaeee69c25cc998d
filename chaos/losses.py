"""Flows and machines that are lost: how soon that is known, and what follows."""

import time
from pathlib import Path

from chaos.books import UNFINISHED, rest
from chaos.client import CODE, Client
from chaos.cluster import LEASE, Cluster, until
from chaos.goals import Goals

#: Of each of two machines that are lost together.
_SLOTS = 4


def detection(goals: Goals, folder: Path, *, seed: int, deaths: int) -> None:
    """How soon a death is known, and the next attempt there; nothing else is wrong."""
    cluster = Cluster(folder, replicas=1, workers=1, postgres=None, seed=seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        cluster.start_workers()
        for number in range(deaths):
            with_machine = number % 4 == 3
            run = make_run(cluster, client, deployment, steps=60, seconds=1)
            until("the flow", lambda run=run: run in cluster.flow_processes(), 30)
            killed = time.time()
            if with_machine:
                cluster.workers[0].kill(with_machine=True)
            else:
                cluster.flow_processes()[run].kill()
            following = until("the next attempt", lambda run=run: _next(client, run), 60)
            took = time.time() - killed
            if with_machine:
                goals["G5 a machine lost, to its next attempt"].within(took, LEASE + 3, run)
                cluster.workers[0].start()
            else:
                goals["G5 a flow killed, to its next attempt"].within(took, 2, run)
            cancel(client, following)
            until("peace", lambda: client.insist("POST", "/flow_runs/count", UNFINISHED) == 0, 30)
    finally:
        cluster.close()


def _next(client: Client, run: str) -> str | None:
    root = client.insist("GET", f"/flow_runs/{run}")
    if root["state_type"] != "CRASHED":
        return None
    wanted = {
        "flow_runs": {"deployment_id": {"any_": [root["deployment_id"]]}},
        "limit": 1,
        "sort": "ID_DESC",
    }
    found = client.insist("POST", "/flow_runs/filter", wanted)
    return found[0]["id"] if found and found[0]["id"] != run else None


def all_lost(goals: Goals, folder: Path, *, seed: int, times: int) -> None:
    """Every machine is lost at once: leases are extended once, since it could be our fault."""
    cluster = Cluster(folder, replicas=1, workers=2, postgres=None, seed=seed, slots=_SLOTS)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=2 * _SLOTS)["chaos"]
        cluster.start_workers()
        for number in range(times):
            runs = [
                make_run(cluster, client, deployment, steps=60, seconds=1)
                for _ in range(2 * _SLOTS)
            ]
            until("the flows", lambda runs=runs: set(runs) <= set(cluster.flow_processes()), 30)
            for worker in cluster.workers:
                worker.kill(with_machine=True)
            lost = time.time()
            crashed = {"id": {"any_": runs}, "state": {"type": {"any_": ["CRASHED"]}}}
            until(
                "all to be known as lost",
                lambda crashed=crashed: (
                    client.insist("POST", "/flow_runs/count", {"flow_runs": crashed}) == 2 * _SLOTS
                ),
                60,
            )
            goals["G5 all machines lost, to the end of their runs"].within(
                time.time() - lost, 2 * LEASE + 3, f"time {number}"
            )
            for run in client.insist("POST", "/flow_runs/filter", UNFINISHED):
                cancel(client, run["id"])
            cluster.start_workers()
            rest(cluster, goals)
    finally:
        cluster.close()


def make_run(
    cluster: Cluster, client: Client, deployment: str, *, steps: int, seconds: float
) -> str:
    """A run of the flow `chaos`, twice repeated if it crashes."""
    parameters = {"folder": str(cluster.effects), "steps": steps, "seconds": seconds}
    body = {"parameters": parameters, "empirical_policy": {"retries": 2, "retry_delay": 0}}
    return client.insist("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]


def cancel(client: Client, run: str) -> None:
    """Ask for its end."""
    client.insist("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
