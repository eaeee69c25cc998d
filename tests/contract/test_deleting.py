"""What is deleted takes everything of its own with it, and nothing else."""

from uuid import uuid4

from sqlalchemy import func, insert, select, update
from tests.contract.pools import make_pool, schedule

from runwright.clock import SystemClock
from runwright.storage import deleting
from runwright.storage.deleting import delete_runs
from runwright.storage.tables import artifact, flow_run, flow_run_state, log

_OF_RUNS = (flow_run, flow_run_state, log, artifact)


def tell(tx, run_id, lines):
    """Log lines and an artifact of the run."""
    now = SystemClock().now()
    line = {"flow_run_id": run_id, "timestamp": now, "level": 20, "name": "n", "message": "m"}
    tx.execute(insert(log), [{"id": uuid4(), **line} for _ in range(lines)])
    tx.execute(
        insert(artifact), {"id": uuid4(), "created": now, "updated": now, "flow_run_id": run_id}
    )


def counts(tx):
    return {
        table.name: tx.execute(select(func.count()).select_from(table)).scalar()
        for table in _OF_RUNS
    }


def test_runs_go_with_their_lines_artifacts_and_subflows(on_storage, monkeypatch):
    monkeypatch.setattr(deleting, "_LINES", 7)
    monkeypatch.setattr(deleting, "_RUNS", 2)

    async def body(storage):
        flow, deployment = await storage.write(make_pool)
        runs = await schedule(storage, flow, deployment, count=6)
        stays, *go, inside = runs

        def make(tx):
            for run_id in runs:
                tell(tx, run_id, 20)
            nested = update(flow_run).where(flow_run.c.id == inside)
            tx.execute(nested.values(execution_root_id=go[0]))

        await storage.write(make)
        before = await storage.read(counts)
        assert before == {"flow_run": 6, "flow_run_state": 6, "log": 120, "artifact": 6}

        rows = await delete_runs(storage, flow_run.c.id.in_(go))

        assert rows == 5 + 5 * 20
        assert await storage.read(counts) == {
            "flow_run": 1, "flow_run_state": 1, "log": 20, "artifact": 1,
        }  # fmt: skip
        left = await storage.read(lambda tx: tx.execute(select(flow_run.c.id)).scalars())
        assert left == [stays]
        assert await delete_runs(storage, flow_run.c.id.in_(go)) == 0

    on_storage(body)
