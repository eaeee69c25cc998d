"""What is tried: each function makes a cluster, does something to it, and judges what is left."""

import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.compare.postgres import Cluster as Postgres

from chaos.client import Client, Refused, Unknown
from chaos.cluster import LEASE, Cluster, until
from chaos.goals import Goals
from chaos.nemesis import Diary, Nemesis
from chaos.record import ENDED, Run, lineages, read

CODE = str(Path(__file__).parent)
LIMIT = 6
_UNFINISHED = {"flow_runs": {"state": {"type": {"not_any_": sorted(ENDED)}}}}
#: How long all may take to come to rest when the faults are over.
_REST_SECONDS = 120.0


class Creator(threading.Thread):
    """A client that makes runs, and knows of each what it was told."""

    def __init__(self, client: Client, deployment: str, folder: Path, seed: int) -> None:
        super().__init__(name="creator", daemon=True)
        self._client = client
        self._deployment = deployment
        self._folder = folder
        self._chance = random.Random(seed)
        self._is_over = threading.Event()
        self._name = f"creator {seed}"
        #: Idempotency key -> the id, or None where no answer came.
        self.told: dict[str, str | None] = {}
        self.conflicts: list[str] = []

    def run(self) -> None:
        """Until `stop`."""
        while not self._is_over.wait(self._chance.uniform(0.1, 0.5)):
            key = f"{self._name} {len(self.told)}"
            body = {
                "idempotency_key": key,
                "parameters": {
                    "folder": str(self._folder),
                    "steps": self._chance.randrange(1, 8),
                    "seconds": round(self._chance.uniform(0.01, 0.5), 2),
                },
                "empirical_policy": {"retries": self._chance.choice([0, 1, 3]), "retry_delay": 0},
            }
            self.told[key] = None
            for _ in range(self._chance.choice([1, 1, 3])):  # some ask again, though answered
                try:
                    path = f"/deployments/{self._deployment}/create_flow_run"
                    made = self._client.ask("POST", path, body, seconds=3)["id"]
                except (Unknown, Refused):
                    continue
                if self.told[key] not in {None, made}:
                    self.conflicts.append(f"{key} made {made} and {self.told[key]}")
                self.told[key] = made

    def stop(self) -> None:
        self._is_over.set()
        self.join(30)


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
        watch = _Watch(Client(cluster.network.url, cluster.key), goals)
        for each in (nemesis, watch, *creators):
            each.start()
        time.sleep(seconds)
        for each in (*creators, nemesis, watch):
            each.stop()
        _rest(cluster, goals)
        _expect_no_errors(goals, client)
        _stop(cluster)
        runs = read(cluster.database)
        _judge(goals, runs, creators, nemesis.diary, cluster)
    finally:
        cluster.close()
    faults = ", ".join(f"{what} {times}" for what, times in sorted(nemesis.diary.faults.items()))
    print(f"  {len(runs)} runs; {faults}", flush=True)


class _Watch(threading.Thread):
    """Looks all the time how many slots are taken."""

    def __init__(self, client: Client, goals: Goals) -> None:
        super().__init__(name="watch", daemon=True)
        self._client, self._goal = client, goals["G9 a limit is never passed"]
        self._is_over = threading.Event()

    def run(self) -> None:
        """Until `stop`."""
        active = {"flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}}
        while not self._is_over.wait(0.2):
            try:
                count = self._client.ask("POST", "/flow_runs/count", active, seconds=2)
            except (Unknown, Refused):
                continue
            self._goal.expect(count <= LIMIT, f"{count} runs in {LIMIT} slots")

    def stop(self) -> None:
        self._is_over.set()
        self.join(30)


def _rest(cluster: Cluster, goals: Goals) -> None:
    """Wait until every run has ended."""
    client = Client(cluster.network.url, cluster.key)
    for worker in cluster.workers:
        if worker.process is None or worker.process.poll() is not None:
            worker.start()
    try:
        until(
            "the runs to end",
            lambda: client.insist("POST", "/flow_runs/count", _UNFINISHED) == 0,
            _REST_SECONDS,
        )
        stuck: list[Any] = []
    except TimeoutError:
        stuck = client.insist("POST", "/flow_runs/filter", _UNFINISHED)
    goals["G8 nothing hangs"].expect(
        not stuck, f"{[(each['id'], each['state_type']) for each in stuck]}"
    )


def _stop(cluster: Cluster) -> None:
    for server in cluster.servers:
        server.kill(signal.SIGTERM)


def _expect_no_errors(goals: Goals, client: Client) -> None:
    goals["no answer is an error of the server"].trials += 1
    goals["no answer is an error of the server"].violations += client.errors


def _judge(
    goals: Goals, runs: dict[str, Run], creators: list[Creator], diary: Diary, cluster: Cluster
) -> None:
    _judge_creations(goals, runs, creators)
    _judge_starts(goals, runs, cluster)
    _judge_histories(goals, runs, diary)
    _judge_attempts(goals, runs)
    _judge_logs(goals, runs, cluster)
    for run in runs.values():
        goals["G8 nothing hangs"].expect(
            run.has_ended and not run.unfinished_tasks and run.row.lease_expires_at is None,
            f"{run.id} is {run.row.state_type}, {run.unfinished_tasks} tasks unfinished",
        )
        if run.row.state_type == "CRASHED":
            begun = run.row.claimed_at.timestamp()
            goals["G7 nothing healthy is crashed"].expect(
                diary.excuses(run.id, run.row.worker_name, begun, run.row.end_time.timestamp()),
                f"{run.id} of {run.row.worker_name} at {run.row.end_time}: "
                f"{run.row.state.get('message')}",
            )
        else:
            goals["G7 nothing healthy is crashed"].trials += 1


def _judge_creations(goals: Goals, runs: dict[str, Run], creators: list[Creator]) -> None:
    kept = Counter(run.row.idempotency_key for run in runs.values() if run.row.idempotency_key)
    goal = goals["G1 what was answered is kept, once"]
    for creator in creators:
        goal.violations += creator.conflicts
        for key, told in creator.told.items():
            goal.expect(
                kept[key] == 1 if told else kept[key] <= 1,
                f"{key!r}: {kept[key]} runs, told {told}",
            )
            if told:
                goal.expect(told in runs, f"{told} of {key!r} is gone")


def _judge_starts(goals: Goals, runs: dict[str, Run], cluster: Cluster) -> None:
    starts: Counter[str] = Counter()
    for file in cluster.effects.iterdir():
        run, _, _ = file.name.rpartition(".")
        starts[run] += file.read_text().count("start ")
    goal = goals["G3 nothing starts twice"]
    for run, times in starts.items():
        goal.expect(times == 1, f"{run} started {times} times")
        granted = run in runs and runs[run].when("RUNNING") is not None
        goals["G3 nothing starts without leave"].expect(granted, f"{run} was never Running")


def _judge_histories(goals: Goals, runs: dict[str, Run], diary: Diary) -> None:
    late = goals["G4 a zombie's late words are refused"]
    for run in runs.values():
        ended = False
        token = -1
        for seq, kind, _, _, its_token in run.states:
            goals["histories: an end is final, tokens never go back"].expect(
                not ended and its_token >= token, f"{run.id}: {kind} at {seq} after the end"
            )
            ended = kind in ENDED
            token = its_token
        if run.id in diary.frozen:
            ended_as = run.row.state_type
            late.expect(
                ended_as in ENDED and sum(kind in ENDED for _, kind, *_ in run.states) == 1,
                f"{run.id} was frozen, and ended as {ended_as}",
            )


def _judge_attempts(goals: Goals, runs: dict[str, Run]) -> None:
    goal = goals["G6 a crash is followed by its next attempt, exactly"]
    for root, attempts in lineages(runs).items():
        numbers = [run.row.attempt for run in attempts]
        goal.expect(numbers == list(range(1, len(numbers) + 1)), f"{root} has attempts {numbers}")
        for run, following in zip(attempts, [*attempts[1:], None], strict=True):
            wanted = run.row.state_type == "CRASHED" and run.row.retries_used < run.row.retries
            goal.expect(
                wanted == (following is not None),
                f"attempt {run.row.attempt} of {root} ended {run.row.state_type} with "
                f"{run.row.retries_used} of {run.row.retries} used; next: {following}",
            )
            if following is not None and (ended := run.when("CRASHED")) is not None:
                began = following.states[0][3].timestamp()
                goal.expect(began >= ended, f"{following.id} began before {run.id} had ended")


def _judge_logs(goals: Goals, runs: dict[str, Run], cluster: Cluster) -> None:
    del cluster
    goal = goals["G12 every line once, in its order"]
    for run in runs.values():
        steps = (run.row.parameters or {}).get("steps", 0)
        mine = [line for line in run.lines if line.startswith("line ")]
        wanted = [f"line {number}" for number in range(steps)]
        if run.row.state_type == "COMPLETED":
            goal.expect(mine == wanted, f"{run.id} has {mine} of {wanted}")
        else:
            goal.expect(mine == wanted[: len(mine)], f"{run.id} has {mine}")


def outage(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    seconds: float,
) -> None:
    """All of the control plane is away, much longer than a lease, while flows run."""
    cluster = Cluster(folder, replicas=replicas, workers=1, postgres=postgres, seed=seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployments = client.prepare(CODE, limit=None)
        cluster.start_workers()
        where = {"folder": str(cluster.effects)}
        steps = int(seconds) + 4
        bodies = [
            ("chaos", {"parameters": {**where, "steps": steps, "seconds": 1}}),
            ("chaos", {"parameters": {**where, "steps": int(seconds / 2), "seconds": 1}}),
            ("busy", {"parameters": {**where, "seconds": seconds / 2}}),
        ]
        made = [
            client.insist("POST", f"/deployments/{deployments[name]}/create_flow_run", body)["id"]
            for name, body in bodies
        ]
        until("the flows to run", lambda: len(cluster.flow_processes()) == len(made), 30)
        for server in cluster.servers:
            server.kill()
        time.sleep(seconds)
        for server in cluster.servers:
            server.start()
        back = time.time()
        _rest(cluster, goals)
        goals["G21 an outage of the control plane"].within(
            time.time() - back, 30, "to tell everything after the outage"
        )
        _stop(cluster)
        runs = read(cluster.database)
        for each in made:
            goals["G21 an outage of the control plane"].expect(
                len(runs[each].states) == 4 and runs[each].row.state_type == "COMPLETED",
                f"{each} went {[kind for _, kind, *_ in runs[each].states]}",
            )
        _judge_logs(goals, runs, cluster)
        _judge_attempts(goals, runs)
    finally:
        cluster.close()


def detection(goals: Goals, folder: Path, *, seed: int, deaths: int) -> None:
    """How soon a death is known, and the next attempt there; nothing else is wrong."""
    cluster = Cluster(folder, replicas=1, workers=1, postgres=None, seed=seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        cluster.start_workers()
        for number in range(deaths):
            with_machine = number % 4 == 3
            parameters = {"folder": str(cluster.effects), "steps": 60, "seconds": 1}
            body = {"parameters": parameters, "empirical_policy": {"retries": 1, "retry_delay": 0}}
            path = f"/deployments/{deployment}/create_flow_run"
            run = client.insist("POST", path, body)["id"]
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
            client.insist(
                "POST", f"/flow_runs/{following}/set_state", {"state": {"type": "CANCELLING"}}
            )
            until("peace", lambda: client.insist("POST", "/flow_runs/count", _UNFINISHED) == 0, 30)
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


def cancellation(goals: Goals, folder: Path, *, seed: int, races: int) -> None:
    """Cancelled runs end soon, once, and their processes with them."""
    cluster = Cluster(folder, replicas=1, workers=1, postgres=None, seed=seed)
    chance = random.Random(seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        cluster.start_workers()
        path = f"/deployments/{deployment}/create_flow_run"
        for number in range(races):
            is_race = number % 4 != 0
            parameters = {
                "folder": str(cluster.effects),
                "steps": 1 if is_race else 60,
                "seconds": 0 if is_race else 1,
            }
            run = client.insist(
                "POST",
                path,
                {"parameters": parameters, "empirical_policy": {"retries": 2, "retry_delay": 0}},
            )["id"]
            if is_race:
                time.sleep(chance.uniform(0, 0.12))
            else:
                until("the flow", lambda run=run: run in cluster.flow_processes(), 30)
            asked = time.time()
            client.insist("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
            if not is_race:
                until(
                    "the end of its process",
                    lambda run=run: run not in cluster.flow_processes(),
                    30,
                )
                goals["G11 cancelled, to its process gone"].within(time.time() - asked, 15, run)
        _rest(cluster, goals)
        _stop(cluster)
        for run in read(cluster.database).values():
            goals["G11 a cancellation ends a run once"].expect(
                run.row.state_type in {"CANCELLED", "COMPLETED"}
                and run.row.attempt == 1
                and sum(kind in ENDED for _, kind, *_ in run.states) == 1,
                f"{run.id} went {[kind for _, kind, *_ in run.states]}",
            )
    finally:
        cluster.close()


def schedules(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    seconds: float,
) -> None:
    """Schedules that fire each second while servers and the database come and go."""
    cluster = Cluster(folder, replicas=replicas, workers=0, postgres=postgres, seed=seed)
    chance = random.Random(seed)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        for number in range(20):
            body = [{"active": True, "slug": f"s{number}", "schedule": {"interval": 1.0}}]
            client.insist("POST", f"/deployments/{deployment}/schedules", body)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(chance.uniform(1, 4))
            server = chance.choice(cluster.servers)
            server.kill()
            if postgres is not None and chance.random() < 0.2:
                data = str(postgres.folder / "data")
                postgres.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "restart")
            server.start()
        for server in cluster.servers:
            server.wait_until_up()
        time.sleep(3)
        _stop(cluster)
        fires: Counter[tuple[str, int]] = Counter()
        for run in read(cluster.database).values():
            if run.row.schedule_id is not None:
                fires[str(run.row.schedule_id), int(run.row.expected_start_time.timestamp())] += 1
        goal = goals["G10 a schedule fires once at each instant"]
        by_schedule: dict[str, list[int]] = {}
        for (schedule, instant), times in fires.items():
            goal.expect(times == 1, f"{schedule} fired {times} times at {instant}")
            by_schedule.setdefault(schedule, []).append(instant)
        goal.expect(len(by_schedule) == 20, f"{len(by_schedule)} of 20 schedules fired")
        for schedule, instants in by_schedule.items():
            missing = set(range(min(instants), max(instants) + 1)) - set(instants)
            goal.expect(not missing, f"{schedule} has missed {sorted(missing)}")
    finally:
        cluster.close()


def rolling_restart(goals: Goals, folder: Path, *, postgres: Postgres, seed: int) -> None:
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
        _rest(cluster, goals)
        _expect_no_errors(goals, client)
        _stop(cluster)
        runs = read(cluster.database)
        _judge(goals, runs, creators, Diary(), cluster)
    finally:
        cluster.close()
