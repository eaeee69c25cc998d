"""What is deleted while it runs: its process ends, and nothing of it stays behind."""

import sqlite3
from pathlib import Path
from typing import Any

import psutil
import pytest

#: Rows that belong to a run, by the column that says so.
_OF_A_RUN = {
    "flow_run": "id",
    "flow_run_state": "flow_run_id",
    "log": "flow_run_id",
    "task_run": "flow_run_id",
    "artifact": "flow_run_id",
}


def rows_of(site: Any, run: str) -> dict[str, int]:
    """How many there are, where there are any."""
    with sqlite3.connect(f"file:{site.home}/runwright.db?mode=ro", uri=True) as database:
        counts = {
            table: database.execute(
                f"SELECT count(*) FROM {table} WHERE {column} = ?",  # names of ours
                (run,),
            ).fetchone()[0]
            for table, column in _OF_A_RUN.items()
        }
    return {table: count for table, count in counts.items() if count}


def test_a_run_that_is_deleted_ends_and_leaves_no_row(site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("chatty", "local")
    worker = site.start_worker("local")
    run = site.run(deployment, retries=2, folder=str(tmp_path))
    site.until(lambda: site.logs(run))
    flows = [each for each in worker.children(recursive=True) if each.name() == "rw-flow"]
    assert len(flows) == 1

    site.ask("DELETE", f"/flow_runs/{run}")

    site.until(lambda: not flows[0].is_running(), site.lease_seconds + 5)
    assert rows_of(site, run) == {}
    assert site.runs_of(deployment) == []  # no next attempt either
    # The worker goes on with other things.
    later = site.run(site.deploy("hello", "local"))
    site.until_state(later, "COMPLETED")
    assert rows_of(site, run) == {}


@pytest.mark.parametrize("kind", ["deployments", "work_pools"])
def test_what_a_run_came_from_may_go_and_the_run_goes_on(
    site: Any, tmp_path: Path, kind: str
) -> None:
    deployment = site.deploy("held", "local")
    site.start_worker("local")
    run = site.run(deployment, folder=str(tmp_path))
    pid = site.flow_pid(tmp_path, run)

    site.ask("DELETE", f"/{kind}/{deployment if kind == 'deployments' else 'local'}")
    assert psutil.pid_exists(pid)
    (tmp_path / "go").touch()

    site.until_state(run, "COMPLETED", 15)
