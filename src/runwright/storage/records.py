"""Logs and artifacts on their way in, many at a time."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, exists, func, literal_column, or_, select

from runwright.api.journal import ArtifactMade, LogWritten
from runwright.api.limits import MAX_LOG_MESSAGE, MAX_NAME, shortened
from runwright.storage.dialect import Dialect
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import artifact, flow_run, log

_LOG = Prepared(lambda dialect: dialect.insert(log), columns=[column.key for column in log.c])
#: Artifacts have come, or progressed.
ARTIFACTS = "artifacts"


def _artifact_statement(dialect: Dialect) -> Any:
    """Insert an artifact; where it is there, its progress moves on.

    Only from an entry that is no older, and of the execution that made it: ids are no secret.
    """
    statement = dialect.insert(artifact)
    new, there = statement.excluded, artifact.c
    maker, sender = flow_run.alias("maker"), flow_run.alias("sender")
    # By their names: as columns, both tables would be searched inside of the EXISTS.
    made_by = literal_column("artifact.flow_run_id", maker.c.id.type)
    sent_by = literal_column("excluded.flow_run_id", sender.c.id.type)
    is_own = exists(
        select(1)
        .select_from(maker.join(sender, _root(maker) == _root(sender)))
        .where(maker.c.id == made_by, sender.c.id == sent_by)
    )
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "data": new.data,
            "updated": new.updated,
            "description": func.coalesce(new.description, there.description),
            "key": func.coalesce(there.key, new.key),
        },
        where=and_(
            there.type == "progress",
            new.type == "progress",
            there.updated <= new.updated,
            or_(there.flow_run_id == new.flow_run_id, is_own),
        ),
    )


def _root(run: FromClause) -> ColumnElement[Any]:
    return func.coalesce(run.c.execution_root_id, run.c.id)


_ARTIFACT = Prepared(_artifact_statement, columns=[column.key for column in artifact.c])


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
                "name": shortened(each.name, MAX_NAME).replace("\0", "\ufffd"),
                "message": shortened(each.message, MAX_LOG_MESSAGE).replace("\0", "\ufffd"),
                "late_token": late_token,
            }
            for each in logs
        ],
    )
    for run_id in {each.flow_run_id for each in logs}:
        tx.wake(f"logs:{run_id}")


def insert_artifacts(tx: Transaction, artifacts: Sequence[ArtifactMade]) -> None:
    """Store artifacts; of one that is there already, the progress moves on."""
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
        tx.wake(ARTIFACTS)
