"""The versions of a deployment: what its runs executed, from one change to the next."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select

from runwright.api.deployments import DeploymentVersion
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import deployment_version

#: What of a deployment decides what its runs execute.
CONTENT = (
    "version", "version_info", "entrypoint", "path", "pull_steps", "parameters",
    "parameter_openapi_schema", "enforce_parameter_schema", "job_variables", "retries",
    "retry_delay_seconds",
)  # fmt: skip

_c = deployment_version.c
_of_deployment = select(deployment_version).where(_c.deployment_id == bindparam("wanted_id"))
_LATEST = Prepared(_of_deployment.order_by(_c.number.desc()).limit(1))
_ONE = Prepared(_of_deployment.where(_c.number == bindparam("wanted_number")))
_ALL = Prepared(_of_deployment.order_by(_c.number.desc()).limit(bindparam("most")))
_INSERT = Prepared(
    lambda dialect: dialect.insert(deployment_version),
    columns=[column.key for column in deployment_version.c],
)


def content_of(row: Any) -> dict[str, Any]:
    """What the runs of a deployment execute, of its row."""
    return {name: getattr(row, name) for name in CONTENT}


def latest_version(tx: Transaction, deployment_id: UUID) -> Any:
    """The row of the newest version, or None."""
    return tx.execute(_LATEST, {"wanted_id": deployment_id}).first()


def version_row(tx: Transaction, deployment_id: UUID, number: int) -> Any:
    """The row of that version, or None."""
    return tx.execute(_ONE, {"wanted_id": deployment_id, "wanted_number": number}).first()


def versions_of(tx: Transaction, deployment_id: UUID, most: int) -> list[DeploymentVersion]:
    """The newest versions, the newest first."""
    rows = tx.execute(_ALL, {"wanted_id": deployment_id, "most": most})
    return [_to_wire(row) for row in rows]


def insert_version(tx: Transaction, values: dict[str, Any]) -> None:
    """Store a version. The deployment's row is locked, so its number is free."""
    tx.execute(_INSERT, values)


def _to_wire(row: Any) -> DeploymentVersion:
    content = row.content
    return DeploymentVersion(
        number=row.number,
        created=row.created,
        version=content.get("version"),
        image=(content.get("job_variables") or {}).get("image"),
        entrypoint=content.get("entrypoint"),
        rolled_back_to=row.rolled_back_to,
        created_by=row.created_by,
        content=msgspec.to_builtins(content),
    )
