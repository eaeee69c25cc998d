"""What is measured: each function gives samples of one figure, in the unit of its name."""

import json
import resource
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import psutil

from bench.stage import Stage, wait_for

WAYS = ("call", "submit", "map", "gather")


def command_seconds(arguments: list[str], runs: int, environment: dict[str, str]) -> list[float]:
    """Wall time of whole commands, after one that warms the caches."""
    samples = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        subprocess.run(arguments, check=True, capture_output=True, env=environment, timeout=60)
        samples.append(time.perf_counter() - begun)
    return samples[1:]


def import_seconds(stage: Stage) -> list[float]:
    program = (
        "import time; begun = time.perf_counter(); from runwright import flow, task;"
        "print(time.perf_counter() - begun)"
    )
    samples = []
    for _ in range(8):
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=True, capture_output=True, text=True, env=stage.environment, timeout=60,
        )  # fmt: skip
        samples.append(float(done.stdout))
    return samples[1:]


def import_megabytes(stage: Stage) -> list[float]:
    program = (
        "from runwright import flow, task; import resource;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True, capture_output=True, text=True, env=stage.environment, timeout=60,
    )  # fmt: skip
    return [float(done.stdout)]


def noop_flow_ms(stage: Stage) -> list[float]:
    return stage.program("noop_flows", "100")


def task_ms(stage: Stage, way: str, count: int) -> list[float]:
    return [stage.program("tasks", way, str(count))["tasks"] * 1000 / count for _ in range(3)]


def recorded_lag_seconds(stage: Stage, count: int) -> tuple[list[float], int]:
    """From the end of a flow of `count` mapped tasks until all are recorded as Completed."""
    run = stage.program("tasks", "map", str(count))["run"]
    ended = time.perf_counter()
    body = {
        "task_runs": {"flow_run_id": {"any_": [run]}, "state": {"type": {"any_": ["COMPLETED"]}}}
    }
    at_once = stage.request("POST", "/task_runs/count", body)
    wait_for("the record", lambda: stage.request("POST", "/task_runs/count", body) == count + 1, 60)
    return [time.perf_counter() - ended if at_once != count + 1 else 0.0], at_once


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def deployed(stage: Stage, flow: str) -> str:
    stage.command("deploy", f"bench/programs/flows.py:{flow}", "--name", "bench", "--pool", "bench")
    return stage.request("GET", f"/deployments/name/{flow}/bench")["id"]


def states(stage: Stage, run: str) -> dict[str, float]:
    """The instant of each state of a run."""
    history = stage.request("GET", f"/flow_run_states/?flow_run_id={run}")
    return {state["name"]: _instant(state["timestamp"]) for state in history}


def ended(stage: Stage, run: str) -> bool:
    return stage.request("GET", f"/flow_runs/{run}")["state_type"] in {
        "COMPLETED", "FAILED", "CRASHED", "CANCELLED",
    }  # fmt: skip


def due_to_running_ms(stage: Stage, deployment: str, runs: int) -> list[float]:
    """From the request that creates a run until its Running is recorded, one run at a time."""
    samples = []
    for _ in range(runs + 2):
        begun = time.time()
        made = stage.request("POST", f"/deployments/{deployment}/create_flow_run", {})
        wait_for("the run", lambda made=made: ended(stage, made["id"]))
        samples.append((states(stage, made["id"])["Running"] - begun) * 1000)
    return samples[2:]


def runs_per_second(stage: Stage, deployment: str, count: int) -> list[float]:
    """No-op runs through one process worker, from the first request to the last end."""
    begun = time.perf_counter()
    for _ in range(count):
        stage.request("POST", f"/deployments/{deployment}/create_flow_run", {})
    body = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
    }
    wait_for(
        "the runs", lambda: stage.request("POST", "/flow_runs/count", body) == 0, 120, every=0.1
    )
    return [count / (time.perf_counter() - begun)]


def kill_to_next_attempt_ms(stage: Stage, worker: int, deployment: str) -> list[float]:
    """From SIGKILL of the flow process until CRASHED and the next attempt are there."""
    made = stage.request("POST", f"/deployments/{deployment}/create_flow_run", {})
    wait_for("Running", lambda: "Running" in states(stage, made["id"]))
    family = psutil.Process(worker).children(recursive=True)
    max(family, key=lambda p: (p.create_time(), p.pid)).kill()
    killed = time.perf_counter()

    def next_attempt() -> list[dict]:
        body = {"deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_DESC"}
        runs = stage.request("POST", "/flow_runs/filter", body)
        return [r for r in runs if r["root_run_id"] == made["id"] and r["attempt"] == 2]

    successor = wait_for("the next attempt", next_attempt)[0]
    samples = [(time.perf_counter() - killed) * 1000]
    crashed = stage.request("GET", f"/flow_runs/{made['id']}")
    if crashed["state_type"] != "CRASHED":
        raise SystemExit(f"the killed run is {crashed['state_name']}")
    stage.request(
        "POST", f"/flow_runs/{successor['id']}/set_state", {"state": {"type": "CANCELLING"}}
    )
    wait_for("the cancellation", lambda: ended(stage, successor["id"]), 60)
    return samples


def requests_a_second(stage: Stage, kind: str, seconds: float) -> tuple[list[float], float]:
    """Rates of three loads over eight connections, and the worst p99 of them in ms."""
    loads = [stage.program("load", kind, str(seconds)) for _ in range(3)]
    return [load["a_second"] for load in loads], max(load["p99_ms"] for load in loads)


def idle(process: int, seconds: float) -> tuple[float, float]:
    """Share of a core in percent, and MiB, of a process that has nothing to do."""
    watched = psutil.Process(process)
    before = sum(watched.cpu_times()[:2])
    time.sleep(seconds)
    return (
        (sum(watched.cpu_times()[:2]) - before) / seconds * 100,
        watched.memory_info().rss / 2**20,
    )


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "?")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return {
        "cpu": model,
        "cores": str(psutil.cpu_count()),
        "python": sys.version.split()[0],
        "open files": str(limit),
        "figures": json.dumps("medians (lowest to highest)"),
    }
