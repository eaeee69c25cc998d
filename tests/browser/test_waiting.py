"""Why a run is not running, on its page: each cause as it comes and goes."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.steps import home


def test_the_card_follows_what_keeps_a_run_waiting(page: Any, site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "p")
    site.ask("PATCH", "/work_pools/p", {"is_paused": True})
    site.ask("PATCH", f"/deployments/{deployment}", {"concurrency_limit": 1})
    first = site.run(deployment, folder=str(tmp_path))
    page.goto(f"{home(site)}/runs/{first}")
    card = page.locator("section").filter(
        has=page.get_by_role("heading", name="Why it is not running")
    )
    reasons = card.get_by_role("list", name="Reasons").get_by_role("listitem")
    expect(reasons).to_have_count(2)
    expect(reasons.first).to_contain_text("Work pool 'p' is paused.")
    expect(reasons.first.locator("code")).to_have_text("runwright work-pool resume p")
    expect(reasons.last).to_contain_text("No worker of work pool 'p' is online: there has been")
    assert Axe().run(page).violations_count == 0

    # Nothing is loaded anew: the card asks by itself.
    site.ask("PATCH", "/work_pools/p", {"is_paused": False})
    expect(reasons).to_have_count(1)
    site.start_worker("p")
    expect(page.locator("header").get_by_text("Running")).to_be_visible(timeout=30_000)
    expect(card).to_have_count(0)

    second = site.run(deployment, folder=str(tmp_path))
    name = site.ask("GET", f"/flow_runs/{first}")["name"]
    page.goto(f"{home(site)}/runs/{second}")
    expect(reasons).to_contain_text("Deployment 'held/p' is at its limit of 1.")
    expect(reasons.get_by_role("link", name=name)).to_be_visible()
    reasons.get_by_role("link", name="Open the deployment").click()
    expect(page.get_by_role("heading", name="held/p")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"**/runs/{first}")
    (tmp_path / "go").touch()
