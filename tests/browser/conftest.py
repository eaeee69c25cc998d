"""Debian's Chromium on a real server with a real worker."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.worker.conftest import site  # noqa: F401  # a fixture

ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: Requests that are refused, or find no server, are told on the console: tests provoke those.
_PROVOKED = ("status of 4", "net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; each test gets a profile of its own."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    built = ROOT / "src/runwright/server/ui_dist/index.html"
    if program is None or not built.exists():
        message = "needs Debian's package chromium, and the page built by `make ui`"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, site: Any) -> Iterator[Any]:  # noqa: F811  # the fixture above
    """A page that is signed in by the one-time link. Any error of its own fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda line: line.type == "error" and troubles.append(line.text))
    opened.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    link = site.cli("server", "sign-in").stdout.strip()
    assert re.search(r"#token=", link), link
    opened.goto(link)
    opened.wait_for_url("**/runs")
    yield opened
    context.close()
    assert [each for each in troubles if not any(word in each for word in _PROVOKED)] == []
