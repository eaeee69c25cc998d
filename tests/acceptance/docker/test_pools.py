"""Work pools: what is deployed to one is offered to its workers alone."""

from collections import Counter
from typing import Any

import pytest
from tests.acceptance.docker.engine import until


@pytest.mark.parametrize(("kind", "runs"), [("process", 100), ("docker", 10)])
def test_none_of_the_runs_crosses_from_one_pool_to_the_other(
    plant: Any, kind: str, runs: int
) -> None:
    deployments = {}
    for pool in ("gpu-pool", "cpu-pool"):
        plant.pool(pool, type=kind)
        deployments[pool] = plant.deploy("hello", pool)
        plant.start_worker(pool, "--limit", "4", type=kind, RUNWRIGHT_WORKER_POLICY=plant.policy())
    made = {
        plant.run(deployment): pool for _ in range(runs) for pool, deployment in deployments.items()
    }
    live = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}}
    until(lambda: plant.ask("POST", "/flow_runs/count", live) == 0, 120, "the runs to end")
    found = [plant.read(run_id) for run_id in made]
    assert Counter((made[run["id"]], run["worker_name"], run["state_type"]) for run in found) == {
        ("gpu-pool", "worker-of-gpu-pool", "COMPLETED"): runs,
        ("cpu-pool", "worker-of-cpu-pool", "COMPLETED"): runs,
    }
