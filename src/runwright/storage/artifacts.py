"""How artifacts are read and written."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import and_, delete, exists, insert, or_, select, update

from runwright.api.artifacts import Artifact, ArtifactCreate, ArtifactUpdate, LatestArtifact
from runwright.storage.queries import Resource
from runwright.storage.tables import artifact

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = artifact.c
_PLAIN = [
    "id",
    "created",
    "updated",
    "key",
    "type",
    "description",
    "data",
    "flow_run_id",
    "task_run_id",
]


def _to_wire(row: Any, _: datetime) -> Artifact:
    return Artifact(**dict(zip(_PLAIN, row, strict=False)), metadata_=row.metadata_)


ARTIFACTS: Resource[Artifact] = Resource(
    table=artifact,
    columns=(*(_c[name] for name in _PLAIN), _c.metadata_.label("metadata_")),
    to_wire=_to_wire,
    as_stored=True,
    sorts={
        "ID_DESC": (_c.id.desc(),),
        "CREATED_DESC": (_c.created.desc(), _c.id),
        "UPDATED_DESC": (_c.updated.desc(), _c.id),
        "KEY_ASC": (_c.key.asc().nulls_last(), _c.id),
        "KEY_DESC": (_c.key.desc().nulls_last(), _c.id),
    },
)
_newer = artifact.alias("newer")
_is_newer = or_(
    _newer.c.created > _c.created, and_(_newer.c.created == _c.created, _newer.c.id > _c.id)
)


def _latest_to_wire(row: Any, _: datetime) -> LatestArtifact:
    plain = dict(zip(_PLAIN, row, strict=False))
    return LatestArtifact(**plain, metadata_=row.metadata_, latest_id=row.id)


#: The newest artifact of each key.
LATEST_ARTIFACTS: Resource[LatestArtifact] = Resource(
    table=artifact,
    columns=ARTIFACTS.columns,
    to_wire=_latest_to_wire,
    as_stored=True,
    sorts=ARTIFACTS.sorts,
    only=and_(
        _c.key.is_not(None),
        ~exists(select(1).where(_newer.c.key == _c.key, _is_newer).correlate(artifact)),
    ),
)


def latest_of_key(tx: "Transaction", key: str) -> UUID | None:
    """The id of the newest artifact of a key."""
    newest = LATEST_ARTIFACTS.within(select(_c.id)).where(_c.key == key)
    found: UUID | None = tx.execute(newest).scalar()
    return found


def add_artifact(tx: "Transaction", artifact_id: UUID, made: ArtifactCreate) -> None:
    """Store an artifact."""
    values = {name: getattr(made, name) for name in made.__struct_fields__}
    tx.execute(insert(artifact).values(id=artifact_id, created=tx.now, updated=tx.now, **values))


def change_artifact(tx: "Transaction", artifact_id: UUID, change: ArtifactUpdate) -> bool:
    """Change what is given of it; whether there is such an artifact."""
    given = {name: getattr(change, name) for name in change.__struct_fields__}
    values = {name: value for name, value in given.items() if value is not msgspec.UNSET}
    changed = update(artifact).where(_c.id == artifact_id).values(updated=tx.now, **values)
    return tx.execute(changed).rowcount > 0


def remove_artifact(tx: "Transaction", artifact_id: UUID) -> bool:
    """Delete it; whether there was such an artifact."""
    return tx.execute(delete(artifact).where(_c.id == artifact_id)).rowcount > 0
