"""`/flow_runs/{id}/waiting`: why a run is not running."""

from litestar import Router, get

from runwright.api.waiting import Waiting
from runwright.core.waiting import why_not_running
from runwright.server.injected import PathId, Wired
from runwright.server.problems import Missing
from runwright.storage.waiting import read_waiting


@get("/{run_id:uuid}/waiting")
async def why(run_id: PathId, wiring: Wired) -> Waiting:
    """What keeps a run from running, the most telling first: as the next claim would find it."""
    facts = await wiring.storage.read(lambda tx: read_waiting(tx, run_id))
    if facts is None:
        raise Missing(f"There is no flow run {run_id}.")
    return Waiting(flow_run_id=run_id, due_at=facts.due_at, reasons=why_not_running(facts))


router = Router(path="/flow_runs", route_handlers=[why])
