"""`pip install .` contains the page."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.browser.conftest import ROOT


@pytest.mark.timeout(200)
def test_a_wheel_holds_the_page_and_is_built_from_nothing_else(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if name.startswith(("src/", "ui/", "tools/")) or name in {
            "pyproject.toml", "README.md", "LICENSE",
        }:  # fmt: skip
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, copy],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "runwright/server/ui_dist/index.html" in names
    assert any(name.startswith("runwright/server/ui_dist/assets/") for name in names)
    assert "runwright/cli/compose_files/compose.yaml" in names
    assert not any("node_modules" in name for name in names)
