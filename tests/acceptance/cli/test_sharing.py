"""What flows share: variables, and slots of limits. By hand, and on a worker."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from runwright import flow, task
from runwright.concurrency.asyncio import concurrency as aconcurrency
from runwright.concurrency.asyncio import rate_limit as arate_limit
from runwright.concurrency.sync import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
    concurrency,
    rate_limit,
)
from runwright.errors import AlreadyExists
from runwright.variables import Variable

lock, inside, most = threading.Lock(), 0, 0


def count(change):
    global inside, most
    with lock:
        inside += change
        most = max(most, inside)


@task
def scarce(number):
    with concurrency("scarce", lease_duration=60):
        count(1)
        threading.Event().wait(0.05)
        count(-1)
    return number


@flow(log_prints=True)
def sharing(name: str):
    Variable.set(name, {"size": [1, 2]}, tags=["t"])
    try:
        Variable.set(name, 3)
    except AlreadyExists:
        Variable.set(name, 4, overwrite=True)
    assert Variable.get(name) == 4
    assert Variable.unset(name) and not Variable.unset(name)
    assert Variable.get(name, default="none") == "none"
    assert sum(scarce.map(range(5)).result()) == 10
    assert most == 2, most
    with concurrency("scarce", occupy=2):
        try:
            with concurrency("scarce", timeout_seconds=0.1):
                raise AssertionError("it was full")
        except AcquireConcurrencySlotTimeoutError:
            pass
    try:
        with concurrency("no-such-limit", strict=True):
            raise AssertionError("there is none")
    except ConcurrencySlotAcquisitionError:
        pass
    with concurrency([]):
        pass
    rate_limit("rate")
    asyncio.run(later(name))
    print("shared", name)


async def later(name):
    await Variable.aset(name, None)
    assert await Variable.aget(name, default=1) is None
    assert await Variable.get(name) is None
    assert await Variable.aunset(name)
    async with aconcurrency(["scarce", "rate"]):
        pass
    await arate_limit("rate")


if __name__ == "__main__":
    sharing("by-hand")
"""


@pytest.fixture(scope="module")
def limits(rw):
    """Limits, and the program beside the others."""
    (rw.folder / "sharing.py").write_text(PROGRAM)
    rw.ok("work-pool", "create", "local")
    script = (
        "from runwright.client.blocking import connect\n"
        "from runwright.settings import load_settings\n"
        "with connect(load_settings()) as client:\n"
        "    for body in ({'name': 'scarce', 'limit': 2},"
        " {'name': 'rate', 'limit': 50, 'slot_decay_per_second': 50.0}):\n"
        "        assert client.send('POST', '/v2/concurrency_limits/', body)[0] == 201\n"
    )
    subprocess.run([sys.executable, "-c", script], env=rw.environment, check=True, timeout=30)


def test_a_flow_by_hand_shares(rw, limits):
    done = subprocess.run(
        [sys.executable, "sharing.py"],
        cwd=rw.folder,
        env=rw.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "shared by-hand" in done.stdout + done.stderr


def test_a_flow_on_a_worker_shares(rw, limits, worker):
    rw.ok("deploy", "sharing.py:sharing", "--name", "d", "--pool", "local")
    done = rw("deployment", "run", "sharing/d", "--param", "name=worker", "--watch")
    assert (done.code, "shared worker" in done.out + done.err) == (0, True), done
