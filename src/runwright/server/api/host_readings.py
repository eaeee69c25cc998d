"""`/host_readings` of a run and of a worker: how the machine did meanwhile. Ours alone."""

from datetime import timedelta

from litestar import Router, get

from runwright.api.executions import HostReading
from runwright.server.injected import PathId, PathName, Wired
from runwright.server.problems import Missing
from runwright.server.use_cases.find_pool import pool_row_of_name
from runwright.storage.engine import Transaction
from runwright.storage.host_readings import readings_of
from runwright.storage.runs import read_run
from runwright.storage.workers import is_worker_of

#: Before and after a run, so that a line can be drawn through its first and its last instant.
_AROUND = timedelta(seconds=15)
_LATELY = timedelta(hours=1)


@get("/flow_runs/{run_id:uuid}/host_readings")
async def of_run(run_id: PathId, wiring: Wired) -> list[HostReading]:
    """How the machine of a run's worker did while it ran, and what it took of it.

    None where no worker has told.
    """

    def query(tx: Transaction) -> list[HostReading]:
        run = read_run(tx, run_id)
        if run is None:
            raise Missing(f"There is no flow run {run_id}.")
        since = run.start_time or run.claimed_at
        if run.worker_id is None or since is None:
            return []
        until = (run.end_time or tx.now) + _AROUND
        return readings_of(tx, run.worker_id, since - _AROUND, until, run_id)

    return await wiring.storage.read(query)


@get("/work_pools/{name:str}/workers/{instance_id:uuid}/host_readings")
async def of_worker(name: PathName, instance_id: PathId, wiring: Wired) -> list[HostReading]:
    """How the machine of a worker did in the last hour."""

    def query(tx: Transaction) -> list[HostReading]:
        pool = pool_row_of_name(tx, name)
        if not is_worker_of(tx, pool.id, instance_id):
            raise Missing(f"Work pool {name!r} has no worker {instance_id}.")
        return readings_of(tx, instance_id, tx.now - _LATELY, tx.now)

    return await wiring.storage.read(query)


router = Router(path="/", route_handlers=[of_run, of_worker])
