"""The same work for every engine: each function gives samples of one figure."""

import subprocess
import time
from datetime import datetime

import psutil

from bench.compare.engines import Engine
from bench.stage import wait_for

WAYS = ("call", "submit", "map", "gather")
#: What only reads comes first: both engines have as much to read then.
LOADS = ("read", "filter", "create", "set_state", "logs")


def seconds_of(engine: Engine, command: list[str], runs: int) -> list[float]:
    """Of a whole process, after one that warms the caches."""
    samples = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        subprocess.run(command, env=engine.environment, check=True, capture_output=True, timeout=60)
        samples.append(time.perf_counter() - begun)
    return samples[1:]


def import_figures(engine: Engine) -> tuple[list[float], list[float]]:
    """Seconds, and MB at most, of the import that every program has."""
    program = (
        "import time; t = time.perf_counter(); import bench.programs.engine;"
        "t = time.perf_counter() - t; import resource;"
        "print(t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    seconds, megabytes = [], []
    for _ in range(5):
        done = subprocess.run(
            [engine.python, "-c", program],
            env=engine.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        took, most = done.stdout.split()
        seconds.append(float(took))
        megabytes.append(float(most))
    return seconds[1:], megabytes[1:]


def noop_flow_ms(engine: Engine, count: int) -> list[float]:
    return engine.program("noop_flows", str(count), "async")


def task_ms(engine: Engine, way: str, count: int) -> list[float]:
    return [engine.program("tasks", way, str(count))["tasks"] * 1000 / count]


def record_lag_s(engine: Engine, count: int) -> list[float]:
    """From the end of a flow of mapped tasks until all of them are recorded as Completed."""
    run = engine.program("tasks", "map", str(count))["run"]
    ended = time.perf_counter()
    body = {
        "task_runs": {"flow_run_id": {"any_": [run]}, "state": {"type": {"any_": ["COMPLETED"]}}}
    }

    def are_there() -> bool:
        return engine.ask("POST", "/task_runs/count", body) > count

    at_once = are_there()
    wait_for("the record", are_there, 120)
    return [0.0 if at_once else time.perf_counter() - ended]


def flow_seconds(engine: Engine, flow: str) -> list[float]:
    return engine.program("timed_flow", flow, "3")


def load(engine: Engine, kind: str, connections: int, seconds: float) -> dict[str, float]:
    """Good answers a second, percentiles of their times, and how many were refused."""
    return engine.program("load", kind, str(seconds), str(connections), "tolerant")


def created_to_running_ms(engine: Engine, deployment: str, runs: int) -> list[float]:
    samples = []
    for _ in range(runs + 1):
        begun = time.time()
        path = f"/deployments/{deployment}/create_flow_run"
        run = engine.ask("POST", path, {})["id"]
        wait_for("the run", lambda run=run: engine.has_ended(run), 90)
        states = engine.ask("GET", f"/flow_run_states/?flow_run_id={run}")
        at = next(state["timestamp"] for state in states if state["name"] == "Running")
        samples.append((datetime.fromisoformat(at).timestamp() - begun) * 1000)
    return samples[1:]


def runs_a_second(engine: Engine, deployment: str, count: int) -> list[float]:
    begun = time.perf_counter()
    for _ in range(count):
        engine.ask("POST", f"/deployments/{deployment}/create_flow_run", {})
    wanted = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
    }

    def are_done() -> bool:
        return engine.ask("POST", "/flow_runs/count", wanted) == 0

    wait_for("the runs", are_done, 240, every=0.1)  # asking costs the server something too
    return [count / (time.perf_counter() - begun)]


def idle(engine: Engine, seconds: float) -> tuple[float, float]:
    """Percent of a core, and MiB, of a server that has nothing to do, with all its processes."""
    server = psutil.Process(engine.processes[0].pid)
    family = [server, *server.children(recursive=True)]

    def used() -> float:
        return sum(sum(each.cpu_times()[:2]) for each in family)

    before = used()
    time.sleep(seconds)
    memory = sum(each.memory_info().rss for each in family) / 2**20
    return (used() - before) / seconds * 100, memory
