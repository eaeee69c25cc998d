"""What an execution runs in, as its worker tells before it starts it."""

from uuid import UUID

from sqlalchemy import bindparam, update

from runwright.api.executions import InfrastructureReport
from runwright.server.use_cases.end_execution import lease_lost
from runwright.storage.engine import Transaction
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run

_c = flow_run.c
_NOTE = Prepared(
    update(flow_run)
    .where(
        _c.id == bindparam("run_id"),
        _c.claim_token == bindparam("token"),
        _c.execution_id == bindparam("execution", type_=_c.execution_id.type),
    )
    .values(
        infrastructure_pid=bindparam("pid"),
        image=bindparam("its_image"),
        image_digest=bindparam("digest"),
    )
)


def note_infrastructure(tx: Transaction, run_id: UUID, report: InfrastructureReport) -> None:
    """Keep it with the run.

    Raises:
        Conflict: `lease_lost`, the run belongs to another execution. What is started all the same
            is refused Running, as any late execution is.
    """
    noted = tx.execute(
        _NOTE,
        {
            "run_id": run_id,
            "token": report.token,
            "execution": report.execution_id,
            "pid": report.infrastructure_pid,
            "its_image": report.image,
            "digest": report.image_digest,
        },
    )
    if noted.rowcount != 1:
        raise lease_lost(run_id)
