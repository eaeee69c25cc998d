"""Type checkers see the signatures of decorated functions."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = "tests/public/typed_sdk.py"


@pytest.mark.parametrize(
    "command",
    [
        ["basedpyright", "--level", "error"],
        ["mypy", "--strict", "--follow-imports=silent", "--cache-dir=/dev/null"],
    ],
    ids=["pyright", "mypy"],
)
def test_a_type_checker_agrees_with_what_the_file_asserts(command):
    program, *options = command
    done = subprocess.run(
        [sys.executable, "-m", program, *options, CHECKED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
