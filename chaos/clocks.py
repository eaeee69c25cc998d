"""Clocks that are set by an hour, forward and back, under a running server and its workers."""

import random
import shutil
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from bench.compare.postgres import Cluster as Postgres
from bench.compare.postgres import postgres

from chaos.books import expect_no_errors, judge, rest, stop
from chaos.client import CODE, Client
from chaos.cluster import LEASE, Cluster, until
from chaos.creator import Creator
from chaos.goals import Goals, Unavailable
from chaos.nemesis import Diary
from chaos.record import ENDED, Run, read

_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
_OFFSETS = (-3600, 0, 3600)
#: Seconds between the fires of each schedule.
_INTERVAL = 2


class WallClock:
    """The wall clock of one machine. Its monotonic clock goes on, as on a real one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    @property
    def folder(self) -> Path:
        return self._file.parent

    def set(self, seconds: int) -> None:
        """Let it be so far from the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self._file)
        self.offset = seconds

    @property
    def environment(self) -> dict[str, str]:
        """What the processes of that machine are started with."""
        return {
            "LD_PRELOAD": str(_LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def clocks(goals: Goals, folder: Path, *, seed: int, jumps: int) -> None:
    """The server's clock, a worker's, all of them, so often; runs come, go and die meanwhile."""
    machines = _machines("server-0", "worker-0", "worker-1")
    _set_clocks(goals, folder, machines, None, seed=seed, jumps=jumps)


def clocks_of_postgres(goals: Goals, folder: Path, *, seed: int, jumps: int) -> None:
    """The same where the database's own clock is the one that decides, and there are replicas."""
    machines = _machines("database", "server-0", "server-1", "worker-0", "worker-1")
    with postgres(machines["database"].environment) as cluster:
        _set_clocks(goals, folder, machines, cluster, seed=seed, jumps=jumps)


def _machines(*names: str) -> dict[str, WallClock]:
    if _LIBRARY is None:
        raise Unavailable("libfaketime is missing: apt-get install faketime")
    folder = Path(tempfile.mkdtemp(prefix="rwclocks", dir="/tmp"))
    folder.chmod(0o755)  # the database's server is another user
    return {name: WallClock(folder / name) for name in names}


def _set_clocks(
    goals: Goals, folder: Path, machines: dict[str, WallClock], cluster_of: Postgres | None,
    *, seed: int, jumps: int,
) -> None:  # fmt: skip
    names = list(machines)
    environment = {name: clock.environment for name, clock in machines.items()}
    cluster = Cluster(
        folder,
        replicas=sum(name.startswith("server") for name in names),
        workers=2,
        postgres=cluster_of,
        seed=seed,
        environment=environment,
    )
    chance = random.Random(seed)
    diary = Diary()
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=None)["chaos"]
        parameters = {"folder": str(cluster.effects), "steps": 1, "seconds": 0}
        schedules = f"/deployments/{deployment}/schedules"
        body = {"schedule": {"interval": _INTERVAL}, "slug": "s", "parameters": parameters}
        schedule = client.insist("POST", schedules, [body])[0]["id"]
        cluster.start_workers()
        creator = Creator(client, deployment, cluster.effects, seed)
        creator.start()
        for number in range(jumps):
            # The one that decides, another one, all.
            chosen = [names[:1], [chance.choice(names[1:])], names][number % 3]
            now = machines[chosen[0]].offset
            offset = chance.choice([each for each in _OFFSETS if each != now])
            for name in chosen:
                machines[name].set(offset)
            diary.note(f"{'all clocks' if len(chosen) > 1 else f'clock of {chosen[0]}'} set")
            if number % 4 == 3:
                _lose_a_machine(cluster, client, goals, diary)
            # Longer than from one look of the server at its clock to the next.
            time.sleep(chance.uniform(1.5, 1.5 * LEASE))
        for clock in machines.values():
            clock.set(0)
        mended = time.time()
        time.sleep(6 * _INTERVAL)
        last = time.time()
        creator.stop()
        client.insist("PATCH", f"{schedules}/{schedule}", {"active": False})
        rest(cluster, goals)
        expect_no_errors(goals, client)
        stop(cluster)
        runs = read(cluster.database)
        judge(goals, runs, [creator], diary, cluster, true_times=False)
        _judge_fires(goals, runs, mended, last)
    finally:
        cluster.close()
        shutil.rmtree(machines[names[0]].folder, ignore_errors=True)
    faults = ", ".join(f"{what} {times}" for what, times in sorted(diary.faults.items()))
    print(f"  {len(runs)} runs; {faults}", flush=True)


def _lose_a_machine(cluster: Cluster, client: Client, goals: Goals, diary: Diary) -> None:
    """The dead are known to be dead, whatever the clock says."""
    worker = cluster.workers[0]
    family = {process.pid for process in worker.family()}
    lost = [run for run, process in cluster.flow_processes().items() if process.pid in family]
    killed = time.time()
    worker.kill(with_machine=True)
    diary.machine_killed |= dict.fromkeys(lost, killed)
    diary.bad_times.append((worker.name, 0, float("inf")))  # what it held and had not begun
    diary.note("machine lost")
    for run in lost:
        until(
            f"the end of {run}",
            lambda run=run: client.insist("GET", f"/flow_runs/{run}")["state_type"] in ENDED,
            60,
        )
        took = time.time() - killed
        # The clock that was set a moment before makes its lease whole once more.
        goals["G5 a machine lost while clocks are set, to the end of its run"].within(
            took, 2 * LEASE + 3, run
        )
    worker.start()


def _judge_fires(goals: Goals, runs: dict[str, Run], since: float, until_: float) -> None:
    fires = Counter(
        datetime.fromisoformat(run.row.fire_key.partition("@")[2]).timestamp()
        for run in runs.values()
        if run.row.fire_key
    )
    once = goals["I-27 no fire is doubled when a clock is set"]
    for instant, times in fires.items():
        once.expect(times == 1, f"{times} fires at {instant}")
    missed = goals["I-27 schedules go on when the clock is right again"]
    first = int(since // _INTERVAL + 2) * _INTERVAL
    for instant in range(first, int(until_) - 1, _INTERVAL):
        missed.expect(instant in fires, f"no fire at {instant}, mended at {since}")
