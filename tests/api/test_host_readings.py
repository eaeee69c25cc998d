"""How the machines of workers did, beside their runs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select

from runwright.server.services.pruner import Pruner
from runwright.storage.host_readings import MOST_READINGS, readings_of
from runwright.storage.tables import host_reading

HOST = {"cpu_used": 0.5, "memory_used_bytes": 3 * 2**30, "memory_total_bytes": 4 * 2**30}


@pytest.fixture
def worker(api):
    api.ok("POST", "/api/work_pools/", {"name": "p", "type": "process"})
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "p"}
    deployment = api.ok("POST", "/api/deployments/", body)["id"]
    run = api.ok("POST", f"/api/deployments/{deployment}/create_flow_run", {})["id"]
    return uuid4(), run


def sync(api, worker, **more):
    body = {"worker_name": "w", "free": 1, "wait_ms": 0, "host": HOST, **more}
    return api.ok("POST", f"/api/work_pools/p/workers/{worker}/sync", body)["claimed"]


def test_a_run_shows_how_the_machine_of_its_worker_does(api, worker):
    worker, run = worker
    assert api.ok("GET", f"/api/flow_runs/{run}/host_readings") == []
    assert sync(api, worker)
    sync(api, worker)  # at once again: nothing new to keep
    for path in (f"flow_runs/{run}", f"work_pools/p/workers/{worker}"):
        [reading] = api.ok("GET", f"/api/{path}/host_readings")
        assert {name: reading[name] for name in HOST} == HOST
        assert "disk_used_bytes" not in reading


def test_a_run_shows_what_it_took_of_the_machine_and_not_what_others_did(api, worker):
    worker, run = worker
    usage = [
        {"flow_run_id": run, "cpu_cores": 1.5, "memory_bytes": 2**20},
        {"flow_run_id": str(uuid4()), "memory_bytes": 2**30},
    ]
    assert sync(api, worker, usage=usage)
    [beside_run] = api.ok("GET", f"/api/flow_runs/{run}/host_readings")
    assert (beside_run["run_cpu_cores"], beside_run["run_memory_bytes"]) == (1.5, 2**20)
    [of_worker] = api.ok("GET", f"/api/work_pools/p/workers/{worker}/host_readings")
    assert "run_memory_bytes" not in of_worker


def test_readings_of_nobody_are_refused(api, worker):
    worker, _ = worker
    sync(api, worker)
    api.ok("POST", "/api/work_pools/", {"name": "other"})
    for path in (
        f"flow_runs/{uuid4()}",
        f"work_pools/p/workers/{uuid4()}",
        f"work_pools/other/workers/{worker}",
        f"work_pools/absent/workers/{worker}",
    ):
        assert api.send("GET", f"/api/{path}/host_readings").status == 404


def test_many_readings_are_thinned_out_and_old_ones_go(api, worker):
    worker, _ = worker
    sync(api, worker)
    storage = api.wiring.storage
    count = MOST_READINGS * 3

    def keep(tx):
        rows = [
            {"id": uuid4(), "worker_id": worker, "at": tx.now - timedelta(minutes=n), "figures": {}}
            for n in range(1, count)
        ]
        tx.execute(insert(host_reading), rows)
        return tx.now

    now = api.run(storage.write(keep))
    read = storage.read(lambda tx: readings_of(tx, worker, now - timedelta(days=1), tx.now))
    readings = api.run(read)
    assert len(readings) == MOST_READINGS
    assert readings == sorted(readings, key=lambda each: each.at)
    assert readings[-1].cpu_used == HOST["cpu_used"]  # the last one, just told
    api.run(Pruner(storage, host_retention=timedelta(minutes=9.5)).one_pass())
    left = storage.read(lambda tx: tx.execute(select(func.count(host_reading.c.id))).scalar())
    assert api.run(left) == 10
