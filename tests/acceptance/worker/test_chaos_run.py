"""`runwright chaos run`: a flow that is idempotent, and one that is not."""

from pathlib import Path
from typing import Any

import pytest

FLOWS = """
from pathlib import Path
from runwright import flow, task

@task
def write(folder, number):
    Path(folder, f"part-{number}").write_text(str(number))

@task
def append(folder, number):
    with Path(folder, "ledger").open("a") as out:
        out.write(f"{number}\\n")

@flow(retries=1)
def idempotent(folder: str):
    for number in range(3):
        write(folder, number)

@flow(retries=1)
def careless(folder: str):
    for number in range(3):
        append(folder, number)
"""


@pytest.fixture
def folder(site: Any, tmp_path: Path) -> Path:
    """Where the flows act."""
    (site.code / "effects.py").write_text(FLOWS)
    acted = tmp_path / "acted"
    acted.mkdir()
    return acted


def chaos(site: Any, folder: Path, flow: str, *more: str) -> Any:
    pool = ("--pool", "p")
    site.cli("work-pool", "create", "p")
    code = ("--source", str(site.code))
    deployed = site.cli("deploy", f"effects.py:{flow}", "--name", "d", *pool, *code)
    assert deployed.returncode == 0, deployed.stderr
    site.start_worker("p")
    return site.cli(
        "chaos", "run", f"{flow}/d", "--param", f"folder={folder}",
        "--effects", f"sh -c 'cd {folder} && cat *'", "--reset", f"sh -c 'rm -f {folder}/*'",
        *more, "--kill-at", "each-task",
    )  # fmt: skip


def test_an_idempotent_flow_leaves_the_same_wherever_it_is_killed(site: Any, folder: Path) -> None:
    told = chaos(site, folder, "idempotent")
    assert told.returncode == 0, told.stdout + told.stderr
    rows = told.stdout.splitlines()
    assert sum("the same" in row for row in rows) == 3
    assert sorted(file.name for file in folder.iterdir()) == ["part-0", "part-1", "part-2"]


def test_a_flow_that_is_not_is_found_out(site: Any, folder: Path) -> None:
    told = chaos(site, folder, "careless")
    assert told.returncode == 1, told.stdout + told.stderr
    assert sum("DIFFERENT" in row for row in told.stdout.splitlines()) == 3
    refused = site.cli("chaos", "run", "careless/d", "--effects", "true", "--kill-at", "never")
    assert "--kill-at is each-task or the number of a task" in refused.stderr
    absent = site.cli("chaos", "run", "careless/d", "--effects", "no-such-command")
    assert "cannot be run" in absent.stderr
