"""Logs and artifacts on their way in, many at a time."""

from collections.abc import Callable, Sequence
from uuid import UUID

from runwright.api.journal import ArtifactMade, LogWritten
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import artifact, log

_LOG = Prepared(lambda dialect: dialect.insert(log), columns=[column.key for column in log.c])
_ARTIFACT = Prepared(
    lambda dialect: dialect.insert_or_skip(artifact),
    columns=[column.key for column in artifact.c],
)


def insert_logs(
    tx: Transaction,
    logs: Sequence[LogWritten],
    new_id: Callable[[], UUID],
    *,
    late_token: int | None = None,
) -> None:
    """Store log records in their order; those of a fenced execution carry its token."""
    if not logs:
        return
    tx.execute(
        _LOG,
        [
            {
                "id": new_id(),
                "flow_run_id": each.flow_run_id,
                "task_run_id": each.task_run_id,
                "timestamp": each.timestamp,
                "level": each.level,
                "name": each.name.replace("\0", "\ufffd"),
                "message": each.message.replace("\0", "\ufffd"),
                "late_token": late_token,
            }
            for each in logs
        ],
    )
    for run_id in {each.flow_run_id for each in logs}:
        tx.wake(f"logs:{run_id}")


def insert_artifacts(tx: Transaction, artifacts: Sequence[ArtifactMade]) -> None:
    """Store artifacts; one that is there already stays as it is."""
    if artifacts:
        tx.execute(
            _ARTIFACT,
            [
                {
                    "id": each.id,
                    "created": each.timestamp,
                    "updated": each.timestamp,
                    "key": each.key,
                    "type": each.type,
                    "description": each.description,
                    "data": each.data,
                    "flow_run_id": each.flow_run_id,
                    "task_run_id": each.task_run_id,
                }
                for each in artifacts
            ],
        )
