"""`pip install .` and a source distribution contain the page."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.browser.conftest import ROOT

_SDIST = "import sys; from hatchling.build import build_sdist; build_sdist(sys.argv[1])"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What a clone has, and nothing that was built in this one."""
    copy = tmp_path / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if name.startswith(("src/", "ui/", "tools/")) or name in {
            ".gitignore", "pyproject.toml", "README.md", "LICENSE",
        }:  # fmt: skip
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    return copy


def _run(*words: str | Path, cwd: Path, **env: str) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _names(folder: Path) -> list[str]:
    [wheel] = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.timeout(200)
def test_a_wheel_holds_the_page_and_is_built_from_nothing_else(tmp_path: Path, copy: Path) -> None:
    _run("-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, copy, cwd=tmp_path)
    names = _names(tmp_path)
    assert "runwright/server/ui_dist/index.html" in names
    assert any(name.startswith("runwright/server/ui_dist/assets/") for name in names)
    assert "runwright/cli/compose_files/compose.yaml" in names
    assert not any("node_modules" in name for name in names)


@pytest.mark.timeout(200)
def test_a_source_distribution_holds_the_page_and_installs_without_node(
    tmp_path: Path, copy: Path
) -> None:
    backend = tmp_path / "backend"
    _run("-m", "pip", "install", "-q", "--target", backend, "hatchling>=1.27,<2", cwd=tmp_path)
    _run("-c", _SDIST, tmp_path, cwd=copy, PYTHONPATH=str(backend))
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
    assert "src/runwright/server/ui_dist/index.html" in names
    assert not any(name.startswith("ui/") or "node_modules" in name for name in names)
    without_node = str(Path(sys.executable).parent)
    _run(
        "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, archive,
        cwd=tmp_path, PATH=without_node,
    )  # fmt: skip
    assert "runwright/server/ui_dist/index.html" in _names(tmp_path)
