"""How artifacts are read."""

from datetime import datetime
from typing import Any

from runwright.api.artifacts import Artifact
from runwright.storage.queries import Resource
from runwright.storage.tables import artifact

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
    sorts={
        "ID_DESC": (_c.id.desc(),),
        "CREATED_DESC": (_c.created.desc(), _c.id),
        "UPDATED_DESC": (_c.updated.desc(), _c.id),
        "KEY_ASC": (_c.key.asc().nulls_last(), _c.id),
        "KEY_DESC": (_c.key.desc().nulls_last(), _c.id),
    },
)
