"""What a run has kept, its next attempt finds: after a kill, and when somebody runs it again."""

from pathlib import Path

from tests.acceptance.worker.conftest import Site
from tests.hostile.runs.conftest import POOL, SECONDS

FLOWS = """
import os, signal
from pathlib import Path
from runwright import flow, task

def note(folder, what):
    with Path(folder, "calls").open("a") as calls:
        print(what, file=calls)

@task(persist_result=True)
def dear(folder, x):
    note(folder, f"dear {x}")
    return x

@flow
def child(folder, x):
    return dear(folder, x)

@flow(retries=1)
def main(folder: str):
    total = dear(folder, 1) + child(folder, 1) + child(folder, 2)
    note(folder, "main")
    if Path(folder, "calls").read_text().count("main") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return total
"""
#: The child's first call has the task's inputs of its parent: a run of its own all the same.
WHOLE = ["dear 1", "dear 1", "dear 2", "main"]


def test_the_next_attempt_finds_what_was_kept(server: Site, tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    server.code = tmp_path
    deployment = server.deploy("main", POOL)
    first = server.run(deployment, retries=1, folder=str(tmp_path))

    def completed(count: int) -> bool:
        runs = server.runs_of(deployment)
        return [run["state_type"] for run in runs].count("COMPLETED") == count

    server.until(lambda: completed(1), SECONDS)
    assert calls(tmp_path) == [*WHOLE, "main"]
    server.ask("POST", f"/flow_runs/{first}/rerun")
    server.until(lambda: completed(2), SECONDS)
    assert calls(tmp_path) == [*WHOLE, "main", "main"]
    fresh = server.ask("POST", f"/flow_runs/{first}/rerun", {"fresh": True})
    assert (fresh["attempt"], fresh["root_run_id"]) == (1, fresh["id"])
    server.until(lambda: completed(3), SECONDS)
    assert calls(tmp_path) == [*WHOLE, "main", "main", *WHOLE]


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()
