"""Times in the zone, and told in the way, that somebody chose."""

import re
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home
from tests.browser.test_run_page import in_both_themes


def test_times_are_told_and_typed_in_the_zone_that_was_chosen(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    site.start_worker("p")
    run = site.run(deployment)
    site.until_state(run, "COMPLETED")
    site.until(lambda: site.logs(run))
    details = {"scheduled_time": "2030-03-31T00:59:59Z"}
    later = {"name": "later", "state": {"type": "SCHEDULED", "state_details": details}}
    site.ask("POST", f"/deployments/{deployment}/create_flow_run", later)
    page.goto(f"{home(site)}/runs")
    row = page.get_by_role("row").filter(has_text="later")
    expect(row.locator("time")).to_have_text(re.compile("^in "))
    row.locator("time").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Sun 2030-03-31 00:59:59 UTC, in ")

    display = page.get_by_role("button", name="Display")
    display.focus()
    page.keyboard.press("Enter")
    box = page.get_by_role("dialog", name="Display")
    in_both_themes(page)
    box.get_by_label("Time zone").select_option("Europe/Berlin")
    box.get_by_label("2026-01-31 09:00:00").check()
    expect(row.locator("time")).to_have_text("2030-03-31 01:59:59")
    box.get_by_label("Time zone").select_option("Australia/Eucla")
    expect(row.locator("time")).to_have_text("2030-03-31 09:44:59")
    page.keyboard.press("Escape")
    expect(display).to_be_focused()

    page.goto(f"{home(site)}/runs/{run}")  # it is kept
    said = site.ask("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})[0]
    hour, minute = (int(part) for part in said["timestamp"][11:16].split(":"))
    there = (hour * 60 + minute + 525) % 1440
    expect(page.get_by_role("log")).to_contain_text(f"{there // 60:02}:{there % 60:02}:")

    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Run with changed parameters").click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("Australia/Eucla")
    form.get_by_label("Due").fill("2030-06-01T09:00")
    form.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Why it is not running")).to_be_visible()
    [made] = site.ask(
        "POST", "/flow_runs/filter",
        {"flow_runs": {"expected_start_time": {"after_": "2030-05-01T00:00:00Z"}}},
    )  # fmt: skip
    assert made["expected_start_time"] == "2030-06-01T00:15:00Z"
