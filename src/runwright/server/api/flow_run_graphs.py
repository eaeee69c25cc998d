"""`/flow_runs/{id}/graph-v2`, and the older `/graph`: what ran, and what depended on what."""

from datetime import UTC, datetime

from litestar import Router, get
from litestar.params import FromQuery

from runwright.api.graphs import Dependency, Graph
from runwright.server.injected import PathId, Wired
from runwright.server.problems import Missing, Problem
from runwright.storage.graphs import MOST_NODES, GraphTooLarge, dependencies, read_graph
from runwright.storage.runs import read_run

_EVER = datetime(1, 1, 1, tzinfo=UTC)


@get("/{run_id:uuid}/graph-v2")
async def graph(run_id: PathId, wiring: Wired, since: FromQuery[datetime] = _EVER) -> Graph:
    """The graph of a run; with `since`, without what had ended by then."""
    try:
        found = await wiring.storage.read(lambda tx: read_graph(tx, run_id, since))
    except GraphTooLarge:
        raise Problem(
            f"Flow run {run_id} has more than {MOST_NODES} nodes: ask for its task runs in pages, "
            "with POST /task_runs/filter.",
            status=400,
            code="graph_too_large",
        ) from None
    if found is None:
        raise Missing(f"There is no flow run {run_id}.")
    return found


@get("/{run_id:uuid}/graph")
async def dependency_graph(run_id: PathId, wiring: Wired) -> list[Dependency]:
    """The task runs of a run, each with those whose results it took."""
    run, found = await wiring.storage.read(
        lambda tx: (read_run(tx, run_id), dependencies(tx, run_id))
    )
    if run is None:
        raise Missing(f"There is no flow run {run_id}.")
    return found


router = Router(path="/flow_runs", route_handlers=[graph, dependency_graph])
