"""What happens to machines, processes and networks, as a seed has it; and a diary of it."""

import contextlib
import random
import signal
import threading
import time
from dataclasses import dataclass, field

import psutil

from chaos.cluster import LEASE, Cluster


@dataclass
class Diary:
    """What was done to whom, in seconds of the wall clock."""

    #: Flow run -> when its flow, or all of its machine, was killed.
    flow_killed: dict[str, float] = field(default_factory=dict)
    machine_killed: dict[str, float] = field(default_factory=dict)
    #: Flow run -> when its flow was killed, by the clock that effects are noted with.
    killed_at_ns: dict[str, int] = field(default_factory=dict)
    frozen: dict[str, float] = field(default_factory=dict)
    #: Name of a worker, and from when until when its machine or its network was bad.
    bad_times: list[tuple[str, float, float]] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def note(self, what: str, whom: str = "") -> None:
        self.faults[what] = self.faults.get(what, 0) + 1
        self.told.append(f"{time.time():.3f} {what} {whom}")

    def has_touched(self, run: str) -> bool:
        """Something was done to this run in particular."""
        return run in self.flow_killed or run in self.machine_killed or run in self.frozen

    def excuses(self, run: str, worker: str | None, begun: float, ended: float) -> bool:
        """It may have crashed, and not by a fault of the control plane."""
        return self.has_touched(run) or any(
            name == worker and begun <= until and ended >= since
            for name, since, until in self.bad_times
        )


class Nemesis(threading.Thread):
    """Strikes every second or so until it is told to stop, and then heals."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        super().__init__(name="nemesis", daemon=True)
        self.diary = Diary()
        self._cluster = cluster
        self._chance = random.Random(seed)
        self._is_over = threading.Event()
        self._healing: list[threading.Thread] = []
        self.trouble: BaseException | None = None
        #: A machine that dies must not be started while it is being killed.
        self._lock = threading.Lock()

    def run(self) -> None:
        """Until `stop`."""
        deeds = [
            (self._kill_flow, 5),
            (self._freeze_flow, 4),
            (self._kill_server, 4),
            (self._kill_worker, 2),
            (self._kill_machine, 2),
            (self._disturb_network, 3),
            (self._disturb_clients, 2),
            (self._freeze_server, 1),
        ]
        if self._cluster.postgres is not None:
            deeds.append((self._restart_postgres, 1))
        choices, weights = zip(*deeds, strict=True)
        try:
            while not self._is_over.wait(self._chance.uniform(0.3, 1.5)):
                self._chance.choices(choices, weights)[0]()
        except BaseException as error:
            self.trouble = error
            raise

    def stop(self) -> None:
        """No more; everything is as it should be."""
        self._is_over.set()
        self.join(60)
        for each in self._healing:
            each.join(60)
        if self.trouble is not None:
            raise self.trouble
        cluster = self._cluster
        for network in (cluster.network, *(worker.network for worker in cluster.workers)):
            network.set("open")

    def _later(self, seconds: float, action: object) -> None:
        def wait() -> None:
            self._is_over.wait(seconds)
            action()  # type: ignore[operator]

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        self._healing.append(thread)

    def _a_flow(self) -> tuple[str, psutil.Process] | None:
        flows = sorted(self._cluster.flow_processes().items())
        free = [each for each in flows if not self.diary.has_touched(each[0])]
        return self._chance.choice(free) if free else None

    def _kill_flow(self) -> None:
        if (found := self._a_flow()) is None:
            return
        run, process = found
        with contextlib.suppress(psutil.NoSuchProcess):
            self.diary.killed_at_ns[run] = time.monotonic_ns()
            process.kill()
            self.diary.flow_killed[run] = time.time()
            self.diary.note("flow killed", run)

    def _freeze_flow(self) -> None:
        """The whole execution stands still for three leases, and then goes on: a zombie."""
        if (found := self._a_flow()) is None:
            return
        run, process = found
        with contextlib.suppress(psutil.NoSuchProcess):
            keeper = process.parent()
            if keeper is None or keeper.name() != "rw-supervisor":
                return
            self.diary.frozen[run] = time.time()
            both = (keeper, process)
            for each in both:
                each.suspend()
            self.diary.note("execution frozen", run)
            self._later_thaw(both)

    def _later_thaw(self, processes: tuple[psutil.Process, ...]) -> None:
        def thaw() -> None:
            for each in reversed(processes):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.resume()

        # Not sooner, though everything else be over: it is to come back too late.
        thread = threading.Thread(target=lambda: (time.sleep(3 * LEASE), thaw()), daemon=True)
        thread.start()
        self._healing.append(thread)

    def _kill_server(self) -> None:
        server = self._chance.choice(self._cluster.servers)
        if server.is_alive:
            server.kill()
            self.diary.note("server killed", str(server.port))
            self._later(
                self._chance.uniform(0.1, 1.5), lambda: (server.start(), server.wait_until_up())
            )

    def _freeze_server(self) -> None:
        server = self._chance.choice(self._cluster.servers)
        if server.is_alive:
            server.kill(signal.SIGSTOP)
            self.diary.note("server frozen", str(server.port))
            self._later(self._chance.uniform(0.2, 2), lambda: server.kill(signal.SIGCONT))

    def _kill_worker(self) -> None:
        worker = self._chance.choice(self._cluster.workers)
        if worker.process is None or worker.process.poll() is not None:
            return
        worker.kill(with_machine=False)
        self.diary.note("worker killed")
        self._later(self._chance.uniform(0.1, 2), worker.start)

    def _kill_machine(self) -> None:
        worker = self._chance.choice(self._cluster.workers)
        if worker.process is None or worker.process.poll() is not None:
            return
        family = {process.pid for process in worker.family()}
        lost = [
            run for run, process in self._cluster.flow_processes().items() if process.pid in family
        ]
        at = time.time()
        worker.kill(with_machine=True)
        for run in lost:
            if not self.diary.has_touched(run):
                self.diary.machine_killed[run] = at
        self.diary.bad_times.append((worker.name, at - LEASE, at + 1))
        self.diary.note("machine lost", ", ".join(lost))
        self._later(self._chance.uniform(0.1, 2), worker.start)

    def _disturb_network(self) -> None:
        worker = self._chance.choice(self._cluster.workers)
        mode = self._chance.choice(["cut", "silent", "deaf"])
        seconds = self._chance.uniform(0.2, 6)
        worker.network.set(mode)  # type: ignore[arg-type]  # one of them
        now = time.time()
        self.diary.bad_times.append((worker.name, now, now + seconds + LEASE))
        self.diary.note(f"network {mode}")
        self._later(seconds, lambda: worker.network.set("open"))

    def _disturb_clients(self) -> None:
        mode = self._chance.choice(["cut", "deaf"])
        self._cluster.network.set(mode)  # type: ignore[arg-type]  # one of them
        self.diary.note(f"clients' network {mode}")
        self._later(self._chance.uniform(0.1, 1), lambda: self._cluster.network.set("open"))

    def _restart_postgres(self) -> None:
        assert self._cluster.postgres is not None
        self.diary.note("Postgres killed and started")
        self._cluster.postgres.crash()
