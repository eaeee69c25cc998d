"""The page of one task run, and the way there and back."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.steps import deploy_code, home

TALE = """
from pathlib import Path
from runwright import flow, get_run_logger, task
from runwright.artifacts import create_markdown_artifact

@task(persist_result=True)
def fetch(region):
    return region

@task(retries=2, retry_delay_seconds=0.2)
def clean(rows, folder):
    mark = Path(folder, "tried")
    get_run_logger().info("cleaning")
    create_markdown_artifact("12 rows", key="cleaned")
    if not mark.exists():
        mark.touch()
        raise ValueError("12 rows have no price")
    return rows

@task
def load(rows):
    get_run_logger().info("loading")
    raise RuntimeError("the warehouse is closed")

@flow
def tale(folder: str):
    get_run_logger().info("once")
    load(clean.submit(fetch.submit("north"), folder))
"""


def test_a_task_run_says_why_and_what_came_before_and_after(
    page: Any, site: Any, tmp_path: Path
) -> None:
    run = site.run(deploy_code(site, TALE, "tale"), folder=str(tmp_path))
    site.until(lambda: site.state(run) == "FAILED", 30)
    name = site.ask("GET", f"/flow_runs/{run}")["name"]

    # From the list of the run's tasks, those that failed.
    page.goto(f"{home(site)}/runs/{run}")
    page.get_by_role("group", name="State").get_by_role("button", name="Failed 1").click()
    tasks = page.get_by_role("table", name="Tasks")
    expect(tasks.get_by_role("link")).to_have_count(1)
    tasks.get_by_role("link", name="load-0").click()
    page.wait_for_url("**/task-runs/*")
    expect(page.locator("header p")).to_have_text("RuntimeError: the warehouse is closed")
    expect(page).to_have_title(re.compile("^✕ load-0"))
    # Its own log, and nothing of the others.
    log = page.get_by_role("log")
    expect(log).to_contain_text("loading")
    expect(log).not_to_contain_text("cleaning")
    expect(log).not_to_contain_text("once")

    # To what it took, which was tried twice.
    page.get_by_role("table", name="Took the results of").get_by_role("link").click()
    expect(page.get_by_role("heading", name="clean-0")).to_be_visible()
    expect(page.locator("#favicon")).to_have_attribute("href", re.compile("%E2%9C%93"))  # ✓
    tries = page.get_by_role("table", name="Tries").get_by_role("row")
    expect(tries).to_have_count(3)
    expect(tries.nth(1)).to_contain_text("ValueError: 12 rows have no price")
    expect(tries.nth(2)).to_contain_text("Completed")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    expect(page.get_by_role("table", name="Its result went into")).to_contain_text("load-0")
    expect(page.get_by_text("12 rows", exact=True).first).to_be_visible()
    for theme in ("light", "dark"):
        page.evaluate(f"localStorage.setItem('theme', '{theme}')")
        page.reload()
        expect(page.get_by_role("table", name="Its result went into")).to_be_visible()
        expect(log).to_contain_text("cleaning")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    page.get_by_role("table", name="Took the results of").get_by_role("link").click()
    expect(page.get_by_role("heading", name="fetch-0")).to_be_visible()
    expect(page.get_by_text("Kept in")).to_be_visible()
    page.get_by_role("navigation", name="Flow run").get_by_role("link", name=name).click()
    page.wait_for_url(f"**/runs/{run}")

    page.goto(f"{home(site)}/task-runs/{run}")
    expect(page.get_by_text("There is no task run")).to_be_visible()
