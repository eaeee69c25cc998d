"""The Python in the documentation runs, one page after the other, each as one program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page for room in ("learn", "guides", "operate") for page in (ROOT / "docs" / room).glob("*.md")
)
#: A block marked `no-run` needs a server, or code that is not there.
_BLOCK = re.compile(r"^```python( no-run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_LINES = 120


def program(page: Path) -> str:
    """The page's blocks, each at its own line, so that an error names the line of the page."""
    text = page.read_text()
    lines: list[str] = []
    for block in _BLOCK.finditer(text):
        if block[1]:
            compile(block[2], str(page), "exec")
            continue
        begins = text.count("\n", 0, block.start(2))
        lines += [""] * (begins - len(lines)) + block[2].splitlines()
    return "\n".join(lines) + "\n"


def test_the_pages_are_there() -> None:
    assert len(PAGES) >= 14
    learning = [page for page in PAGES if page.parent.name == "learn"]
    assert all(program(page).strip() for page in learning)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs(page: Path, tmp_path: Path) -> None:
    script = tmp_path / f"{page.stem.replace('-', '_')}.py"
    script.write_text(program(page))
    variables = {k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")}
    ran = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**variables, "RUNWRIGHT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_short_and_its_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    assert text.count("\n") <= MOST_LINES
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("http") or (page.parent / link).exists(), link
