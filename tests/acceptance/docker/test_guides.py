"""The commands in the operators' guides, as they stand there."""

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.docker.engine import IMAGE, ROOT
from tests.acceptance.docker.engine import run as start

from runwright.server.keys import is_key

#: Run by the tests of systemd and compose, which have what they need.
ELSEWHERE = ("sudo ", "runwright worker service", "docker compose", "docker build")
FLOW = """
from runwright import flow

@flow(retries=1)
def nightly():
    print("night")
"""


def commands(page: str) -> list[str]:
    """Its lines in blocks without a language."""
    lines: list[str] = []
    language: str | None = None
    for line in (ROOT / "docs" / "operate" / page).read_text().splitlines():
        if line.startswith("```"):
            language = line[3:] if language is None else None
        elif language == "" and line.strip():
            lines.append(line)
    return [line for line in lines if not line.startswith(ELSEWHERE)]


def run(plant: Any, line: str, cwd: Path) -> str:
    program, *words = line.split()
    assert program == "runwright", line
    return plant.cli(*words, cwd=cwd)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pipeline.py").write_text(FLOW)
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\n")
    return folder


def test_the_commands_about_workers(plant: Any, tmp_path: Path) -> None:
    told = {line: run(plant, line, tmp_path) for line in commands("workers.md")}
    assert len(told) >= 3
    made = told["runwright key create box-1 --kind worker --pool boxes"]
    assert any(is_key(word) for word in made.split())
    assert (tmp_path / "site" / "compose.yaml").is_file()


def test_the_commands_about_images(plant: Any, registry: str, project: Path) -> None:
    plant.pool("boxes")
    # The base image of the guide is not to be had here: the same command, with one that is.
    (project / "requirements.txt").write_text("")
    for line in commands("images.md"):
        here = line.replace("registry.example.com", registry)
        if " deploy " in here:
            start("docker", "tag", IMAGE, f"{registry}/team/proj:v1.0.0")
            start("docker", "push", f"{registry}/team/proj:v1.0.0")
            here += " --no-build"
            plant.cli(*here.split()[1:], cwd=project)
            here = here.replace("v1.0.0", "v1.1.0")
        assert run(plant, here, project)
    assert "proj:v1.0.0" in plant.cli("deployment", "inspect", "nightly/prod")
