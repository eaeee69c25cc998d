"""`make demo`: a server, two workers of two pools, the flights pipeline, and a killed run.

Runs the same commands as a user would, in a home of its own, and stops everything at the end.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psutil

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "demo-output"
RUNWRIGHT = [sys.executable, "-m", "runwright.cli.main"]
TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Demo:
    """The processes of the demonstration, and the commands it types."""

    def __init__(self) -> None:
        shutil.rmtree(OUTPUT, ignore_errors=True)
        OUTPUT.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")},
            "RUNWRIGHT_HOME": str(OUTPUT / "home"),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a long-running `runwright` command; its output goes to a file."""
        print(f"$ runwright {' '.join(arguments)} &")
        with (OUTPUT / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*RUNWRIGHT, *arguments], env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def run(self, *arguments: str, quiet: bool = False, check: bool = True) -> str:
        """Run one `runwright` command to its end and return what it printed."""
        if not quiet:
            print(f"$ runwright {' '.join(arguments)}")
        done = subprocess.run(
            [*RUNWRIGHT, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise SystemExit(f"runwright {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        if not quiet and done.stdout.strip():
            print(done.stdout.rstrip())
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command says as JSON; None when it fails."""
        printed = self.run(*arguments, "-o", "json", quiet=True, check=False)
        return json.loads(printed) if printed.strip() else None

    def stop(self) -> None:
        """End what was started, the server last, each with a bound."""
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll until `condition` holds; give up loudly."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.1)  # noqa: TID251  # a demonstration has nothing to wait on but the world
    raise SystemExit(f"waited {seconds:.0f} s in vain for {what}; see {OUTPUT}/*.log")


def lineage(demo: Demo, root: str) -> list[dict[str, Any]]:
    """The attempts of one run, first to last."""
    runs = demo.json("flow-run", "ls", "--limit", "50") or []
    return sorted((r for r in runs if r["root_run_id"] == root), key=lambda r: r["attempt"])


def kill_flow_process(worker: psutil.Process) -> int:
    """SIGKILL the process that runs the flow: the youngest descendant of the worker."""
    flow_process = max(worker.children(recursive=True), key=lambda p: (p.create_time(), p.pid))
    flow_process.kill()
    return flow_process.pid


def check_loaded(folder: Path) -> None:
    """Compare the warehouse with the CSV file the package ships, column by column."""
    sums = "count(*), sum(distance), sum(dep_delay), sum(air_time), count(DISTINCT tailnum)"
    with duckdb.connect(str(folder / "flights.duckdb"), read_only=True) as db:
        loaded = db.execute(f"SELECT {sums} FROM flights").fetchall()[0]
        original = db.execute(
            f"SELECT {sums} FROM read_csv(?, nullstr='NA')",
            [str(folder / "flights.csv")],
        ).fetchall()[0]
    if loaded != original:
        raise SystemExit(f"what was loaded {loaded} is not what was extracted {original}")
    print(f"\nloaded = extracted: {loaded[0]:,} flights, {int(loaded[1]):,} miles flown")


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def show_runs(runs: list[dict[str, Any]]) -> None:
    """The runs as a table with their timings."""
    rows = [
        [
            run["name"],
            str(run["attempt"]),
            run["work_pool_name"] or "",
            run["state_name"],
            f"{run['total_run_time']:.2f}",
            (run["state"].get("message") or "").split("\n")[0][:60],
        ]
        for run in runs
    ]
    print()
    table([["run", "attempt", "pool", "state", "seconds", "why"], *rows])


def deploy(demo: Demo) -> None:
    """Two pools, a worker for each, two deployments; one of them on a schedule."""
    demo.start("worker-etl", "worker", "start", "--pool", "etl", "--create-pool")
    demo.start("worker-reports", "worker", "start", "--pool", "reports", "--create-pool")
    wait_for("two pools", lambda: len(demo.json("work-pool", "ls") or []) == 2)  # noqa: PLR2004
    demo.run(
        *("deploy", "examples/flights/pipeline.py:flights_pipeline", "--name", "nightly"),
        *("--pool", "etl", "--cron", "0 5 * * *", "--timezone", "America/New_York"),
        *("--param", f"folder={OUTPUT / 'nightly'}"),
    )
    demo.run(
        *("deploy", "examples/flights/report.py:flights_report", "--name", "weekly"),
        *("--pool", "reports"),
    )


def run_and_kill(demo: Demo, folder: Path) -> list[dict[str, Any]]:
    """Run the pipeline, kill its process half-way, and follow the lineage to its end."""
    etl = psutil.Process(demo.started[1].pid)
    demo.run(
        *("deployment", "run", "flights-pipeline/nightly"),
        *("--param", f"folder={folder}", "--param", "report=flights-report/weekly"),
    )
    runs = demo.json("flow-run", "ls", "--limit", "50")
    root = next(r for r in runs if not r["auto_scheduled"])["id"]

    def half_way() -> bool:
        done = demo.json("task-run", "ls", "--flow-run", root, "--limit", "200") or []
        return sum(t["state_type"] == "COMPLETED" for t in done) >= 6  # noqa: PLR2004

    wait_for("the run to be half-way", half_way)
    print(f"\nkill -9 {kill_flow_process(etl)}   # the flow's process, half-way")
    killed = time.monotonic()
    attempts = wait_for(
        "the next attempt", lambda: (a := lineage(demo, root)) and len(a) > 1 and a, 15
    )
    print(
        f"after {time.monotonic() - killed:.1f} s: {attempts[0]['name']} is "
        f"{attempts[0]['state_name']}, and attempt 2 is {attempts[1]['name']}"
    )
    wait_for(
        "the last attempt to end",
        lambda: lineage(demo, root)[-1]["state_type"] in TERMINAL,
        120,
    )
    return lineage(demo, root)


def main() -> None:
    """Everything, in order."""
    demo = Demo()
    begun = time.monotonic()
    try:
        demo.start("server", "server", "start", "--port", str(demo.port))
        wait_for("the server", lambda: demo.json("server", "status"))
        deploy(demo)
        folder = OUTPUT / "flights"
        attempts = run_and_kill(demo, folder)
        everything = [r for r in demo.json("flow-run", "ls", "--limit", "50") if r["start_time"]]
        show_runs(sorted(everything, key=lambda r: r["start_time"]))
        if attempts[-1]["state_type"] != "COMPLETED":
            raise SystemExit("the last attempt did not complete")
        check_loaded(folder)
        print(f"the report: {folder / 'report.md'}")
    finally:
        demo.stop()
    print(f"done in {time.monotonic() - begun:.0f} s; everything is stopped")


if __name__ == "__main__":
    main()
