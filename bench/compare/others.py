"""Other engines, where their work is comparable: no-op steps, recorded.

Each lives in a virtual environment of its own below the folder in BENCH_OTHERS, which `prepare`
makes. What each records, and how durably, is not the same: the rows say it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.compare.postgres import Cluster
from bench.stage import ROOT, free_port, wait_for

FOLDER = Path(os.environ.get("BENCH_OTHERS", ".bench-others")).absolute()
_PACKAGES = {
    "dbos": ["dbos"],
    "celery": ["celery", "redis", "packaging"],
    "procrastinate": ["procrastinate", "psycopg[binary]"],
    "dagster": ["dagster"],
}


def prepare(name: str) -> Path:
    """The Python of an engine's environment, made where it is missing."""
    python = FOLDER / name / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER / name)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", *_PACKAGES[name]]
        subprocess.run(install, check=True, timeout=600)
    return python


def dbos_step_ms(cluster: Cluster, count: int) -> float:
    """A step, committed to Postgres before it returns."""
    return _run("dbos", "dbos_steps", cluster.database(), count)


def procrastinate_job_ms(cluster: Cluster, count: int) -> float:
    """A job, put into Postgres, taken from it and marked as done."""
    return _run("procrastinate", "procrastinate_jobs", cluster.database(), count)


def dagster_op_ms(count: int) -> float:
    """An op, its events in SQLite."""
    return _run("dagster", "dagster_ops", "-", count)


def celery_task_ms(count: int) -> float:
    """A task through Redis and its result back; Redis flushes once a second."""
    with _redis() as url:
        return _run("celery", "celery_tasks", url, count)


def _run(name: str, program: str, url: str, count: int) -> float:
    folder = ROOT / "bench/programs/others"
    done = subprocess.run(
        [str(prepare(name)), str(folder / f"{program}.py"), url, str(count)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-400:])
    return json.loads(done.stdout.strip().splitlines()[-1])


@contextmanager
def _redis() -> Iterator[str]:
    if shutil.which("redis-server") is None:
        raise RuntimeError("redis-server is not installed")
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes",
         "--dir", str(FOLDER)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    ping = ["redis-cli", "-p", str(port), "ping"]

    def answers() -> bool:
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0

    try:
        wait_for("Redis", answers)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)
