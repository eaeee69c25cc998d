"""The page tells causes of crashes by the words of whoever reports them: both have the same."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAUSES = (ROOT / "ui/src/lib/crash-causes.ts").read_text() + (
    ROOT / "ui/src/lib/crash.ts"
).read_text()
WORDS = (
    "could not be pulled",
    "cannot be used",
    "is not on the worker's machine",
    "was pulled and is gone",
    "container was removed",
    "container could not reach the control plane",
    "worker was stopped",
    "control plane was away for longer",
    "refused a state of the run as malformed",
    "started its supervisor was killed",
    "Its parent's process ended",
    "Nothing was heard of ",
)


@pytest.fixture(scope="module")
def sources() -> str:
    return "\n".join(each.read_text() for each in (ROOT / "src/runwright").rglob("*.py"))


@pytest.mark.parametrize("words", WORDS)
def test_both_say_the_same(words: str, sources: str) -> None:
    assert words in CAUSES
    # A long sentence is broken over lines of code.
    assert words in sources or words in sources.replace('"\n                    "', "")


@pytest.mark.parametrize(
    "words", ["could not be launched: ", "could not start: ", "was killed", "broke down"]
)
def test_what_the_page_makes_of_them_is_said_somewhere(words: str, sources: str) -> None:
    assert words in sources
