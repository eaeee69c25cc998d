"""`/artifacts`: what runs published. Our own clients write them through the journal."""

from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.artifacts import Artifact, ArtifactCreate, ArtifactUpdate, LatestArtifact
from runwright.api.filters import (
    ArtifactFilters,
    ArtifactQuery,
    LatestArtifactFilters,
    LatestArtifactQuery,
)
from runwright.server.injected import PathId, PathName, Wired
from runwright.server.pages import many, one
from runwright.server.problems import Missing
from runwright.storage.artifacts import (
    ARTIFACTS,
    LATEST_ARTIFACTS,
    add_artifact,
    change_artifact,
    latest_of_key,
    remove_artifact,
)
from runwright.storage.engine import Transaction
from runwright.storage.queries import count, read_one


@post("/", status_code=201)
async def create(data: JSONBody[ArtifactCreate], wiring: Wired) -> Artifact | None:
    """Publish an artifact. The newest of a key is its latest version; the others stay."""
    artifact_id = wiring.new_id()

    def use_case(tx: Transaction) -> Artifact | None:
        add_artifact(tx, artifact_id, data)
        return read_one(tx, ARTIFACTS, artifact_id)

    return await wiring.storage.write(use_case)


@get("/{artifact_id:uuid}")
async def read(artifact_id: PathId, wiring: Wired) -> Response[Artifact]:
    """One artifact."""
    found = await one(wiring, ARTIFACTS, artifact_id)
    if found is None:
        raise Missing(f"There is no artifact {artifact_id}.")
    return found


@get("/{key:str}/latest")
async def read_latest(key: PathName, wiring: Wired) -> Response[LatestArtifact]:
    """The newest artifact of a key."""
    latest_id = await wiring.storage.read(lambda tx: latest_of_key(tx, key))
    found = None if latest_id is None else await one(wiring, LATEST_ARTIFACTS, latest_id)
    if found is None:
        raise Missing(f"There is no artifact with the key {key!r}.")
    return found


@post("/filter", status_code=200)
async def filtered(data: JSONBody[ArtifactQuery], wiring: Wired) -> Response[list[Artifact]]:
    """Artifacts that meet the filters."""
    return await many(wiring, ARTIFACTS, data)


@post("/count", status_code=200)
async def counted(data: JSONBody[ArtifactFilters], wiring: Wired) -> int:
    """How many artifacts meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, ARTIFACTS, data))


@post("/latest/filter", status_code=200)
async def latest_filtered(
    data: JSONBody[LatestArtifactQuery], wiring: Wired
) -> Response[list[LatestArtifact]]:
    """The newest artifact of each key, where it meets the filters."""
    return await many(wiring, LATEST_ARTIFACTS, data)


@post("/latest/count", status_code=200)
async def latest_counted(data: JSONBody[LatestArtifactFilters], wiring: Wired) -> int:
    """How many keys have a newest artifact that meets the filters."""
    return await wiring.storage.read(lambda tx: count(tx, LATEST_ARTIFACTS, data))


@patch("/{artifact_id:uuid}", status_code=204)
async def change(artifact_id: PathId, data: JSONBody[ArtifactUpdate], wiring: Wired) -> None:
    """Change data, description or metadata."""
    if not await wiring.storage.write(lambda tx: change_artifact(tx, artifact_id, data)):
        raise Missing(f"There is no artifact {artifact_id}.")


@delete("/{artifact_id:uuid}", status_code=204)
async def remove(artifact_id: PathId, wiring: Wired) -> None:
    """Delete one version of an artifact."""
    if not await wiring.storage.write(lambda tx: remove_artifact(tx, artifact_id)):
        raise Missing(f"There is no artifact {artifact_id}.")


router = Router(
    path="/artifacts",
    route_handlers=[
        create, read, read_latest, filtered, counted, latest_filtered, latest_counted, change,
        remove,
    ],
)  # fmt: skip
