"""Versions of deployments: noted with each change of what runs execute, and gone back to."""

from typing import Any
from uuid import UUID

import msgspec

from runwright.api.deployments import Deployment
from runwright.core.ids import NewId
from runwright.server.problems import Missing
from runwright.storage.deployment_versions import (
    content_of,
    insert_version,
    latest_version,
    version_row,
)
from runwright.storage.deployments import find_deployment, locked_deployment, update_deployment
from runwright.storage.engine import Transaction


def note_version(
    tx: Transaction, deployment_id: UUID, new_id: NewId, creator: Any, *, back_to: int | None = None
) -> None:
    """Store what the deployment executes now, unless its newest version is the same."""
    row = locked_deployment(tx, deployment_id)
    content = content_of(row)
    latest = latest_version(tx, deployment_id)
    if latest is not None and _encoded(latest.content) == _encoded(content):
        return
    number = 1 if latest is None else latest.number + 1
    insert_version(
        tx,
        {
            "id": new_id(),
            "created": tx.now,
            "deployment_id": deployment_id,
            "number": number,
            "content": content,
            "rolled_back_to": back_to,
            "created_by": creator,
        },
    )
    update_deployment(tx, deployment_id, {"version_number": number})


def roll_back(
    tx: Transaction, deployment_id: UUID, number: int | None, new_id: NewId, creator: Any
) -> Deployment:
    """Execute again what an earlier version executed: a new version with its content.

    Runs that were claimed before go on with what they have. Without a number: the one before.

    Raises:
        Missing: code `deployment_not_found` or `deployment_version_not_found`.
    """
    row = locked_deployment(tx, deployment_id)
    if row is None:
        raise Missing(f"There is no deployment {deployment_id}.", code="deployment_not_found")
    wanted = number if number is not None else (row.version_number or 1) - 1
    found = version_row(tx, deployment_id, wanted)
    if found is None:
        there = f"It has the versions 1 to {row.version_number}." if row.version_number else ""
        raise Missing(
            f"Deployment {row.name!r} has no version {wanted} to go back to. {there}".rstrip(),
            code="deployment_version_not_found",
        )
    update_deployment(
        tx, deployment_id, {**found.content, "updated": tx.now, "updated_by": creator}
    )
    note_version(tx, deployment_id, new_id, creator, back_to=wanted)
    deployment = find_deployment(tx, deployment_id)
    assert deployment is not None  # noqa: S101  # it is locked
    return deployment


def _encoded(content: Any) -> bytes:
    return msgspec.json.encode(content, order="deterministic")
