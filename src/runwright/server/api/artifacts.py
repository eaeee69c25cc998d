"""`/artifacts`: what runs published. They are written through the journal."""

from litestar import Router, get, post
from litestar.params import JSONBody

from runwright.api.artifacts import Artifact
from runwright.api.filters import Filters, Query
from runwright.server.injected import PathId, Wired
from runwright.server.problems import Missing
from runwright.storage.artifacts import ARTIFACTS
from runwright.storage.queries import count, read_many, read_one


@get("/{artifact_id:uuid}")
async def read(artifact_id: PathId, wiring: Wired) -> Artifact:
    """One artifact."""
    found = await wiring.storage.read(lambda tx: read_one(tx, ARTIFACTS, artifact_id))
    if found is None:
        raise Missing(f"There is no artifact {artifact_id}.")
    return found


@post("/filter", status_code=200)
async def filtered(data: JSONBody[Query], wiring: Wired) -> list[Artifact]:
    """Artifacts that meet the filters."""
    return await wiring.storage.read(lambda tx: read_many(tx, ARTIFACTS, data))


@post("/count", status_code=200)
async def counted(data: JSONBody[Filters], wiring: Wired) -> int:
    """How many artifacts meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, ARTIFACTS, data))


router = Router(path="/artifacts", route_handlers=[read, filtered, counted])
