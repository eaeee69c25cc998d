"""`make bench`: measure, print a table, write it to bench/results/."""

import json
import statistics
import sys
from pathlib import Path

from bench import measures
from bench.stage import RUNWRIGHT, Stage, stage

RESULTS = Path(__file__).parent / "results"
#: Prefect 3.8.8 with its defaults on a machine of the same kind, measured on its own.
PEER = json.loads((Path(__file__).parent / "peer.json").read_text())


class Table:
    """Rows of figure, unit, samples, target."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(self, figure: str, unit: str, samples: list[float], target: str) -> None:
        row = {
            "figure": figure,
            "unit": unit,
            "median": round(statistics.median(samples), 3),
            "lowest": round(min(samples), 3),
            "highest": round(max(samples), 3),
            "samples": len(samples),
            "target": target,
            "peer": PEER.get(figure, ""),
        }
        self.rows.append(row)
        print(f"{figure}: {row['median']} {unit} (target {target})", flush=True)

    def markdown(self) -> str:
        lines = [
            "| figure | unit | median | lowest to highest | held to | Prefect 3.8.8 |",
            "|---|---|--:|--:|--:|--:|",
        ]
        lines += [
            f"| {r['figure']} | {r['unit']} | {r['median']} | {r['lowest']} to {r['highest']} "
            f"| {r['target']} | {r['peer']} |"
            for r in self.rows
        ]
        return "\n".join(lines) + "\n"


def measure_by_hand(table: Table, on: Stage) -> None:
    table.add("import", "s", measures.import_seconds(on), "0.1")
    table.add("import, peak memory", "MB", measures.import_megabytes(on), "30")
    version = measures.command_seconds([*RUNWRIGHT, "version"], 7, on.environment)
    table.add("runwright version", "s", version, "0.25")
    on.start_server()
    table.add("no-op flow by hand, recorded", "ms", measures.noop_flow_ms(on), "10")
    for way in measures.WAYS:
        table.add(f"a no-op task, {way}, 1,000", "ms", measures.task_ms(on, way, 1000), "0.1")
    lag, at_once = measures.recorded_lag_seconds(on, 1000)
    table.add("1,000 mapped tasks recorded after the flow's end", "s", lag, "0")
    print(f"  of 1,001 task runs, {at_once} were recorded when the flow had ended")


#: What is asked, by the load program's name, and what it is held to.
LOADS = {
    "create": ("create a run, 8 connections", "2,000"),
    "set_state": ("propose a state, 8 connections", "2,000"),
    "filter": ("list 20 runs, 8 connections", "1,500"),
    "filter_anew": ("list 20 runs, each filter another, 8 connections", ""),
    "read": ("read a run, 8 connections", ""),
    "logs": ("100 log lines, 8 connections", "500"),
}


def measure_load(table: Table, on: Stage) -> None:
    for kind, (figure, target) in LOADS.items():
        rates, p99 = measures.requests_a_second(on, kind, 4)
        table.add(figure, "requests/s", rates, target)
        # A batch of log lines is as long as it is: only their number is held to something.
        table.add(f"{figure}, p99", "ms", [p99], "" if kind == "logs" else "20")


def measure_idle(table: Table, on: Stage) -> None:
    on.start_server()
    cpu, memory = measures.idle(on.processes[0].pid, 20)
    table.add("idle server, CPU", "% of a core", [cpu], "0.5")
    table.add("idle server, memory", "MiB", [memory], "100")


def measure_worker(table: Table, on: Stage) -> None:
    worker = on.spawn("worker", "start", "--pool", "bench", "--create-pool", "--limit", "8")
    measures.wait_for("the pool", lambda: on.request("POST", "/work_pools/filter", {}))
    noop, sleeper = measures.deployed(on, "noop"), measures.deployed(on, "sleeper")
    table.add(
        "created to Running, warm worker", "ms", measures.due_to_running_ms(on, noop, 20), "50"
    )
    rates = [rate for _ in range(3) for rate in measures.runs_per_second(on, noop, 200)]
    table.add("no-op runs through one worker", "1/s", rates, "50")
    kills = [measures.kill_to_next_attempt_ms(on, worker.pid, sleeper)[0] for _ in range(5)]
    table.add("flow killed to next attempt", "ms", kills, "1000")


def main() -> int:
    table = Table()
    with stage() as on:
        measure_by_hand(table, on)
        measure_load(table, on)
        cpu, memory = measures.idle(on.processes[0].pid, 10)
        table.add("idle after 100,000 requests, CPU", "% of a core", [cpu], "")
        table.add("idle after 100,000 requests, memory", "MiB", [memory], "")
    # On a server of its own, that has not borne the loads above.
    with stage() as on:
        measure_idle(table, on)
        measure_worker(table, on)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(
        json.dumps({"machine": measures.machine(), "rows": table.rows}, indent=1) + "\n"
    )
    (RESULTS / "latest.md").write_text(table.markdown())
    print(table.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
