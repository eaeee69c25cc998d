"""What every tier of the tests shares."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.postgres import postgres  # noqa: F401  # a fixture of every tier


@pytest.fixture(autouse=True)
def home_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Keep every test away from the user's own profile, server and settings."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("RUNWRIGHT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNWRIGHT_HOME", str(home))
    return home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test of lone surrogates logs and prints has to pass from one process to another."""
    report = yield
    report.sections = [(name, _encodable(text)) for name, text in report.sections]
    return report


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
