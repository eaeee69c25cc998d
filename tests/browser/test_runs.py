"""The list of runs: many at once, page after page, and kept under a name."""

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home
from tests.browser.test_run_page import in_both_themes


def test_several_runs_are_cancelled_run_again_and_deleted_at_once(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    for number in range(3):
        site.ask("POST", f"/deployments/{deployment}/create_flow_run", {"name": f"run {number}"})
    page.goto(f"{home(site)}/runs")
    for number in (0, 1):
        page.get_by_label(f"Choose run {number}").check()
    bulk = page.get_by_role("region", name="Chosen runs")
    expect(bulk.get_by_role("button", name="Run 0 again")).to_be_disabled()
    bulk.get_by_role("button", name="Cancel 2").click()
    page.get_by_role("button", name="Yes, cancel 2").click()
    expect(page.get_by_text("2 cancelled.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Cancelled")).to_have_count(2)

    page.get_by_label("Choose run 0").check()
    bulk.get_by_role("button", name="Run 1 again").click()
    expect(page.get_by_text("1 run again.")).to_be_visible()
    expect(page.get_by_role("table", name="Runs").get_by_role("row")).to_have_count(5)

    page.get_by_label("Choose all that are shown").check()
    bulk.get_by_role("button", name="Delete 4").click()
    page.get_by_role("button", name="No").click()
    assert site.ask("POST", "/flow_runs/count", {}) == 4
    bulk.get_by_role("button", name="Delete 4").click()
    page.get_by_role("button", name="Yes, delete 4").click()
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    assert site.ask("POST", "/flow_runs/count", {}) == 0


def test_every_run_is_on_one_page_though_many_were_due_at_one_instant(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    at = ["2030-01-01T00:00:00Z"] * 70 + [f"2030-01-02T00:{n:02}:00Z" for n in range(40)]
    for number, due in enumerate(at):
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        body = {"name": f"run {number}", "state": state}
        site.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
    seen: list[str] = []
    page.goto(f"{home(site)}/runs")
    older = page.get_by_role("link", name="Older")
    names = page.get_by_role("table", name="Runs").get_by_role("link")
    for size in (50, 50, 10):
        expect(names).to_have_count(size)
        if seen:  # what is shown meanwhile is the page before
            expect(names.first).not_to_have_text(seen[-50])
        seen += names.all_inner_texts()
        if size == 50:
            older.click()
    expect(older).to_have_count(0)
    assert sorted(seen) == sorted(f"run {number}" for number in range(110))
    page.get_by_role("link", name="Newest").click()
    expect(page.get_by_role("link", name="run 109")).to_be_visible()


def test_a_search_is_kept_under_a_name(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    for name in ("first", "second"):
        site.ask("POST", f"/deployments/{deployment}/create_flow_run", {"name": name})
    page.goto(f"{home(site)}/runs?name=sec")
    page.get_by_role("button", name="Views: 0").click()
    in_both_themes(page)
    page.get_by_label("Keep this one as").fill("seconds")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("Views: 1")).to_be_visible()
    page.goto(f"{home(site)}/runs")
    expect(page.get_by_role("link", name="first")).to_be_visible()
    page.get_by_text("Views: 1").click()
    page.get_by_role("link", name="seconds").click()
    expect(page.get_by_role("link", name="first")).to_have_count(0)
    page.get_by_label("Delete the view seconds").click()
    in_both_themes(page)
    page.get_by_label("Yes, delete the view seconds").click()
    expect(page.get_by_text("Views: 0")).to_be_visible()
