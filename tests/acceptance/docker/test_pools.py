"""Work pools: what is deployed to one is offered to its workers alone."""

from collections import Counter
from typing import Any

from tests.acceptance.docker.engine import until

RUNS = 100


def test_none_of_a_hundred_runs_crosses_from_one_pool_to_the_other(plant: Any) -> None:
    deployments = {}
    for pool in ("gpu-pool", "cpu-pool"):
        plant.pool(pool)
        deployments[pool] = plant.deploy("hello", pool)
        plant.start_worker(pool, "--limit", "6", RUNWRIGHT_WORKER_POLICY=plant.policy())
    made = {
        plant.run(deployment): pool for _ in range(RUNS) for pool, deployment in deployments.items()
    }
    live = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}}
    until(lambda: plant.ask("POST", "/flow_runs/count", live) == 0, 240, "the runs to end")
    found = [plant.read(run_id) for run_id in made]
    assert Counter((made[run["id"]], run["worker_name"], run["state_type"]) for run in found) == {
        ("gpu-pool", "worker-of-gpu-pool", "COMPLETED"): RUNS,
        ("cpu-pool", "worker-of-cpu-pool", "COMPLETED"): RUNS,
    }
