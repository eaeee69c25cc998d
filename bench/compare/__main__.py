"""`python -m bench.compare [--quick] [PART...]`: Runwright and Prefect in the same run, by turns.

Writes bench/results/compare.md, compare.json and plots. A workload that fails is a row that says
so, and ends nothing; what was measured is written after every row. Parts (workers, hand, sqlite,
postgresql, alone, grown) can be measured again alone.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import measures
from bench.compare import growth, limits, others, plots, workloads
from bench.compare.engines import ENGINES, Engine, running
from bench.compare.postgres import Cluster, postgres
from bench.compare.table import Samples, Table

RESULTS = Path(__file__).parents[1] / "results"
QUICK = "--quick" in sys.argv
TURNS = 1 if QUICK else 2
SECONDS = 1.0 if QUICK else 2.5
CONNECTIONS = (8,) if QUICK else (1, 8, 32, 128)
COUNTS = (100,) if QUICK else (1, 100, 1000)
SIZES = (1_000,) if QUICK else growth.SIZES


def keep(table: Table) -> None:
    if QUICK:
        return
    RESULTS.mkdir(exist_ok=True)
    about = {"machine": measures.machine(), "rows": table.rows}
    (RESULTS / "compare.json").write_text(json.dumps(about, indent=1) + "\n")
    (RESULTS / "compare.md").write_text(table.markdown())


def by_turns(
    folder: Path,
    measure: Callable[[Engine], Any],
    *,
    turns: int = TURNS,
    database: Callable[[], str] | None = None,
) -> None:
    """Measure each engine; each turn with a fresh server, and a fresh database."""
    for _ in range(turns):
        for kind in ENGINES:
            try:
                with running(kind, folder, database and database()) as engine:
                    measure(engine)
            except (SystemExit, Exception) as error:  # noqa: BLE001  # a row that says so
                print(f"  {kind.name}: {error!r}"[:600], flush=True)


def _nothing() -> dict[str, Samples]:
    return {kind.name: [] for kind in ENGINES}


def by_hand(table: Table, folder: Path) -> None:
    both: dict[str, dict[str, Samples]] = {}

    def note(name: str, engine: Engine, samples: Samples) -> None:
        both.setdefault(name, _nothing())[engine.name] += samples

    def measure(engine: Engine) -> None:
        seconds, megabytes = workloads.import_figures(engine)
        note("import (s)", engine, seconds)
        note("import, peak memory (MB)", engine, megabytes)
        version = [*engine.cli, "version"]
        note("`version` (s)", engine, workloads.seconds_of(engine, version, 3))
        note("no-op async flow by hand (ms)", engine, workloads.noop_flow_ms(engine, 10))
        note("40 tasks of fib(10) (s)", engine, workloads.flow_seconds(engine, "light"))
        note("10 tasks of fib(30) (s)", engine, workloads.flow_seconds(engine, "heavy"))
        lag = workloads.record_lag_s(engine, COUNTS[-1])
        note(f"{COUNTS[-1]:,} task runs recorded after the flow's end (s)", engine, lag)
        for way in workloads.WAYS:
            for count in COUNTS:
                name = f"a no-op task of {count:,}, {way} (ms)"
                note(name, engine, workloads.task_ms(engine, way, count))

    by_turns(folder, measure)
    if not QUICK:
        name = "a no-op task of 10,000, map (ms)"
        by_turns(
            folder, lambda engine: note(name, engine, workloads.task_ms(engine, "map", 10_000))
        )
    for name, given in both.items():
        figure, _, unit = name.rpartition(" (")
        table.compare(figure, unit.rstrip(")"), given)


def load(table: Table, folder: Path, database: str, cluster: Cluster | None) -> None:
    found: dict[tuple[str, int], dict[str, Samples]] = {}

    def measure(engine: Engine) -> None:
        for kind in workloads.LOADS:
            for connections in CONNECTIONS:
                given = found.setdefault((kind, connections), _nothing())
                answer = workloads.load(engine, kind, connections, SECONDS)
                given[engine.name].append(answer["a_second"])
                given.setdefault(f"{engine.name} p99 ms", []).append(answer["p99_ms"])
                given.setdefault(f"{engine.name} refused", []).append(answer["refused"])

    by_turns(folder, measure, database=cluster and cluster.database)
    for (kind, connections), given in found.items():
        extra = {
            name: statistics.median(samples)
            for name, samples in given.items()
            if name.endswith(("ms", "refused"))
        }
        rates = {each.name: given[each.name] for each in ENGINES}
        figure = f"{kind}, {connections} connections, {database}"
        where = {"kind": kind, "connections": connections, "database": database}
        table.compare(figure, "requests/s", rates, more=True, **where, **extra)


def workers(table: Table, folder: Path) -> None:
    found: dict[str, dict[str, Samples]] = {}

    def note(name: str, engine: Engine, samples: Samples) -> None:
        found.setdefault(name, _nothing())[engine.name] += samples

    def measure(engine: Engine) -> None:
        is_ours = engine.name == "runwright"
        time.sleep(5)  # what a server does when it has just started is not idling
        processor, megabytes = workloads.idle(engine, 5 if QUICK else 20)
        note("idle server, CPU", engine, [processor])
        note("idle server, memory", engine, [megabytes])
        engine.start_worker()
        deployment = engine.deploy("noop")
        some = workloads.created_to_running_ms(engine, deployment, 10 if is_ours else 3)
        note("created to Running, one worker", engine, some)
        count = 300 if is_ours else 16
        rate = workloads.runs_a_second(engine, deployment, count)
        note("no-op runs through one worker, 8 at a time", engine, rate)
        for _ in range(2):
            engine.start_worker()
        rate = workloads.runs_a_second(engine, deployment, count)
        note("no-op runs through three workers, 8 at a time each", engine, rate)

    by_turns(folder, measure, turns=1)
    units = {"idle server, CPU": "% of a core", "idle server, memory": "MiB"}
    for name, given in found.items():
        is_rate = name.startswith("no-op runs")
        unit = "1/s" if is_rate else units.get(name, "ms")
        table.compare(name, unit, given, more=is_rate)


def grown(table: Table, folder: Path) -> None:
    """The same requests with more and more of a history, on SQLite."""
    found: dict[tuple[int, str], dict[str, Samples]] = {}

    def measure(engine: Engine) -> None:
        run = growth.ended_run(engine)
        has = 1
        for size in SIZES:
            engine.stop_server()
            growth.copy_runs(engine, engine.home / f"{engine.name}.db", run, has, size)
            has = size
            engine.start_server()
            for kind in ("read", "filter", "create", "set_state"):
                rate = workloads.load(engine, kind, 8, SECONDS)["a_second"]
                found.setdefault((size, kind), _nothing())[engine.name].append(rate)

    by_turns(folder, measure, turns=1)
    for (size, kind), given in found.items():
        name = f"{kind}, 8 connections, {size:,} runs recorded"
        table.compare(name, "requests/s", given, more=True)


def alone(table: Table, folder: Path, cluster: Cluster | None) -> None:
    count = 100 if QUICK else 1000
    if cluster is not None:
        table.alone(
            "DBOS, a step, committed to Postgres",
            "ms",
            lambda: others.dbos_step_ms(cluster, count),
        )
        table.alone(
            "Procrastinate, a job, deferred and done in Postgres",
            "ms",
            lambda: others.procrastinate_job_ms(cluster, count),
        )
    table.alone(
        "Celery, a task through Redis (AOF, flushed each second) and back",
        "ms",
        lambda: others.celery_task_ms(count),
    )
    table.alone(
        "Dagster, an op in one process, events in SQLite",
        "ms",
        lambda: others.dagster_op_ms(count // 5),
    )
    table.alone("limit: fsync", "1/s", lambda: limits.fsyncs_a_second(folder))
    for rows in (1, 10, 100):
        name = f"limit: SQLite, durable, {rows} rows a commit"
        table.alone(name, "rows/s", lambda rows=rows: limits.commits_a_second(folder, rows))
    table.alone("limit: a round trip over loopback", "1/s", limits.round_trips_a_second)
    table.alone("limit: start of a Python", "ms", limits.process_start_ms)
    table.alone("limit: fork", "ms", limits.fork_ms)
    table.alone("limit: 10 times fib(30), bare Python", "s", limits.heavy_s)


def main() -> None:
    table = Table(keep)
    chosen = [each for each in sys.argv[1:] if not each.startswith("-")]
    if chosen and (RESULTS / "compare.json").exists():
        table.rows = json.loads((RESULTS / "compare.json").read_text())["rows"]
    with tempfile.TemporaryDirectory(prefix="rwcompare-") as name, postgres() as cluster:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "workers": lambda: workers(table, folder),
            "hand": lambda: by_hand(table, folder),
            "sqlite": lambda: load(table, folder, "sqlite", None),
            "postgresql": lambda: cluster and load(table, folder, "postgresql", cluster),
            "alone": lambda: alone(table, folder, cluster),
            "grown": lambda: grown(table, folder),
        }
        for part in chosen or parts:
            parts[part]()
    if not QUICK:
        plots.draw(table.rows, RESULTS)


if __name__ == "__main__":
    main()
