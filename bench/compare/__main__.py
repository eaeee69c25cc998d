"""`python -m bench.compare [--quick | --long]`: Runwright and Prefect in the same run, by turns.

Writes bench/results/compare.md, compare.json and plots. A workload that fails is a row that says
so, and ends nothing.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import measures
from bench.compare import limits, others, plots, workloads
from bench.compare.engines import ENGINES, Engine, running
from bench.compare.postgres import Cluster, postgres

RESULTS = Path(__file__).parents[1] / "results"
QUICK = "--quick" in sys.argv
TURNS = 1 if QUICK else 2
SECONDS = 1.0 if QUICK else 2.0
CONNECTIONS = (8,) if QUICK else (1, 8, 32, 128) if "--long" in sys.argv else (8, 32)
COUNTS = (100,) if QUICK else (1, 100, 1000)

Samples = list[float]


class Table:
    """Rows of one figure for both engines."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def compare(
        self, figure: str, unit: str, given: dict[str, Samples], *, more: bool = False, **extra: Any
    ) -> None:
        """`more`: more is better."""
        row: dict[str, Any] = {"figure": figure, "unit": unit, **extra}
        for name, samples in given.items():
            row[name] = round(statistics.median(samples), 3) if samples else None
            ends = (min(samples), max(samples)) if samples else ()
            row[f"{name} from"] = [round(end, 3) for end in ends]
        ours, theirs = row.get("runwright"), row.get("prefect")
        if ours and theirs:
            row["ratio"] = round(ours / theirs if more else theirs / ours, 1)
        self.rows.append(row)
        print(f"{figure}: {ours} {unit}, Prefect {theirs} ({row.get('ratio', '-')} x)", flush=True)

    def alone(self, figure: str, unit: str, measure: Callable[[], float]) -> None:
        """A figure of neither."""
        try:
            value: Any = round(measure(), 3)
        except Exception as error:  # noqa: BLE001  # one that fails ends no other
            value = f"failed: {str(error)[-120:]}"
        self.rows.append({"figure": figure, "unit": unit, "value": value})
        print(f"{figure}: {value} {unit}", flush=True)

    def markdown(self) -> str:
        lines = [
            "| figure | unit | Runwright | from to | Prefect 3.8.8 | from to | times as good |",
            "|---|---|--:|---|--:|---|--:|",
        ]
        for row in self.rows:
            if "value" in row or "kind" in row:
                continue
            ours, theirs = (_span(row.get(f"{name} from")) for name in ("runwright", "prefect"))
            lines.append(
                f"| {row['figure']} | {row['unit']} | {row.get('runwright', '')} | {ours} "
                f"| {row.get('prefect', '')} | {theirs} | {row.get('ratio', '')} |"
            )
        lines += [
            "",
            (
                "| requests | connections | database | Runwright a second | p99 ms | refused "
                "| Prefect 3.8.8 a second | p99 ms | refused | times as many |"
            ),
            "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for row in self.rows:
            if "kind" in row:
                cells = [row["kind"], row["connections"], row["database"]]
                for name in ("runwright", "prefect"):
                    cells += [row.get(name), row.get(f"{name} p99 ms"), row.get(f"{name} refused")]
                cells.append(row.get("ratio", ""))
                lines.append(f"| {' | '.join(map(str, cells))} |")
        lines += ["", "| alone | unit | figure |", "|---|---|--:|"]
        lines += [
            f"| {row['figure']} | {row['unit']} | {row['value']} |"
            for row in self.rows
            if "value" in row
        ]
        return "\n".join(lines) + "\n"


def _span(found: list[float] | None) -> str:
    return f"{found[0]} to {found[1]}" if found else ""


def by_turns(folder: Path, measure: Callable[[Engine], Samples], *, turns: int = TURNS, **where: Any) -> dict[str, Samples]:  # fmt: skip  # noqa: E501
    """The samples of each engine; each turn with a fresh server."""
    found: dict[str, Samples] = {kind.name: [] for kind in ENGINES}
    for _ in range(turns):
        for kind in ENGINES:
            try:
                with running(kind, folder, **where) as engine:
                    found[kind.name] += measure(engine)
            except (SystemExit, Exception) as error:  # noqa: BLE001  # a row that says so
                print(f"  {kind.name}: {error!r}"[:600], flush=True)
    return found


def by_hand(table: Table, folder: Path) -> None:
    both: dict[str, dict[str, Samples]] = {}

    def note(name: str, engine: Engine, samples: Samples) -> None:
        both.setdefault(name, {kind.name: [] for kind in ENGINES})[engine.name] += samples

    def measure(engine: Engine) -> Samples:
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
        if "--long" in sys.argv:
            name = "a no-op task of 10,000, map (ms)"
            note(name, engine, workloads.task_ms(engine, "map", 10_000))
        return []

    by_turns(folder, measure)
    for name, given in both.items():
        figure, _, unit = name.rpartition(" (")
        table.compare(figure, unit.rstrip(")"), given)


def load(table: Table, folder: Path, database: str, cluster: Cluster | None) -> None:
    found: dict[tuple[str, int], dict[str, Samples]] = {}

    def measure(engine: Engine) -> Samples:
        for kind in workloads.LOADS:
            for connections in CONNECTIONS:
                key = kind, connections
                given = found.setdefault(key, {each.name: [] for each in ENGINES})
                answer = workloads.load(engine, kind, connections, SECONDS)
                given[engine.name].append(answer["a_second"])
                given.setdefault(f"{engine.name} p99 ms", []).append(answer["p99_ms"])
                given.setdefault(f"{engine.name} refused", []).append(answer["refused"])
        return []

    for _ in range(TURNS):
        by_turns(folder, measure, turns=1, database=cluster.database() if cluster else None)
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
    latency: dict[str, Samples] = {}
    rates: dict[str, Samples] = {}
    cpu: dict[str, Samples] = {}
    memory: dict[str, Samples] = {}

    def measure(engine: Engine) -> Samples:
        processor, megabytes = workloads.idle(engine, 5 if QUICK else 10)
        cpu.setdefault(engine.name, []).append(processor)
        memory.setdefault(engine.name, []).append(megabytes)
        engine.start_worker()
        deployment = engine.deploy("noop")
        is_ours = engine.name == "runwright"
        some = workloads.created_to_running_ms(engine, deployment, 10 if is_ours else 3)
        latency.setdefault(engine.name, []).extend(some)
        count = 200 if is_ours else 16
        rate = workloads.runs_a_second(engine, deployment, count)
        rates.setdefault(engine.name, []).extend(rate)
        return []

    by_turns(folder, measure, turns=1)
    table.compare("created to Running, one worker", "ms", latency)
    table.compare("no-op runs through one worker", "1/s", rates, more=True)
    table.compare("idle server, CPU", "% of a core", cpu)
    table.compare("idle server, memory", "MiB", memory)


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
    table.alone("Celery, a task through Redis (AOF, flushed each second) and back", "ms", lambda: others.celery_task_ms(count))  # fmt: skip  # noqa: E501
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


def main() -> None:
    table = Table()
    with tempfile.TemporaryDirectory(prefix="rwcompare-") as name, postgres() as cluster:
        folder = Path(name)
        by_hand(table, folder)
        workers(table, folder)
        load(table, folder, "sqlite", None)
        if cluster is not None:
            load(table, folder, "postgresql", cluster)
        alone(table, folder, cluster)
    if QUICK:
        return
    RESULTS.mkdir(exist_ok=True)
    about = {"machine": measures.machine(), "rows": table.rows}
    (RESULTS / "compare.json").write_text(json.dumps(about, indent=1) + "\n")
    (RESULTS / "compare.md").write_text(table.markdown())
    plots.draw(table.rows, RESULTS)


if __name__ == "__main__":
    main()
