"""A disk that is full, and has space again: the control plane's and the workers'."""

import contextlib
import os
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from chaos.books import expect_no_errors, judge, rest, stop
from chaos.client import CODE, Client, Refused, Unknown
from chaos.cluster import Cluster, until
from chaos.creator import Creator
from chaos.goals import Goals, Unavailable
from chaos.nemesis import Diary
from chaos.record import read

_SIZE = "48m"
_BLOCK = b"\0" * 65536
#: Seconds after which all must be as before, when there is space again.
_RECOVERY = 5.0


def full_disks(goals: Goals, folder: Path, *, seed: int, times: int) -> None:
    """The disk is filled to its last block so often, for some seconds each time."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    chance = random.Random(seed)
    diary = Diary()
    with _small_disk(disk):
        cluster = Cluster(folder, replicas=1, workers=2, postgres=None, seed=seed, disk=disk)
        try:
            client = Client(cluster.network.url, cluster.key, seed)
            deployment = client.prepare(CODE, limit=None)["chaos"]
            cluster.start_workers()
            creators = [Creator(client, deployment, cluster.effects, seed * 10 + n) for n in (0, 1)]
            for each in creators:
                each.start()
            for number in range(times):
                time.sleep(chance.uniform(1, 3))
                filler = disk / "filler"
                _fill(filler)
                diary.note("disk full")
                time.sleep(chance.uniform(1, 6))
                _refuse(goals, client)
                goals["I-26 a full disk does not end the server"].expect(
                    cluster.servers[0].is_alive, f"time {number}"
                )
                if number % 3 == 2:
                    cluster.servers[0].kill()
                    diary.note("server killed")
                filler.unlink()
                begun = time.time()
                if not cluster.servers[0].is_alive:
                    cluster.servers[0].start()
                until("something to be taken again", lambda: _takes(client), 60)
                goals["I-26 space again, to work again"].within(
                    time.time() - begun, _RECOVERY, f"time {number}"
                )
            for each in creators:
                each.stop()
            rest(cluster, goals)
            expect_no_errors(goals, client)
            stop(cluster)
            sound = sqlite3.connect(disk / "runwright.db").execute("PRAGMA integrity_check")
            goals["I-26 the database is sound"].expect(sound.fetchone() == ("ok",), "it is not")
            runs = read(cluster.database)
            judge(goals, runs, creators, diary, cluster)
        finally:
            cluster.close()
    faults = ", ".join(f"{what} {number}" for what, number in sorted(diary.faults.items()))
    print(f"  {len(runs)} runs; {faults}", flush=True)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Raises: Unavailable where nobody may mount."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise Unavailable(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], timeout=10, check=True)


def _fill(file: Path) -> None:
    """To the last byte; what others free meanwhile is filled too."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        for block in (_BLOCK, _BLOCK[:512]):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(block)
        os.fsync(filler.fileno())


def _make_a_large_pool(client: Client) -> None:
    """Too large for what is left on a disk that is full."""
    body = {"name": f"pool {time.time()}", "description": "y" * 100_000, "type": "process"}
    client.ask("POST", "/work_pools/", body)


def _refuse(goals: Goals, client: Client) -> None:
    said = "it was taken"
    try:
        _make_a_large_pool(client)
    except (Refused, Unknown) as error:
        said = str(error)
    goals["I-26 a full disk is said to be full"].expect(said.startswith("507"), said)


def _takes(client: Client) -> bool:
    try:
        _make_a_large_pool(client)
    except (Refused, Unknown):
        return False
    return True
