"""The reference pages say what the program does today."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_pages_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "generate_docs.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_setting_and_exit_status_has_a_meaning() -> None:
    for page in ("settings.md", "cli.md"):
        for line in (ROOT / "docs" / "reference" / page).read_text().splitlines():
            assert not line.endswith("|  |"), line
