"""What is tried: each function makes a cluster, does something to it, and judges what is left."""

import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.compare.postgres import Cluster as Postgres

from chaos.books import expect_no_errors, judge, judge_attempts, judge_logs, rest, stop
from chaos.client import CODE, Client
from chaos.cluster import Cluster, until
from chaos.creator import Creator
from chaos.goals import Goals
from chaos.killer import Killer
from chaos.losses import cancel, make_run
from chaos.nemesis import Diary, Nemesis
from chaos.record import ENDED, read
from chaos.watch import Watch

LIMIT = 6
#: Who cancels at once.
_RACERS = 4


def mixed(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    seconds: float,
) -> None:
    """Everything at once for so long; then peace, and the books are checked."""
    cluster = Cluster(folder, replicas=replicas, workers=2, postgres=postgres, seed=seed)
    nemesis = Nemesis(cluster, seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=LIMIT)["chaos"]
        cluster.start_workers()
        creators = [Creator(client, deployment, cluster.effects, seed * 10 + n) for n in range(2)]
        watch = Watch(Client(cluster.network.url, cluster.key), goals, LIMIT)
        for each in (nemesis, watch, *creators):
            each.start()
        time.sleep(seconds)
        for each in (*creators, nemesis, watch):
            each.stop()
        rest(cluster, goals)
        expect_no_errors(goals, client)
        stop(cluster)
        runs = read(cluster.database)
        judge(goals, runs, creators, nemesis.diary, cluster)
    finally:
        cluster.close()
    faults = ", ".join(f"{what} {times}" for what, times in sorted(nemesis.diary.faults.items()))
    print(f"  {len(runs)} runs; {faults}", flush=True)


def outage(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    seconds: float,
    flows: int,
) -> None:
    """All of the control plane is away, much longer than a lease, while so many flows run.

    One in ten of them holds the interpreter's lock for half of the time.
    """
    cluster = Cluster(
        folder, replicas=replicas, workers=1, postgres=postgres, seed=seed, slots=flows
    )
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployments = client.prepare(CODE, limit=None)
        cluster.start_workers()
        where = {"folder": str(cluster.effects)}
        steps = int(seconds) + 4
        longest = {**where, "steps": steps, "seconds": 1}
        shorter = {**where, "steps": int(seconds / 2), "seconds": 1}
        busy = [("busy", {**where, "seconds": seconds / 2})] * (flows // 10)
        waiting = [("chaos", longest), ("chaos", shorter)] * flows
        chosen = waiting[: flows - len(busy)] + busy
        made = [
            client.insist(
                "POST", f"/deployments/{deployments[name]}/create_flow_run", {"parameters": given}
            )["id"]
            for name, given in chosen
        ]
        until("the flows to begin", lambda: len(list(cluster.effects.iterdir())) == flows, 60)
        for server in cluster.servers:
            server.kill()
        time.sleep(seconds)
        for server in cluster.servers:
            server.start()
        back = time.time()
        rest(cluster, goals)
        goals["G21 an outage of the control plane"].within(
            time.time() - back, 30, "to tell everything after the outage"
        )
        stop(cluster)
        runs = read(cluster.database)
        for each in made:
            goals["G21 an outage of the control plane"].expect(
                len(runs[each].states) == 4 and runs[each].row.state_type == "COMPLETED",
                f"{each} went {[kind for _, kind, *_ in runs[each].states]}",
            )
        judge_logs(goals, runs)
        judge_attempts(goals, runs)
    finally:
        cluster.close()


def cancellation(goals: Goals, folder: Path, *, seed: int, races: int) -> None:
    """Cancelled runs end soon, once, and their processes with them."""
    cluster = Cluster(folder, replicas=1, workers=1, postgres=None, seed=seed, slots=2 * _RACERS)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        cluster.start_workers()
        for _ in range(races // 10):
            run = make_run(cluster, client, deployment, steps=60, seconds=1)
            until("the flow", lambda run=run: run in cluster.flow_processes(), 30)
            asked = time.time()
            cancel(client, run)
            until("its end", lambda run=run: run not in cluster.flow_processes(), 30)
            goals["G11 cancelled, to its process gone"].within(time.time() - asked, 15, run)
        with ThreadPoolExecutor(_RACERS) as pool:
            chances = [random.Random(seed + number) for number in range(_RACERS)]
            racing = [
                pool.submit(_race, cluster, client, deployment, chance, races // _RACERS)
                for chance in chances
            ]
            for each in racing:
                each.result()
        rest(cluster, goals)
        stop(cluster)
        for run in read(cluster.database).values():
            goals["G11 a cancellation ends a run once"].expect(
                run.row.state_type in {"CANCELLED", "COMPLETED"}
                and run.row.attempt == 1
                and sum(kind in ENDED for _, kind, *_ in run.states) == 1,
                f"{run.id} went {[kind for _, kind, *_ in run.states]}",
            )
    finally:
        cluster.close()


def _race(
    cluster: Cluster, client: Client, deployment: str, chance: random.Random, times: int
) -> None:
    """A run that ends by itself at about the time when it is cancelled."""
    for _ in range(times):
        run = make_run(cluster, client, deployment, steps=1, seconds=0)
        time.sleep(chance.uniform(0, 0.12))
        cancel(client, run)


def schedules(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    seconds: float,
    number: int,
) -> None:
    """So many schedules that fire each second while servers and the database come and go."""
    cluster = Cluster(folder, replicas=replicas, workers=0, postgres=postgres, seed=seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        for each in range(number):
            body = {"active": True, "slug": f"s{each}", "schedule": {"interval": 1.0}}
            body["max_scheduled_runs"] = 3  # so that somebody has to plan all the time
            client.insist("POST", f"/deployments/{deployment}/schedules", [body])
        first = int(time.time()) + 3
        killer = Killer(cluster, seed, (0.5, 2.5), crashes=0.2)
        killer.start()
        time.sleep(seconds)
        deeds = killer.stop()
        last = int(time.time())
        time.sleep(3)
        stop(cluster)
        fires: Counter[tuple[str, int]] = Counter()
        for run in read(cluster.database).values():
            if run.row.schedule_id is not None:
                fires[str(run.row.schedule_id), int(run.row.expected_start_time.timestamp())] += 1
        goal = goals["G10 a schedule fires once at each instant"]
        by_schedule: dict[str, list[int]] = {}
        for (schedule, instant), times in fires.items():
            goal.expect(times == 1, f"{schedule} fired {times} times at {instant}")
            by_schedule.setdefault(schedule, []).append(instant)
        goal.expect(len(by_schedule) == number, f"{len(by_schedule)} schedules fired")
        for schedule, instants in by_schedule.items():
            missing = set(range(first, last + 1)) - set(instants)
            goal.expect(not missing, f"{schedule} has missed {sorted(missing)}")
    finally:
        cluster.close()
    print(f"  {len(fires):,} fires; {deeds}", flush=True)


def rolling_restart(goals: Goals, folder: Path, *, postgres: Postgres | None, seed: int) -> None:
    """Every replica is replaced in turn during load; no client notices more than a new try."""
    cluster = Cluster(folder, replicas=3, workers=1, postgres=postgres, seed=seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        cluster.start_workers()
        creators = [Creator(client, deployment, cluster.effects, seed * 10 + n) for n in range(3)]
        for each in creators:
            each.start()
        for server in cluster.servers:
            time.sleep(2)
            begun = time.time()
            server.kill(signal.SIGTERM)
            goals["a server stops when it is told to"].within(time.time() - begun, 15, "a stop")
            server.start()
            server.wait_until_up()
        time.sleep(2)
        for each in creators:
            each.stop()
        rest(cluster, goals)
        expect_no_errors(goals, client)
        stop(cluster)
        runs = read(cluster.database)
        judge(goals, runs, creators, Diary(), cluster)
    finally:
        cluster.close()
