"""The page behind a proxy that shows it under a path of its own, without an internet."""

from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.acceptance.worker.conftest import Site
from tests.browser.test_artifacts import REPORTS

#: An address that browsers do not trust as they trust this machine's: there is no clipboard.
ELSEWHERE = "http://runs.internal/flows"


def proxy(site: Site, asked: list[str]) -> Any:
    """What is under the path comes from the server; all else is not there."""

    def answer(route: Any) -> None:
        address = route.request.url
        asked.append(address)
        if not address.startswith(f"{ELSEWHERE}/") or address.endswith("/changes"):
            route.abort()
            return
        there = f"{site.url.removesuffix('/api')}{address.removeprefix(ELSEWHERE)}"
        headers = {**route.request.all_headers(), "host": urlsplit(ELSEWHERE).netloc}
        route.fulfill(response=route.fetch(url=there, headers=headers))

    return answer


def test_everything_is_under_the_path_of_the_proxy(chromium: Any, site: Site) -> None:
    site.stop_server()
    site.env["RUNWRIGHT_UI_BASE_PATH"] = "/flows"
    site.start_server()
    (site.code / "reports.py").write_text(REPORTS)
    site.cli("work-pool", "create", "p")
    site.cli(
        "deploy", "reports.py:reports", "--name", "d", "--pool", "p", "--source", str(site.code)
    )
    site.start_worker("p")
    run = site.run(site.ask("POST", "/deployments/filter", {})[0]["id"])
    site.until_state(run, "COMPLETED")
    key = site.cli("key", "create", "mine").stdout.split()[-1]
    asked: list[str] = []
    page = chromium.new_page()
    page.route("**/*", proxy(site, asked))
    page.goto(f"{ELSEWHERE}/sign-in")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{ELSEWHERE}/runs")
    page.goto(f"{ELSEWHERE}/runs/{run}")
    # What is loaded later is found there too.
    expect(page.get_by_role("heading", name="Prices")).to_be_visible()
    page.get_by_role("button", name="Copy as command").click()
    page.get_by_role("menuitem", name="Inspect").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_role("link", name="Work pools").click()
    page.wait_for_url(f"{ELSEWHERE}/pools")
    assert [each for each in asked if not each.startswith(f"{ELSEWHERE}/")] == []
    page.unroute_all(behavior="ignoreErrors")
    page.close()
